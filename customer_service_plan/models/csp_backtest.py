import hashlib
from collections import Counter
from datetime import datetime, time, timedelta
from typing import NamedTuple

import pytz

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL, format_date

from ..tools import backtest, clock, matching
from ..tools.epoch import to_epoch
from ..tools.sql_array import int_array
from .csp_policy_line import TARGET_FIELDS
from .locking import one_at_a_time
from .protected import BY_ADDON, is_by_addon

#: Tickets that are read and looked at together.
BATCH = 20_000
#: Tickets of one call from the browser, which shows the progress in between.
CHUNK = 10_000
#: What a manager chooses; the rest is found out.
CHOICES = frozenset(
    {"version_id", "company_id", "date_from", "date_to", "import_id", "display_name"}
)
#: Days of the past that are looked at where nobody chooses others.
USUAL_DAYS = 90


class Scenario(NamedTuple):
    """What decides for the tickets of a company today, and what would with the version
    in its policy's place: policies in their order, each with the version that counts.
    """

    rules: tuple
    in_force: tuple[matching.Policy, ...]
    tried: tuple[matching.Policy, ...]

    @property
    def lines(self):
        """All lines, those of both sides twice."""
        return [
            line
            for policy in (*self.in_force, *self.tried)
            for version in policy.versions
            for line in version.lines
        ]


class CspBacktest(models.Model):
    """A version of a policy tried on past tickets: would it have been kept?

    What happened on the tickets stays as it is; only the promises are others, and the
    clock that serves today's tickets says what would have become of them. Nothing is
    written on any ticket.

    The rules are those of today with this version in the place of its policy's version
    in force, whenever a ticket came in; they are compared with those of today as they
    are. A ticket is looked at as it is now: its priority, team, category and tags of
    then are not kept. Its segments are those noted at receipt, and for segments made
    since, and tickets that came in by other ways, those of today. Promises that were
    excused count as missed. Of tickets older than the service plan only the solution
    is measured: nobody noted the answers.
    """

    _name = "csp.backtest"
    _description = "Backtest"
    _order = "id desc"
    _check_company_auto = True

    version_id = fields.Many2one(
        comodel_name="csp.policy.version",
        required=True,
        index=True,
        ondelete="cascade",
    )
    policy_id = fields.Many2one(
        related="version_id.policy_id", store=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self._default_company_id(),
        ondelete="cascade",
        index=True,
    )
    date_from = fields.Date(
        string="Received from", help="The whole day, in the company's time zone."
    )
    date_to = fields.Date(
        string="Received until", help="The whole day, in the company's time zone."
    )
    import_id = fields.Many2one(
        comodel_name="csp.history.import",
        string="Of the import",
        domain="[('company_id', '=', company_id), ('ticket_ids', '!=', False)]",
        check_company=True,
        index="btree_not_null",
        ondelete="cascade",
        help="Only tickets that this import brought in. Empty: all.",
    )
    state = fields.Selection(
        selection=[
            ("draft", "New"),
            ("running", "Running"),
            ("done", "Done"),
            ("cancelled", "Cancelled"),
            ("failed", "Failed"),
        ],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
    )
    run_at = fields.Datetime(string="Tried on", readonly=True, copy=False)
    run_by_id = fields.Many2one(
        comodel_name="res.users",
        string="Tried by",
        readonly=True,
        copy=False,
        ondelete="set null",
    )
    fingerprint = fields.Char(
        readonly=True,
        copy=False,
        help="What was promised when it was tried, as a number: the same number is the "
        "same promise.",
    )
    is_fresh = fields.Boolean(
        string="Up to date",
        compute="_compute_is_fresh",
        help="The version still promises the same, and the backtest is recent enough.",
    )
    stale_text = fields.Char(compute="_compute_is_fresh")
    failure = fields.Char(readonly=True, copy=False)

    ticket_count = fields.Integer(
        string="Tickets", readonly=True, copy=False, help="Tickets in the period."
    )
    covered_count = fields.Integer(
        string="Would be promised something",
        readonly=True,
        copy=False,
        help="Tickets that this version would have promised something.",
    )
    older_count = fields.Integer(
        string="Older than the service plan",
        readonly=True,
        copy=False,
        help="When these were answered was not noted: only their solution is measured.",
    )
    change_count = fields.Integer(
        string="Would change line",
        readonly=True,
        copy=False,
        help="Tickets that another line of the policies would decide for than today.",
    )
    line_ids = fields.One2many(
        comodel_name="csp.backtest.line",
        inverse_name="backtest_id",
        string="Promises",
        readonly=True,
    )
    change_ids = fields.One2many(
        comodel_name="csp.backtest.change",
        inverse_name="backtest_id",
        string="Tickets that would change line",
        readonly=True,
    )
    part_ids = fields.One2many(
        comodel_name="csp.backtest.part", inverse_name="backtest_id", readonly=True
    )
    candidate_count = fields.Integer(
        string="Tickets to look at", compute="_compute_candidate_count"
    )
    has_import = fields.Boolean(compute="_compute_has_import")
    period_text = fields.Char(string="Period", compute="_compute_texts")
    summary = fields.Text(compute="_compute_texts")
    result_text = fields.Char(string="Result", compute="_compute_result_text")
    # While it runs
    rules_key = fields.Char(readonly=True, copy=False)
    last_id = fields.Integer(readonly=True, copy=False, aggregator=None)
    total_count = fields.Integer(readonly=True, copy=False, aggregator=None)
    done_count = fields.Integer(readonly=True, copy=False, aggregator=None)
    progress = fields.Float(compute="_compute_progress")

    _latest = models.Index("(version_id, run_at) WHERE state = 'done'")

    @api.model
    def _default_company_id(self):
        version = self.env["csp.policy.version"].browse(
            self.env.context.get("default_version_id", [])
        )
        return version.company_id or self.env.company

    @api.depends("state", "run_at", "fingerprint", "company_id.csp_backtest_days")
    def _compute_is_fresh(self):
        now = fields.Datetime.now()
        prints = {}
        for test in self:
            test.is_fresh, test.stale_text = False, False
            if test.state != "done":
                continue
            version = test.version_id
            if version not in prints:
                # The hours of a policy for all companies are those of each.
                here = version.with_company(test.company_id)
                prints[version] = here._promise_fingerprint()
            days = max(test.company_id.csp_backtest_days, 1)
            if test.fingerprint != prints[version]:
                test.stale_text = self.env._(
                    "The promises or their hours were changed since: these figures are "
                    "no longer those of this version."
                )
            elif test.run_at < now - timedelta(days=days):
                test.stale_text = self.env._(
                    "This was found out more than %s days ago. Look again.", days
                )
            else:
                test.is_fresh = True

    @api.depends("company_id", "date_from", "date_to", "import_id")
    def _compute_candidate_count(self):
        for test in self:
            test.candidate_count = test.company_id and test._count_tickets()

    @api.depends("company_id")
    def _compute_has_import(self):
        companies = self.env["csp.history.import"]._read_group(
            [("ticket_ids", "!=", False)], ["company_id"]
        )
        with_import = {company.id for (company,) in companies}
        for test in self:
            test.has_import = test.company_id.id in with_import

    @api.depends("done_count", "total_count")
    def _compute_progress(self):
        for test in self:
            total = test.total_count
            test.progress = 100.0 * test.done_count / total if total else 0.0

    @api.depends_context("lang")
    @api.depends("date_from", "date_to", "import_id", "state")
    @api.depends("ticket_count", "covered_count", "older_count", "change_count")
    def _compute_texts(self):
        for test in self:
            test.period_text = test._describe_period()
            test.summary = test.state == "done" and test._summarize()

    @api.depends_context("lang")
    @api.depends("state", "line_ids.verdict")
    def _compute_result_text(self):
        states = dict(self._fields["state"]._description_selection(self.env))
        for test in self:
            if test.state != "done":
                test.result_text = states[test.state]
                continue
            count = Counter(test.line_ids.mapped("verdict"))
            texts = {
                "unsupported": self.env._(
                    "%s not supported by the past", count["unsupported"]
                ),
                "unsure": self.env._("%s not certain", count["unsure"]),
                "supported": self.env._("%s supported", count["supported"]),
                "too_few": self.env._("%s with too few cases", count["too_few"]),
            }
            test.result_text = ", ".join(
                text for verdict, text in texts.items() if count[verdict]
            )

    @api.depends_context("lang")
    @api.depends("version_id", "date_from", "date_to", "import_id")
    def _compute_display_name(self):
        for test in self:
            test.display_name = (
                f"{test.version_id.display_name or ''} · {test._describe_period()}"
            )

    @api.constrains("date_from", "date_to")
    def _check_dates(self):
        for test in self:
            if test.date_from and test.date_to and test.date_from > test.date_to:
                raise ValidationError(
                    self.env._("The period ends before it begins. Change a date.")
                )

    @api.constrains("company_id", "version_id")
    def _check_version_company(self):
        for test in self:
            company = test.version_id.company_id
            if company and company != test.company_id:
                raise ValidationError(
                    self.env._(
                        "%(version)s holds for %(company)s only. It cannot be tried on "
                        "the tickets of %(other)s.",
                        version=test.version_id.display_name,
                        company=company.name,
                        other=test.company_id.name,
                    )
                )

    # === Writing ===

    @api.model_create_multi
    def create(self, vals_list):
        if not is_by_addon(self.env):
            found = self._found_out()
            if any(vals[name] for vals in vals_list for name in found & vals.keys()):
                self._refuse_found_out()
            nothing = {name: False for name in found if self._fields[name].store}
            # Defaults that somebody sends along would be figures of his own.
            vals_list = [{**nothing, **vals, "state": "draft"} for vals in vals_list]
        return super().create(vals_list)

    def write(self, vals):
        if not is_by_addon(self.env):
            if not self._found_out().isdisjoint(vals):
                self._refuse_found_out()
            if self.filtered(lambda test: test.state != "draft"):
                raise UserError(
                    self.env._("This was tried already. Try again with other choices.")
                )
        return super().write(vals)

    @api.model
    def _found_out(self):
        """Names of the fields that nobody writes by hand."""
        return {
            name
            for name, field in self._fields.items()
            if name not in CHOICES
            and name not in models.MAGIC_COLUMNS
            and (field.store or field.type == "one2many")
            and not field.related
        }

    @api.model
    def _refuse_found_out(self):
        raise UserError(
            self.env._("What a backtest says is found out, and not written by hand.")
        )

    def _by_addon(self):
        # sudo: csp.backtest and its parts: found out here, for who was allowed to ask;
        # nobody has the right to write them
        return self.sudo().with_context(csp_by_addon=BY_ADDON)

    # === Actions ===

    def action_run(self):
        """Look at all tickets at once, and show what came out.

        :raises UserError: where there is nothing to try
        """
        self.check_access("write")
        for test in self:
            test._begin()
            scenario = test._scenario()
            comparison = test._comparison(scenario)
            last_id = changed = 0
            while True:
                pasts = test._read_pasts(scenario, last_id, BATCH)
                if not pasts:
                    break
                for past in pasts:
                    comparison.take(past)
                last_id = pasts[-1].ticket
                changed += test._keep_changes(comparison)
            test._finish(comparison, changed)
        return self._reopen() if len(self) == 1 else True

    def action_start(self):
        """Start; the page then asks for one part after the other."""
        self.check_access("write")
        self.ensure_one()
        self._begin()
        return self._reopen()

    def action_run_chunk(self):
        """Look at the next part; each call is a transaction of its own, so that one
        that is cut off is simply asked for again.

        :return: whether there is more to do
        """
        self.check_access("write")
        self.ensure_one()
        one_at_a_time(self)
        if self.state != "running":
            return False
        scenario = self._scenario()
        if self._rules_key(scenario) != self.rules_key:
            self._discard(
                "failed",
                self.env._(
                    "The promises, their order or the opening hours were changed "
                    "meanwhile. Try again."
                ),
            )
            return False
        comparison = self._comparison(scenario)
        pasts = self._read_pasts(scenario, self.last_id, CHUNK)
        if not pasts:
            for part in self.part_ids:
                comparison.join_data(part.data)
            self._finish(comparison, self.change_count)
            return False
        for past in pasts:
            comparison.take(past)
        changed = self._keep_changes(comparison)
        mine = self._by_addon()
        mine.env["csp.backtest.part"].create(
            {"backtest_id": self.id, "data": comparison.to_data()}
        )
        mine.write(
            {
                "last_id": pasts[-1].ticket,
                "done_count": self.done_count + len(pasts),
                "change_count": self.change_count + changed,
            }
        )
        return True

    def action_cancel(self):
        """Stop; what was found so far is thrown away."""
        self.check_access("write")
        for test in self:
            one_at_a_time(test)
            if test.state == "running":
                test._discard("cancelled")
        return True

    def action_again(self):
        """Try the version again, on the same tickets and those that came since."""
        self.check_access("create")
        self.ensure_one()
        values = {
            "version_id": self.version_id.id,
            "company_id": self.company_id.id,
            "date_from": self.date_from,
            "date_to": self.date_to,
            "import_id": self.import_id.id,
        }
        if self.date_to and not self.import_id:
            moved = self._today(self.company_id) - self.date_to
            values["date_to"] += moved
            values["date_from"] = self.date_from and self.date_from + moved
        return self.create(values).action_start()

    def action_view_changes(self):
        """List the tickets that another line would decide for."""
        self.check_access("read")
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_backtest_change_action"
        )
        action["domain"] = [("backtest_id", "=", self.id)]
        return action

    def action_open(self):
        """Open what came out."""
        self.check_access("read")
        self.ensure_one()
        return self._reopen()

    def action_view_version(self):
        """Open the version that was tried."""
        self.check_access("read")
        self.ensure_one()
        return self.version_id._get_records_action()

    def _reopen(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Try on past tickets"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "views": [(False, "form")],
        }

    # === From start to end ===

    def _begin(self):
        self.ensure_one()
        one_at_a_time(self)
        if self.state == "running":
            raise UserError(self.env._("It is running already."))
        if self.state != "draft":
            raise UserError(
                self.env._("This was tried already. Try again with other choices.")
            )
        if not self.version_id.line_ids.filtered("has_promise"):
            raise UserError(
                self.env._("%s promises nothing yet.", self.version_id.display_name)
            )
        version = self.version_id.with_company(self.company_id)
        self._by_addon().write(
            {
                "state": "running",
                "run_at": fields.Datetime.now(),
                "run_by_id": self.env.uid,
                "fingerprint": version._promise_fingerprint(),
                "rules_key": self._rules_key(self._scenario()),
                "total_count": self._count_tickets(),
                "done_count": 0,
                "change_count": 0,
                "last_id": 0,
            }
        )

    def _finish(self, comparison, changed):
        """Keep the figures; `changed` tickets that change line are kept already."""
        mine = self._by_addon()
        mine.line_ids.unlink()
        mine.env["csp.backtest.line"].create(
            [dict(vals, backtest_id=self.id) for vals in self._figures(comparison)]
        )
        mine.part_ids.unlink()
        mine.write(
            {
                "state": "done",
                "ticket_count": comparison.tickets,
                "covered_count": comparison.covered,
                "older_count": comparison.older,
                "change_count": changed,
                "done_count": comparison.tickets,
                "rules_key": False,
            }
        )

    def _discard(self, state, failure=False):
        self.env["csp.backtest.change"]._remove(self)
        mine = self._by_addon()
        mine.part_ids.unlink()
        mine.write({"state": state, "failure": failure, "change_count": 0})

    def _figures(self, comparison):
        """Values of `csp.backtest.line`, for each promise of the version."""
        lines = self.version_id.line_ids.sorted(lambda line: (line.sequence, line.id))
        return [
            {
                "sequence": number,
                "policy_line_id": line.id,
                "label": line.condition_text,
                "kind": kind,
                "target_seconds": line[name] * 60,
                "goal_percent": line.goal_percent,
                **self.env["csp.backtest.line"]._sample_values(
                    comparison.samples.get((line.id, kind)) or backtest.Sample(),
                    comparison.base.get((line.id, kind)) or backtest.Sample(),
                    line.goal_percent / 100,
                    line[name] * 60,
                ),
            }
            for number, (line, kind, name) in enumerate(
                (line, kind, name)
                for line in lines
                for kind, name in TARGET_FIELDS.items()
                if line[name]
            )
        ]

    # === The rules ===

    def _scenario(self):
        """Policies of today, and the same with the version in its policy's place.

        Trials of some customers are left out: it is asked what holds for all.
        """
        rules = self.env["csp.policy"]._compiled_rules(self.company_id.id)
        now = to_epoch(self.run_at or fields.Datetime.now())
        in_force = {}
        for policy in matching.without_trials(rules.policies):
            version = policy.in_force(now)
            if version:
                in_force[policy.id] = backtest.always(policy.id, version)
        # sudo: csp.policy: the order of all policies that decide for the company
        Policy = self.env["csp.policy"].sudo().with_context(active_test=False)
        mine = self.version_id.policy_id
        ordered = Policy.browse({*in_force, mine.id}).sorted(
            lambda policy: (policy.sequence, policy.id)
        )
        version = matching.Version(
            id=self.version_id.id, begins=0, lines=self.version_id._compiled_lines()
        )
        tried = {**in_force, mine.id: backtest.always(mine.id, version)}
        return Scenario(
            rules,
            tuple(in_force.values()),
            tuple(tried[policy.id] for policy in ordered),
        )

    def _comparison(self, scenario):
        rules, in_force, tried = scenario
        hours = _OpeningTimes(self.env["csp.commitment"]._opening_time)
        mine = self.version_id.policy_id.id
        before = next((each for each in in_force if each.id == mine), None)
        after = next(each for each in tried if each.id == mine)
        return backtest.Comparison(
            version=self.version_id.id,
            tried=backtest.Promises(tried, rules.hours_of),
            in_force=backtest.Promises(in_force, rules.hours_of),
            hours=hours.__getitem__,
            until=to_epoch(self.run_at),
            same_lines=backtest.pair_lines(
                before.versions[0].lines if before else (), after.versions[0].lines
            ),
        )

    def _rules_key(self, scenario):
        """A number that changes with anything that decides what comes out."""
        rules, lines = scenario.rules, scenario.lines
        hours = {line.hours for line in lines}
        hours |= {channel.hours for channel in rules.channels.values()}
        hours |= {rules.default_hours}
        opening_time = self.env["csp.commitment"]._opening_time
        content = [
            [
                (
                    line.id,
                    line.match_all,
                    *map(sorted, (line.segments, line.channels, line.categories)),
                    *map(sorted, (line.teams, line.tags)),
                    line.priority_from,
                    line.priority_to,
                    line.complaint,
                    line.hours,
                    sorted(line.targets.items()),
                )
                for line in lines
            ],
            sorted((key, channel.hours) for key, channel in rules.channels.items()),
            sorted((each, opening_time(each).revision) for each in hours),
            rules.default_hours,
        ]
        return hashlib.sha256(repr(content).encode()).hexdigest()

    # === The past ===

    @api.model
    def _today(self, company):
        return fields.Date.context_today(self.with_context(tz=company._csp_tz()))

    def _scope(self):
        """Condition on `helpdesk_ticket t` for the chosen tickets."""
        self.ensure_one()
        conditions = [
            SQL("t.company_id = %s", self.company_id.id),
            SQL("t.csp_received_at IS NOT NULL"),
        ]
        if self.import_id:
            conditions.append(SQL("t.csp_import_id = %s", self.import_id.id))
        zone = pytz.timezone(self.company_id._csp_tz())

        def midnight(day):
            local = zone.localize(datetime.combine(day, time.min))
            return local.astimezone(pytz.utc).replace(tzinfo=None)

        if self.date_from:
            begin = midnight(self.date_from)
            conditions.append(SQL("t.csp_received_at >= %s", begin))
        if self.date_to:
            end = midnight(self.date_to + timedelta(days=1))
            conditions.append(SQL("t.csp_received_at < %s", end))
        return SQL(" AND ").join(conditions)

    def _count_tickets(self):
        self.env["helpdesk.ticket"].flush_model()
        [[count]] = self.env.execute_query(
            SQL("SELECT COUNT(*) FROM helpdesk_ticket t WHERE %s", self._scope())
        )
        return count

    def _read_pasts(self, scenario, last_id, limit):
        """What is known of the next tickets, in two queries.

        :return: list of `backtest.Past`, in the order of their ids
        """
        rows = self._read_tickets(scenario, last_id, limit)
        histories = self._read_histories([row[0] for row in rows])
        known = {}
        pasts = []
        for ticket, followed, received_at, *stood, asked in rows:
            facts = known.get(asked)
            if facts is None:
                facts = known[asked] = _facts(*asked.split("|"))
            codes, moments, merges = histories.get(ticket, ("", (), None))
            created_closed = followed and backtest.is_created_closed(codes)
            is_older = backtest.RECEIVED not in codes
            if is_older:
                closed_as, closed_at, waiting_on, waits_since = stood
                waits = waiting_on and waiting_on != clock.NOT_WAITING
                codes, moments = backtest.complete(
                    codes,
                    moments,
                    received_at,
                    (closed_as, closed_at) if closed_as else None,
                    waits_since if waits else None,
                )
            pasts.append(
                backtest.Past(
                    ticket, facts, codes, moments, merges, created_closed, is_older
                )
            )
        return pasts

    def _read_tickets(self, scenario, last_id, limit):
        """Rows of id, whether it is followed since receipt, when it came, how it stands
        (outcome, closed at, waiting for, since) and what policy lines ask about."""
        Ticket = self.env["helpdesk.ticket"]
        Ticket.flush_model()
        asks_tags = any(line.tags for line in scenario.lines)
        asks_segments = any(line.segments for line in scenario.lines)
        nothing = SQL("NULL")
        tags = SQL(
            """(
                SELECT string_agg(
                    helpdesk_ticket_tag_id::text, ',' ORDER BY helpdesk_ticket_tag_id
                )
                  FROM %s WHERE helpdesk_ticket_id = t.id
            )""",
            SQL.identifier(Ticket._fields["tag_ids"].relation),
        )
        # A segment made after the receipt could not be noted then.
        segments = SQL(
            """(
                SELECT string_agg(DISTINCT segment::text, ',' ORDER BY segment::text)
                  FROM (
                        SELECT csp_segment_id AS segment
                          FROM helpdesk_ticket_csp_segment_rel
                         WHERE helpdesk_ticket_id = t.id
                         UNION ALL
                        SELECT s.id
                          FROM csp_segment_res_partner_rel member
                          JOIN csp_segment s ON s.id = member.segment_id
                         WHERE member.partner_id = t.partner_id
                           AND s.active
                           AND (s.company_id IS NULL OR s.company_id = t.company_id)
                           AND (
                               s.create_date > t.csp_received_at
                               OR t.csp_seen_match IS NULL AND NOT EXISTS (
                                   SELECT FROM helpdesk_ticket_csp_segment_rel
                                    WHERE helpdesk_ticket_id = t.id
                               )
                           )
                  ) each
            )"""
        )
        return self.env.execute_query(
            SQL(
                """
                SELECT t.id,
                       t.csp_seen_match IS NOT NULL,
                       date_part('epoch', t.csp_received_at)::bigint,
                       t.csp_closed_as,
                       date_part('epoch', COALESCE(
                           t.csp_closed_at, t.write_date
                       ))::bigint,
                       t.csp_waiting_on,
                       date_part('epoch', COALESCE(
                           t.last_stage_update, t.write_date
                       ))::bigint,
                       COALESCE(t.channel_id, 0) || '|'
                       || COALESCE(t.category_id, 0) || '|'
                       || COALESCE(t.team_id, 0) || '|'
                       || COALESCE(t.priority, '') || '|'
                       || COALESCE(t.csp_is_complaint, FALSE)::int || '|'
                       || COALESCE(%(tags)s, '') || '|'
                       || COALESCE(%(segments)s, '')
                  FROM helpdesk_ticket t
                 WHERE %(scope)s AND t.id > %(last_id)s
                 ORDER BY t.id
                 LIMIT %(limit)s
                """,
                tags=tags if asks_tags else nothing,
                segments=segments if asks_segments else nothing,
                scope=self._scope(),
                last_id=last_id,
                limit=limit,
            )
        )

    def _read_histories(self, ticket_ids):
        """Dict of ticket id to the letters of its facts, their moments, its merges."""
        self.env["csp.ticket.event"].flush_model()
        codes = {kind: code for code, (kind, _data) in reversed(backtest.CODES.items())}
        plain = SQL(" ").join(
            SQL("WHEN %s THEN %s", kind, code)
            for kind, code in codes.items()
            if kind not in ("closed", "reopened")
        )
        # Put in order once, below the aggregates: each would sort for itself.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT ticket_id,
                       string_agg(code, ''),
                       array_agg(date_part('epoch', at)::bigint),
                       jsonb_agg(COALESCE(data, '{}')) FILTER (WHERE kind = 'merged')
                  FROM (
                        SELECT ticket_id, kind, at, data,
                               CASE kind
                                   WHEN 'closed' THEN CASE
                                       WHEN data ->> 'outcome' = 'cancelled'
                                       THEN CASE WHEN data ? 'from_stage'
                                                 THEN 'X' ELSE 'x' END
                                       WHEN data ? 'from_stage' THEN 'D'
                                       ELSE 'd' END
                                   WHEN 'reopened' THEN CASE
                                       WHEN (data ->> 'within_grace')::boolean
                                       THEN 'o' ELSE 'O' END
                                   %(plain)s
                               END AS code
                          FROM csp_ticket_event
                         WHERE ticket_id = ANY(%(tickets)s) AND kind = ANY(%(kinds)s)
                         ORDER BY ticket_id, at, id
                  ) event
                 GROUP BY ticket_id
                """,
                plain=plain,
                tickets=int_array(ticket_ids),
                kinds=list(backtest.KINDS),
            )
        )
        return {ticket: (codes, at, merges) for ticket, codes, at, merges in rows}

    # === Tickets that would change line ===

    def _keep_changes(self, comparison):
        """Write down what a comparison found so far; give how many there were."""
        changes, comparison.changes = comparison.changes, []
        self.env["csp.backtest.change"]._insert(self, changes)
        return len(changes)

    # === Plain words ===

    def _describe_period(self):
        """The chosen tickets in words."""
        self.ensure_one()
        first = self.date_from and format_date(self.env, self.date_from)
        last = self.date_to and format_date(self.env, self.date_to)
        if first and last:
            text = self.env._("%(first)s to %(last)s", first=first, last=last)
        elif first:
            text = self.env._("since %s", first)
        elif last:
            text = self.env._("until %s", last)
        else:
            text = self.env._("all tickets")
        if self.import_id:
            if not first and not last:
                return self.import_id.display_name
            text = f"{self.import_id.display_name}, {text}"
        return text

    def _summarize(self):
        """What came out, in some sentences."""
        self.ensure_one()
        if not self.ticket_count:
            return self.env._("No ticket came in then: there is nothing to look at.")
        texts = [
            self.env._(
                "%(covered)s of %(tickets)s tickets would have been promised something "
                "by this version.",
                covered=self.covered_count,
                tickets=self.ticket_count,
            )
        ]
        if self.change_count:
            texts.append(
                self.env._(
                    "%s tickets would get their promise from another line than today.",
                    self.change_count,
                )
            )
        if self.older_count:
            texts.append(
                self.env._(
                    "%s tickets are older than the service plan. When they were "
                    "answered was not noted: only their solution is measured.",
                    self.older_count,
                )
            )
        return "\n".join(texts)

    # === Cleaning up ===

    @api.autovacuum
    def _gc_left_behind(self):
        """Forget single tickets where a later backtest of the version has them, and
        what was begun long ago and never ended."""
        long_ago = fields.Datetime.now() - timedelta(days=7)
        abandoned = self.search(
            [("state", "=", "running"), ("write_date", "<", long_ago)]
        )
        for test in abandoned:
            test._discard("cancelled")
        self.env.cr.execute(
            SQL(
                """
                DELETE FROM csp_backtest_change change
                 USING csp_backtest test
                 WHERE test.id = change.backtest_id
                   AND EXISTS (
                       SELECT FROM csp_backtest later
                        WHERE later.version_id = test.version_id
                          AND later.company_id = test.company_id
                          AND later.state = 'done'
                          AND later.run_at > test.run_at
                   )
                """
            )
        )
        self.env["csp.backtest.change"].invalidate_model()
        return len(abandoned) + self.env.cr.rowcount, False


class _OpeningTimes(dict):
    """Opening times by the id of their table, asked for once."""

    def __init__(self, get):
        super().__init__()
        self._get = get

    def __missing__(self, hours_id):
        self[hours_id] = found = self._get(hours_id)
        return found


def _facts(channel, category, team, priority, complaint, tags, segments):
    """What policy lines ask about, from its text."""
    return matching.Facts(
        channel=int(channel),
        category=int(category),
        team=int(team),
        tags=frozenset(map(int, tags.split(","))) if tags else matching.NOBODY,
        priority=priority,
        segments=frozenset(map(int, segments.split(",")))
        if segments
        else (matching.NOBODY),
        complaint=complaint == "1",
    )
