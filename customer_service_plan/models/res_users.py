from collections import defaultdict
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Domain

from ..tools import presence
from ..tools.epoch import from_epoch, to_epoch
from ..tools.timeline import FOREVER, get_zone

#: What everybody may say about himself, without an administrator.
OWN_FIELDS = ["csp_deputy_id", "csp_away_from", "csp_away_until"]
#: What a service plan manager decides for the people of his helpdesk.
STAFF_FIELDS = [
    *OWN_FIELDS,
    "csp_hours_id",
    "csp_channel_ids",
    "csp_lang_ids",
    "csp_ticket_ceiling",
]
#: Leaves that begin later than so many days from now do not matter yet.
LEAVES_AHEAD = 400


class Work(NamedTuple):
    """When somebody works: a schedule, and spans (epoch seconds) in which he does not.

    `is_known` is False where no hours of this person are known, only those of the
    company.
    """

    schedule: presence.Schedule
    leaves: list
    closures: list
    is_known: bool


class ResUsers(models.Model):
    """When somebody works, who stands in for him, and what he can be given."""

    _inherit = "res.users"

    csp_deputy_id = fields.Many2one(
        comodel_name="res.users",
        string="Deputy",
        domain="[('share', '=', False), ('id', '!=', id)]",
        index="btree_not_null",
        ondelete="set null",
        groups="base.group_user",
        help="Is told instead when this person is away or not at work.",
    )
    csp_hours_id = fields.Many2one(
        comodel_name="csp.hours",
        string="Working hours",
        index="btree_not_null",
        ondelete="restrict",
        groups="base.group_user",
        help="Empty: the working schedule that Odoo knows of this person, else the "
        "hours in which the company tells people things.",
    )
    csp_away_from = fields.Datetime(
        string="Away from", groups="base.group_user", help="Empty: from now on."
    )
    csp_away_until = fields.Datetime(
        string="Back on",
        groups="base.group_user",
        help="Empty: until further notice, when there is a beginning.",
    )
    csp_channel_ids = fields.Many2many(
        comodel_name="helpdesk.ticket.channel",
        relation="res_users_csp_channel_rel",
        string="Qualified for",
        groups="base.group_user",
        help="Channels whose tickets may be given to this person automatically. "
        "Empty: all.",
    )
    csp_lang_ids = fields.Many2many(
        comodel_name="res.lang",
        relation="res_users_csp_lang_rel",
        string="Languages spoken",
        context={"active_test": False},
        groups="base.group_user",
        help="Customers who speak one of these are given to this person first. "
        "Empty: any language.",
    )
    csp_ticket_ceiling = fields.Integer(
        string="Open tickets at most",
        aggregator=None,
        groups="base.group_user",
        help="With so many open tickets nothing more is given automatically. 0: what "
        "the team says.",
    )

    _csp_away_in_order = models.Constraint(
        "CHECK(csp_away_until > csp_away_from)",
        "Somebody who is away comes back after he has left.",
    )
    _csp_ticket_ceiling_positive = models.Constraint(
        "CHECK(csp_ticket_ceiling >= 0)",
        "The number of open tickets cannot be negative.",
    )

    @property
    def SELF_READABLE_FIELDS(self):
        return super().SELF_READABLE_FIELDS + OWN_FIELDS

    @property
    def SELF_WRITEABLE_FIELDS(self):
        return super().SELF_WRITEABLE_FIELDS + OWN_FIELDS

    def write(self, vals):
        """Keep customers out of what users may say about themselves."""
        is_customer = self.env.user.share and not self.env.su
        if is_customer and not vals.keys().isdisjoint(OWN_FIELDS):
            raise AccessError(
                self.env._("Only members of the staff have deputies and absences.")
            )
        return super().write(vals)

    @api.constrains("csp_deputy_id", "company_id", "company_ids")
    def _check_csp_deputy(self):
        """Refuse deputies who cannot help, and those that lead back to the beginning.

        Who must be able to see the company is the deputy at both ends: a change of
        the deputy's companies is refused, too.
        """
        # sudo: res.users: people of other companies may be involved
        users = self.sudo().with_context(active_test=False)
        users |= users.search([("csp_deputy_id", "in", users.ids)])
        for user in users.filtered("csp_deputy_id"):
            deputy = user.csp_deputy_id
            names = {"user": user.name, "deputy": deputy.name}
            if deputy.share:
                raise ValidationError(
                    self.env._("%(deputy)s is no member of the staff.", **names)
                )
            if user.company_id not in deputy.company_ids:
                raise ValidationError(
                    self.env._(
                        "%(deputy)s cannot stand in for %(user)s: he or she has no "
                        "access to %(company)s.",
                        company=user.company_id.name,
                        **names,
                    )
                )
        if self._has_cycle("csp_deputy_id"):
            raise ValidationError(
                self.env._(
                    "Deputies must not lead back to the beginning: %s.",
                    self._csp_loop_text(),
                )
            )

    def _csp_loop_text(self):
        """Name the people of a loop of deputies: "Anna → Luc → Anna"."""
        # sudo: res.users: names of colleagues only
        for user in self.sudo():
            chain = user
            following = user.csp_deputy_id
            while following and following not in chain:
                chain |= following
                following = following.csp_deputy_id
            if following:
                start = chain.ids.index(following.id)
                return " → ".join([*chain[start:].mapped("name"), following.name])
        return ""

    @api.constrains("csp_hours_id", "company_id", "company_ids")
    def _check_csp_hours(self):
        # sudo: res.users, csp.hours: only names are told
        for user in self.sudo():
            company = user.csp_hours_id.company_id
            if company and company not in user.company_ids:
                raise ValidationError(
                    self.env._(
                        "%(hours)s are the hours of %(company)s, to which %(user)s "
                        "does not belong.",
                        hours=user.csp_hours_id.name,
                        company=company.name,
                        user=user.name,
                    )
                )

    @api.constrains("csp_channel_ids", "company_ids")
    def _check_csp_channels(self):
        # sudo: res.users, helpdesk.ticket.channel: only names are told
        for user in self.sudo():
            for channel in user.csp_channel_ids:
                company = channel.company_id
                if company and company not in user.company_ids:
                    raise ValidationError(
                        self.env._(
                            "%(channel)s is a channel of %(company)s, to which "
                            "%(user)s does not belong.",
                            channel=channel.name,
                            company=company.name,
                            user=user.name,
                        )
                    )

    # === Presence ===

    def _csp_working_for(self, company):
        """Those of these users who are staff of a company, in their order."""
        return self.filtered(
            lambda user: not user.share and company in user.company_ids
        )

    def _csp_presence(self, at=None):
        """Tell who of these users is at work, away, or may be told something.

        Working time is that of `csp_hours_id`; else of the working schedule of the
        user's resource; else, when Odoo knows no times, the hours in which the company
        tells people things, Monday to Friday in the user's time zone. Leaves of the
        user's resource count (time off is kept there, too), his out-of-office dates and
        what he says himself. Closures of the company count unless hours of our own
        decide.

        :param at: naive UTC, default now
        :return: dict of user id to `tools.presence.Presence`
        """
        at = to_epoch(at or fields.Datetime.now())
        result = {}
        for user, work in self._csp_work(at).items():
            deputy = user.csp_deputy_id.id or 0
            if not user.active:
                result[user.id] = presence.Presence(active=False, deputy=deputy)
                continue
            company = user.company_id
            result[user.id] = presence.get_presence(
                at,
                work.schedule,
                presence.get_daily_timeline(
                    user._csp_zone(), company.csp_notify_from, company.csp_notify_to
                ),
                work.leaves,
                work.closures,
                deputy,
            )
        return result

    def _csp_work(self, at):
        """Tell when these users work, see `_csp_presence`.

        :param int at: epoch seconds; absences that ended before are left out
        :return: dict of user (of the superuser) to `Work`
        """
        # sudo: res.users: whether a colleague is there, nothing of why
        users = self.sudo().with_context(active_test=False).exists()
        resources = users._csp_resources()
        calendars = {resource.calendar_id.id for resource in resources.values()}
        weeks = users.env["resource.calendar"]._csp_weeks(calendars - {False})
        leaves, closures = users._csp_leaves(resources, at)
        result = {}
        for user in users:
            company, resource = user.company_id, resources.get(user.id)
            zone = user._csp_zone()
            closed = closures[user.id]
            week = weeks.get(resource.calendar_id.id) if resource else None
            if user.csp_hours_id:
                schedule, closed = user.csp_hours_id._timeline(), []
            elif week:
                schedule = presence.get_schedule(_known_zone(resource.tz) or zone, week)
            else:
                schedule = presence.get_daily_timeline(
                    zone,
                    company.csp_notify_from,
                    company.csp_notify_to,
                    presence.WEEKDAYS,
                )
            result[user] = Work(
                schedule=schedule,
                leaves=leaves[user.id] + user._csp_away_spans(),
                closures=closed,
                is_known=bool(user.csp_hours_id or week),
            )
        return result

    def _csp_work_spans(self, start, end):
        """Tell when these users work, without leaves, absences and closures.

        Archived users never do.

        :param int start: epoch seconds
        :param int end: epoch seconds
        :return: dict of user id to merged spans, and the ids of those whose working
            hours nobody has entered
        """
        plans = {
            user: work for user, work in self._csp_work(start).items() if user.active
        }
        spans = {
            user.id: presence.get_work_spans(
                work.schedule, [*work.leaves, *work.closures], start, end
            )
            for user, work in plans.items()
        }
        return spans, {user.id for user, work in plans.items() if not work.is_known}

    def _csp_zone(self):
        """Name of the user's time zone, else of his company's."""
        self.ensure_one()
        return _known_zone(self.tz) or _known_zone(self.company_id._csp_tz()) or "UTC"

    def _csp_away_spans(self):
        """Spans (epoch seconds) in which the user says that he is not there."""
        self.ensure_one()
        marks = [(self.csp_away_from, self.csp_away_until)]
        if self.out_of_office_from:
            marks.append((self.out_of_office_from, self.out_of_office_to))
        return [
            (
                to_epoch(start) if start else -FOREVER,
                to_epoch(end) if end else FOREVER,
            )
            for start, end in marks
            if start or end
        ]

    def _csp_resources(self):
        """Return the resource of each user that has one: that of his company first.

        :return: dict of user id to `resource.resource`
        """
        found = {}
        rows = self.env["resource.resource"].search_fetch(
            [("user_id", "in", self.ids), ("active", "=", True)],
            ["user_id", "company_id", "calendar_id", "tz"],
            order="id",
        )
        for resource in rows:
            user = resource.user_id
            known = found.get(user.id)
            if not known or (
                resource.company_id == user.company_id != known.company_id
            ):
                found[user.id] = resource
        return found

    def _csp_leaves(self, resources, at):
        """Return when these users are on leave, and when their companies are closed.

        The company is part of the domain since a closure of another one would count as
        well for a superuser (odoo/odoo#239125).

        :param resources: dict of user id to his resource
        :param int at: epoch seconds; what ended before is left out
        :return: two dicts of user id to spans
        """
        calendars = {
            user: user.id in resources
            and resources[user.id].calendar_id
            or user.company_id.resource_calendar_id
            for user in self
        }
        closure = (
            Domain("resource_id", "=", False)
            & Domain("company_id", "in", [False, *self.company_id.ids])
            & Domain(
                "calendar_id",
                "in",
                [False, *{calendar.id for calendar in calendars.values()}],
            )
        )
        rows = self.env["resource.calendar.leaves"].search_fetch(
            Domain("time_type", "=", "leave")
            & Domain("date_to", ">", from_epoch(at))
            & Domain("date_from", "<", from_epoch(at + LEAVES_AHEAD * 86400))
            & (Domain("resource_id.user_id", "in", self.ids) | closure),
            ["date_from", "date_to", "resource_id", "company_id", "calendar_id"],
        )
        leaves, closures = defaultdict(list), defaultdict(list)
        for row in rows:
            end = to_epoch(row.date_to)
            # Odoo's days off end one second before midnight.
            span = (to_epoch(row.date_from), end + 1 if end % 60 == 59 else end)
            if row.resource_id:
                leaves[row.resource_id.user_id.id].append(span)
                continue
            for user, calendar in calendars.items():
                if row.company_id <= user.company_id and row.calendar_id <= calendar:
                    closures[user.id].append(span)
        return leaves, closures


def _known_zone(name):
    """Return the name of a time zone if there is such a one, else nothing."""
    try:
        get_zone(name or "")
    except LookupError:
        return ""
    return name
