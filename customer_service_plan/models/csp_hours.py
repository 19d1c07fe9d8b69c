from bisect import bisect_right
from datetime import datetime, time, timedelta
from itertools import pairwise

from odoo import api, fields, models, tools
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, format_date, format_time
from odoo.tools.misc import babel_locale_parse, get_lang, posix_to_ldml

from odoo.addons.base.models.res_partner import _tz_get

from ..tools.epoch import to_epoch
from ..tools.timeline import DAY, FOREVER, DayException, Timeline

EPOCH = datetime(1970, 1, 1)
# In the context of writes that are part of a larger one. An object of its own cannot
# come from outside, such as by RPC.
PART_OF_CHANGE = object()
# Days shown in advance.
COMING_DAYS = 14
# A span past midnight that ends by noon belongs to the day on which it begins.
MORNING = DAY // 2
# Odoo's closures end one second before midnight; what is left of such a day is
# opening time for the clocks, but nothing to tell people about.
SHORTEST_SHOWN = 60


def from_epoch(seconds):
    """Return epoch seconds as naive UTC, and ``None`` as ``False``."""
    return False if seconds is None else EPOCH + timedelta(seconds=seconds)


def format_minutes(minutes):
    """Return minutes since midnight as 24-hour time, for programs; 1440 is 24:00."""
    if minutes > 1440:
        minutes -= 1440
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


class CspHours(models.Model):
    _name = "csp.hours"
    _description = "Service Hours"
    _order = "name, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        index="btree_not_null",
        ondelete="cascade",
        help="Leave it empty to use these hours in every company.",
    )
    tz = fields.Selection(
        selection=_tz_get,
        string="Time Zone",
        required=True,
        default=lambda self: self._default_tz(),
        help="The times below are local times of this zone.",
    )
    always_open = fields.Boolean(
        string="Day and Night",
        help="Open at every moment: week and exceptions do not count.",
    )
    follow_company_closures = fields.Boolean(
        help="Also closed when the company is: on public holidays and closures kept "
        "in Odoo for all working schedules of the company, or for its default one. "
        "Absences of single people do not count. Without a company, closures of no "
        "company count, and those of the company when there is just one.",
    )
    country_id = fields.Many2one(
        comodel_name="res.country",
        ondelete="restrict",
        default=lambda self: self._default_country_id(),
        help="Whose public holidays are proposed.",
    )
    state_id = fields.Many2one(
        comodel_name="res.country.state",
        string="Region",
        domain="[('country_id', '=?', country_id)]",
        ondelete="restrict",
    )
    line_ids = fields.One2many(
        comodel_name="csp.hours.line", inverse_name="hours_id", string="Week", copy=True
    )
    exception_ids = fields.One2many(
        comodel_name="csp.hours.exception",
        inverse_name="hours_id",
        string="Holidays and Exceptions",
        copy=True,
    )
    channel_ids = fields.One2many(
        comodel_name="helpdesk.ticket.channel", inverse_name="csp_hours_id"
    )
    is_open = fields.Boolean(
        string="Open Now", compute="_compute_status", search="_search_is_open"
    )
    status = fields.Char(string="Now", compute="_compute_status")
    summary = fields.Char(string="Week at a Glance", compute="_compute_summary")
    coming_days = fields.Text(
        string="Next 14 Days",
        compute="_compute_coming_days",
        help="In the time zone of the hours.",
    )
    week_picture = fields.Json(string="Picture", compute="_compute_week_picture")
    revision = fields.Integer(
        readonly=True,
        copy=False,
        help="Counts the changes of opening time: a promise planned with an earlier "
        "one is planned again.",
    )

    @api.model
    def _default_tz(self):
        company = self.env.company
        return (
            self.env.user.tz
            or company.resource_calendar_id.tz
            or company.partner_id.tz
            or "UTC"
        )

    @api.model
    def _default_country_id(self):
        return self.env.company.country_id

    # ------------------------------------------------------------------
    # Shown to people
    # ------------------------------------------------------------------

    @api.depends(
        "tz",
        "always_open",
        "line_ids.weekday",
        "line_ids.minute_from",
        "line_ids.minute_to",
        "exception_ids.date_from",
        "exception_ids.date_to",
        "exception_ids.kind",
        "exception_ids.minute_from",
        "exception_ids.minute_to",
        "follow_company_closures",
        "company_id",
    )
    @api.depends_context("lang", "tz")
    def _compute_status(self):
        now = fields.Datetime.now()
        for hours in self:
            hours.is_open = hours._is_open(now)
            hours.status = hours._get_status_text(now)

    def _search_is_open(self, operator, value):
        if operator != "in":
            return NotImplemented
        now = fields.Datetime.now()
        found = self.with_context(active_test=False).search_fetch(Domain.TRUE)
        open_ids = [hours.id for hours in found if hours._is_open(now)]
        wanted = Domain.FALSE
        if True in value:
            wanted |= Domain("id", "in", open_ids)
        if False in value:
            wanted |= Domain("id", "not in", open_ids)
        return wanted

    @api.depends(
        "always_open", "line_ids.weekday", "line_ids.minute_from", "line_ids.minute_to"
    )
    @api.depends_context("lang")
    def _compute_summary(self):
        names = self._get_weekday_names()
        for hours in self:
            if hours.always_open:
                hours.summary = self.env._("Open day and night")
                continue
            days = hours._get_week_lines()
            parts, first = [], 0
            for day in range(1, 8):
                if day < 7 and days[day] == days[first]:
                    continue
                if days[first]:
                    label = names[first]
                    if day - first > 1:
                        label += f"–{names[day - 1]}"
                    parts.append(f"{label} {', '.join(days[first])}")
                first = day
            hours.summary = "; ".join(parts) or self.env._("Never open")

    def _get_week_lines(self):
        """Return the spans of each week day as text, Monday first."""
        self.ensure_one()
        days = [[] for _weekday in range(7)]
        for line in self.line_ids.sorted(
            lambda line: (line.minute_from, line.minute_to)
        ):
            if line.weekday:
                days[int(line.weekday)].append(
                    f"{self._format_minutes(line.minute_from)}–"
                    f"{self._format_minutes(line.minute_to)}"
                )
        return days

    @api.model
    def _get_weekday_names(self):
        """Return the short names of the week days in the user's language."""
        # The first of January 2024 was a Monday.
        return [
            format_date(self.env, datetime(2024, 1, day), date_format="EEE")
            for day in range(1, 8)
        ]

    @api.depends("week_picture")
    @api.depends_context("lang")
    def _compute_coming_days(self):
        for hours in self:
            if hours.always_open:
                hours.coming_days = self.env._("Open day and night")
                continue
            hours.coming_days = "\n".join(
                f"{day['label']}: {day['text']}"
                for day in (hours.week_picture or {}).get("coming", [])
            )

    @api.depends(
        "tz",
        "always_open",
        "line_ids.weekday",
        "line_ids.minute_from",
        "line_ids.minute_to",
        "exception_ids.name",
        "exception_ids.date_from",
        "exception_ids.date_to",
        "exception_ids.kind",
        "exception_ids.minute_from",
        "exception_ids.minute_to",
        "follow_company_closures",
        "company_id",
    )
    @api.depends_context("lang")
    def _compute_week_picture(self):
        for hours in self:
            hours.week_picture = hours._get_picture() if hours.tz else False

    def _get_picture(self):
        """Return what the picture of the week shows, for the web client and pages.

        ``week`` and ``coming`` are lists of days with ``label``, ``text``, ``note`` and
        ``spans`` (minutes of the local day from and to; on days of another length
        than 24 hours stretched to 1440). ``coming`` begins today.
        """
        self.ensure_one()
        names = self._get_weekday_names()
        week = []
        spans = self._get_week_minutes()
        texts = self._get_week_lines()
        for weekday in range(7):
            begin, end = weekday * 1440, weekday * 1440 + 1440
            week.append(
                {
                    "label": names[weekday],
                    "text": ", ".join(texts[weekday]) or self.env._("closed"),
                    "spans": [
                        [max(start, begin) - begin, min(stop, end) - begin]
                        for start, stop in spans
                        if start < end and stop > begin
                    ],
                }
            )
        return {
            "always_open": self.always_open,
            "week": week,
            "coming": self._get_coming(fields.Datetime.now(), COMING_DAYS),
        }

    def _get_week_minutes(self):
        """Return the spans of the week in minutes since Monday 00:00."""
        self.ensure_one()
        if self.always_open:
            return [(0, 7 * 1440)]
        spans = []
        for line in self.line_ids:
            if not line.weekday or line.minute_to <= line.minute_from:
                continue
            start = int(line.weekday) * 1440 + line.minute_from
            end = int(line.weekday) * 1440 + line.minute_to
            spans.append((start, min(end, 7 * 1440)))
            if end > 7 * 1440:
                spans.append((0, end - 7 * 1440))
        return sorted(spans)

    def _get_coming(self, start, count):
        """Return the days from the local day of ``start``, see :meth:`_get_picture`.

        :param start: naive UTC
        :param count: number of days
        """
        self.ensure_one()
        timeline = self._timeline()
        first = timeline.get_local(to_epoch(start)).date()
        notes = {}
        for exception in self.exception_ids:
            if not exception.date_from or not exception.date_to:
                continue
            for number in range(count):
                day = first + timedelta(days=number)
                if exception.date_from <= day <= exception.date_to and exception.name:
                    notes.setdefault(day, []).append(exception.name)
        dates = [first + timedelta(days=number) for number in range(count + 1)]
        midnights = [timeline.get_midnight(day) for day in dates]
        nights = self._get_nights(midnights)
        days = []
        for number in range(count):
            begin, end = midnights[number : number + 2]
            length = max(end - begin, 1)
            spans = timeline.get_spans(begin, end)
            if self.always_open or spans == [(begin, end)]:
                text = self.env._("open day and night")
            else:
                text = ", ".join(
                    self._format_clock(start)
                    + "–"
                    + self._format_clock(stop, closing=True)
                    for start, stop in nights[number]
                )
            note = ", ".join(notes.get(dates[number], []))
            if not text:
                text = self.env._("closed")
            days.append(
                {
                    "date": fields.Date.to_string(dates[number]),
                    "label": format_date(
                        self.env, dates[number], date_format="EEE d MMM"
                    ),
                    "text": f"{text} ({note})" if note else text,
                    "note": note,
                    "spans": [
                        [
                            (start - begin) * 1440 // length,
                            (stop - begin) * 1440 // length,
                        ]
                        for start, stop in spans
                        if stop - start >= SHORTEST_SHOWN
                    ],
                }
            )
        return days

    def _get_nights(self, midnights):
        """Return the spans of each day, those past midnight with the day they begin.

        :param midnights: epoch seconds of the beginnings of days, and of the last end
        """
        nights = [[] for _midnight in midnights]
        latest = midnights[-1] + MORNING
        for start, end in self._timeline().get_spans(midnights[0], latest):
            if end - start < SHORTEST_SHOWN:
                continue
            number = bisect_right(midnights, start) - 1
            while number < len(midnights) - 1:
                midnight = midnights[number + 1]
                overnight = midnights[number] < start and end - midnight < MORNING
                if end <= midnight or overnight:
                    nights[number].append((start, end))
                    break
                nights[number].append((start, midnight))
                start = midnight
                number += 1
        return nights

    @api.model
    def _format_minutes(self, minutes):
        """Return minutes since midnight in the user's time format, without seconds."""
        lang = get_lang(self.env)
        pattern = lang.time_format.replace(":%S", "")
        if minutes == 1440 and "%p" not in pattern:
            return "24:00"
        hour, minute = divmod(minutes % 1440, 60)
        pattern = posix_to_ldml(pattern, locale=babel_locale_parse(lang.code))
        # "9:00 AM" rather than "09:00 AM"
        pattern = pattern.replace("hh:", "h:")
        return format_time(self.env, time(hour, minute), time_format=pattern)

    def _format_clock(self, at, closing=False):
        """Return the local time of day of epoch seconds in the user's time format.

        :param closing: a span ends then: midnight is the end of a day
        """
        moment = self._timeline().get_local(at)
        minutes = moment.hour * 60 + moment.minute
        return self._format_minutes(1440 if closing and not minutes else minutes)

    def _get_change(self, at):
        """Return whether it is open, and when that changes, as people see it.

        :param at: naive UTC
        :return: a boolean and epoch seconds, ``None`` when nothing changes again
        """
        now = to_epoch(at)
        for begin, end in self._timeline().iter_spans(now):
            if end - begin < SHORTEST_SHOWN:
                continue
            if begin <= now:
                return True, None if end >= FOREVER else end
            return False, begin
        return False, None

    def _get_status_text(self, at):
        """Return a sentence such as "Open now, closes at 18:00".

        :param at: naive UTC
        """
        is_open, change = self._get_change(at)
        if change is None:
            if not is_open:
                return self.env._("Closed until further notice")
            return self.env._("Open day and night")
        timeline = self._timeline()
        today = timeline.get_local(to_epoch(at)).date()
        moment = timeline.get_local(change)
        # Closing at midnight belongs to the day that ends.
        midnight = is_open and not moment.hour and not moment.minute
        day = moment.date() - timedelta(days=1) if midnight else moment.date()
        values = {
            "time": self._format_clock(change, closing=is_open),
            "day": self._format_day(day, today),
        }
        if is_open:
            if day == today:
                return self.env._("Open now, closes at %(time)s", **values)
            if day == today + timedelta(days=1):
                return self.env._("Open now, closes tomorrow at %(time)s", **values)
            return self.env._("Open now, closes on %(day)s at %(time)s", **values)
        if day == today:
            return self.env._("Closed, opens at %(time)s", **values)
        if day == today + timedelta(days=1):
            return self.env._("Closed, opens tomorrow at %(time)s", **values)
        return self.env._("Closed, opens on %(day)s at %(time)s", **values)

    def _format_day(self, day, today):
        """Return a day in words: its name within a week, else with the date."""
        if (day - today).days < 7:
            return format_date(self.env, day, date_format="EEEE")
        if (day - today).days < 300:
            return format_date(self.env, day, date_format="EEEE d MMMM")
        return format_date(self.env, day)

    # ------------------------------------------------------------------
    # Rules
    # ------------------------------------------------------------------

    @api.constrains("line_ids")
    def _check_lines(self):
        """Refuse spans that overlap, also over midnight and the end of the week."""
        for hours in self:
            spans = []
            for line in hours.line_ids:
                start = int(line.weekday) * 1440 + line.minute_from
                end = start + line.minute_to - line.minute_from
                spans.append((start, end, line))
            spans.sort(key=lambda span: span[:2])
            pairs = list(pairwise(spans))
            if len(spans) > 1:
                # The last line of the week may run into the first one of the next.
                first, last = spans[0], max(spans, key=lambda span: span[1])
                pairs.append(
                    (last, (first[0] + 7 * 1440, first[1] + 7 * 1440, first[2]))
                )
            for one, other in pairs:
                if one[1] > other[0]:
                    raise ValidationError(
                        self.env._(
                            "%(hours)s: %(one)s and %(other)s overlap. Make them one "
                            "line, or let the second begin when the first has ended.",
                            hours=hours.name,
                            one=one[2].display_name,
                            other=other[2].display_name,
                        )
                    )

    @api.constrains("state_id", "country_id")
    def _check_state(self):
        for hours in self:
            if hours.state_id and hours.state_id.country_id != hours.country_id:
                raise ValidationError(
                    self.env._(
                        "%(state)s is not in %(country)s.",
                        state=hours.state_id.name,
                        country=hours.country_id.name or self.env._("no country"),
                    )
                )

    @api.constrains("company_id")
    def _check_company_of_users(self):
        """Refuse to take hours away from the others who keep them."""
        for hours in self.filtered("company_id"):
            # sudo: helpdesk.ticket.channel, res.company, csp.policy.line: others may
            # keep the hours, too; only their names are told.
            channels = hours.sudo().with_context(active_test=False).channel_ids
            companies = self.env["res.company"].sudo()
            lines = self.env["csp.policy.line"].sudo()
            lines = lines.search([("hours_id", "=", hours.id)])
            users = [
                *channels.filtered(
                    lambda channel, own=hours.company_id: channel.company_id != own
                ),
                *companies.search([("csp_hours_id", "=", hours.id)]) - hours.company_id,
                *lines.filtered(
                    lambda line, own=hours.company_id: line.company_id != own
                ).version_id,
            ]
            if users:
                raise ValidationError(
                    self.env._(
                        "%(hours)s cannot belong to %(company)s alone, since they are "
                        "kept by: %(users)s.",
                        hours=hours.name,
                        company=hours.company_id.name,
                        users=", ".join(user.display_name for user in users),
                    )
                )

    @api.onchange("country_id")
    def _onchange_country_id(self):
        if self.state_id.country_id != self.country_id:
            self.state_id = False

    def copy_data(self, default=None):
        """Name copies as such."""
        vals_list = super().copy_data(default=default)
        if "name" in (default or {}):
            return vals_list
        return [
            dict(vals, name=self.env._("%s (copy)", hours.name))
            for hours, vals in zip(self, vals_list, strict=True)
        ]

    # ------------------------------------------------------------------
    # Changes
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        part = self.with_context(csp_hours_change=PART_OF_CHANGE)
        hours = super(CspHours, part).create(vals_list)
        return hours.with_env(self.env)

    def write(self, vals):
        settings = [
            name
            for name in ("tz", "always_open", "follow_company_closures", "company_id")
            if name in vals
        ]
        rows = "line_ids" in vals or "exception_ids" in vals
        if not settings and not rows:
            return super().write(vals)
        before = {hours: [hours[name] for name in settings] for hours in self}
        part = self.with_context(csp_hours_change=PART_OF_CHANGE)
        result = super(CspHours, part).write(vals)
        changed = self.filtered(
            lambda hours: rows or before[hours] != [hours[name] for name in settings]
        )
        changed._hours_changed()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_named(self):
        self.env["csp.policy.line"]._refuse_if_named("hours_id", self)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_in_use(self):
        # sudo: helpdesk.ticket.channel: channels of other companies count, too.
        channels = self.sudo().with_context(active_test=False).channel_ids
        if channels:
            raise UserError(
                self.env._(
                    "These hours are still kept by: %s. Give these other hours first, "
                    "or archive the hours.",
                    ", ".join(channels.mapped("name")),
                )
            )

    def _is_part_of_change(self):
        """Tell whether a row is written as a part of writing its table."""
        return self.env.context.get("csp_hours_change") is PART_OF_CHANGE

    def _hours_changed(self):
        """Forget what was built of these tables, here and in every other process.

        Called once after each change of their opening time.
        """
        if not self:
            return
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE csp_hours SET revision = COALESCE(revision, 0) + 1"
                " WHERE id = ANY(%s)",
                self.ids,
            )
        )
        self.invalidate_recordset(["revision"], flush=False)
        cache = self.env.cr.cache
        cache["csp_timelines"] = {}
        if "csp_timelines_changed" not in cache:
            cache["csp_timelines_changed"] = set()
            # What others built from the old rows while this was not saved goes, too.
            rules = self.env["csp.rule.source"]
            self.env.cr.postcommit.add(rules._csp_forget_rules)
        cache["csp_timelines_changed"].update(self.ids)
        self.env.registry.clear_cache()
        if "csp.commitment" in self.env.registry:
            self.env["csp.commitment"]._replan_hours(self)

    # ------------------------------------------------------------------
    # Opening time
    # ------------------------------------------------------------------

    def _timeline(self):
        """Return the timeline of one table; it is shared, so do not change it.

        Known within a transaction without any look-up, and within a process until
        the table changes. What this transaction has changed is not shared with others.
        """
        try:
            return self.env.cr.cache["csp_timelines"][self._ids[0]]
        except (KeyError, IndexError):
            self.ensure_one()
        if not isinstance(self.id, int):
            return self._build_timeline()
        cache = self.env.cr.cache
        if self.id in cache.get("csp_timelines_changed", ()):
            timeline = self._build_timeline()
        else:
            timeline = self._fetch_timeline()
        cache.setdefault("csp_timelines", {})[self.id] = timeline
        return timeline

    def _reread_timeline(self):
        """Build the timeline from the rows as this transaction sees them.

        For who finds that the one of this process is of another revision: a change made
        elsewhere reaches a process only between two requests.
        """
        self.ensure_one()
        self.env.invalidate_all()
        timeline = self._build_timeline()
        self.env.cr.cache.setdefault("csp_timelines", {})[self.id] = timeline
        return timeline

    @tools.ormcache("self.id")
    def _fetch_timeline(self):
        return self._build_timeline()

    def _build_timeline(self):
        # sudo: csp.hours: whoever has a ticket or sees a page meets the deadlines and
        # opening times that follow from the table, not its rows.
        hours = self.sudo()
        week = [
            (int(line.weekday), line.minute_from, line.minute_to)
            for line in hours._fetch_rows(
                "line_ids", ["weekday", "minute_from", "minute_to"]
            )
            if line.weekday
        ]
        exceptions = [
            DayException(
                row.date_from,
                row.date_to,
                row.kind == "open",
                row.minute_from,
                row.minute_to,
            )
            for row in hours._fetch_rows(
                "exception_ids",
                ["date_from", "date_to", "kind", "minute_from", "minute_to"],
            )
            if row.date_from and row.date_to and row.date_from <= row.date_to
        ]
        closures = []
        if hours.follow_company_closures and not hours.always_open:
            leaves = hours.env["resource.calendar.leaves"].search_fetch(
                hours._get_closure_domain(), ["date_from", "date_to"]
            )
            closures = [
                (to_epoch(leave.date_from), to_epoch(leave.date_to)) for leave in leaves
            ]
        return Timeline(
            hours.tz or "UTC",
            week,
            exceptions,
            closures,
            hours.always_open,
            revision=hours.revision,
        )

    def _fetch_rows(self, name, fields_to_read):
        """Return the rows of a One2many with these fields, in one query."""
        if not isinstance(self.id, int):
            return self[name]
        rows = self.env[self._fields[name].comodel_name]
        return rows.search_fetch([("hours_id", "=", self.id)], fields_to_read)

    def _get_closure_domain(self):
        """Return which closures kept in Odoo count for this table.

        The company is part of it since a closure of another one would count as well
        for a superuser (odoo/odoo#239125).
        """
        self.ensure_one()
        company = self.company_id
        if not company:
            companies = self.env["res.company"].search(Domain.TRUE, limit=2)
            company = companies if len(companies) == 1 else company
        return (
            Domain("resource_id", "=", False)
            & Domain("time_type", "=", "leave")
            & Domain("company_id", "in", [False, company.id])
            & Domain("calendar_id", "in", [False, company.resource_calendar_id.id])
        )

    def _plan_deadline(self, start, seconds):
        """Return the moment at which so many seconds of opening time have passed.

        One that falls on closing time is closing time; with 0 seconds it is ``start``
        when open, else the next opening.

        :param start: naive UTC
        :param seconds: seconds, not negative
        :return: naive UTC, or ``False`` when there is not so much time ever again
        """
        passed = start - EPOCH
        deadline = self._timeline().plan_deadline(
            passed.days * 86400 + passed.seconds, seconds
        )
        return False if deadline is None else EPOCH + timedelta(0, deadline)

    def _open_seconds(self, start, end):
        """Return the open seconds between two moments (naive UTC), 0 when backwards."""
        return self._timeline().open_seconds(to_epoch(start), to_epoch(end))

    def _is_open(self, at):
        """Tell whether it is open at a moment in naive UTC."""
        return self._timeline().is_open(to_epoch(at))

    def _next_opening(self, at):
        """Return ``at`` when open, else the next opening, or ``False``; naive UTC."""
        return from_epoch(self._timeline().next_opening(to_epoch(at)))

    def _next_closing(self, at):
        """Return the end of the span open at that moment or of the next one; naive UTC.

        ``False`` when it never closes, or never opens again.
        """
        return from_epoch(self._timeline().next_closing(to_epoch(at)))

    def _get_service_values(self, at, days=30):
        """Return what customers and programs may know of a table, in plain values.

        :param at: naive UTC
        :param days: for how many days exceptions are listed
        """
        self.ensure_one()
        timeline = self._timeline()
        now = to_epoch(at)
        is_open, change = self._get_change(at)
        today = timeline.get_local(now).date()
        last = today + timedelta(days=days)
        exceptions = []
        for row in self.exception_ids:
            if self.always_open or row.date_to < today or row.date_from > last:
                continue
            exception = {
                "name": row.name or "",
                "kind": row.kind,
                "first_day": fields.Date.to_string(row.date_from),
                "last_day": fields.Date.to_string(row.date_to),
            }
            if not row.whole_day:
                exception["from"] = format_minutes(row.minute_from)
                exception["to"] = format_minutes(row.minute_to)
            exceptions.append(exception)
        return {
            "open": is_open,
            "status": self._get_status_text(at),
            "next_change": change and timeline.get_local(change).isoformat(),
            "changes_at": from_epoch(change),
            "time_zone": self.tz,
            "always_open": self.always_open,
            "week": [
                {
                    "weekday": int(line.weekday),
                    "from": format_minutes(line.minute_from),
                    "to": format_minutes(line.minute_to),
                    "next_day": line.minute_to > 1440,
                }
                for line in self.line_ids
                if not self.always_open
            ],
            "exceptions": exceptions,
            "spans": [
                [timeline.get_local(moment).isoformat() for moment in span]
                for span in timeline.get_spans(now, now + days * DAY)
                if span[1] - span[0] >= SHORTEST_SHOWN
            ],
            "picture": self._get_picture(),
        }

    # ------------------------------------------------------------------
    # Buttons
    # ------------------------------------------------------------------

    def _open_wizard(self, model, name):
        self.ensure_one()
        self.check_access("write")
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "view_mode": "form",
            "target": "new",
            "context": {"default_hours_id": self.id},
        }

    def action_set_week(self):
        """Open the dialog that fills the week in one go."""
        return self._open_wizard("csp.hours.week", self.env._("Set the Week"))

    def action_add_holidays(self):
        """Open the dialog that proposes public holidays."""
        return self._open_wizard("csp.hours.holiday", self.env._("Add Public Holidays"))

    def action_copy_schedule(self):
        """Open the dialog that copies a working schedule."""
        return self._open_wizard(
            "csp.hours.schedule", self.env._("Copy a Working Schedule")
        )
