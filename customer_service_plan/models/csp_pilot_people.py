from odoo import api, fields, models

from ..tools import matching
from ..tools.epoch import to_epoch
from .csp_pilot_participation import NOT_TOLD, TOLD
from .csp_policy_line import _with_descendants

#: What is looked back at to tell how many would take part.
SAMPLE_DAYS = 90
SAMPLE_SIZE = 5


class CspPilot(models.Model):
    """Who takes part in a trial."""

    _inherit = "csp.pilot"

    participants_text = fields.Char(
        string="Would take part",
        compute="_compute_participants",
        help="Judged by the requests of the last 90 days.",
    )
    sample_partner_ids = fields.Many2many(
        comodel_name="res.partner",
        string="For instance",
        compute="_compute_participants",
    )
    unreachable_text = fields.Char(compute="_compute_unreachable_text")
    ticket_count = fields.Integer(string="Tickets", compute="_compute_ticket_count")
    told_count = fields.Integer(string="Told", compute="_compute_told_count")
    not_told_count = fields.Integer(string="Not told", compute="_compute_told_count")
    comment_count = fields.Integer(compute="_compute_comment_count")
    has_begun = fields.Boolean(compute="_compute_has_begun")
    may_decide = fields.Boolean(
        compute="_compute_may_decide", help="Whether you may decide on it."
    )
    archived_text = fields.Char(
        string="No longer there", compute="_compute_archived_text"
    )

    @api.depends("state", "date_start")
    def _compute_has_begun(self):
        now = fields.Datetime.now()
        for pilot in self:
            pilot.has_begun = pilot.state != "draft" and pilot.date_start <= now

    def _compute_ticket_count(self):
        Ticket = self.env["helpdesk.ticket"].with_context(active_test=False)
        for pilot in self:
            domain = pilot.state != "draft" and pilot._ticket_domain()
            pilot.ticket_count = domain and Ticket.search_count(domain)

    @api.depends_context("uid")
    def _compute_told_count(self):
        # sudo: csp.pilot.participation: how many, not who
        counts = {}
        for pilot, state, count in (
            self.env["csp.pilot.participation"]
            .sudo()
            ._read_group(
                domain=[("pilot_id", "in", self.ids)],
                groupby=["pilot_id", "state"],
                aggregates=["__count"],
            )
        ):
            counts.setdefault(pilot.id, {})[state] = count
        for pilot in self:
            found = counts.get(pilot._origin.id, {})
            pilot.told_count = sum(found.get(state, 0) for state in TOLD)
            pilot.not_told_count = sum(
                count for state, count in found.items() if state in NOT_TOLD
            )

    @api.depends("comment_ids")
    def _compute_comment_count(self):
        counts = dict(
            self.env["csp.pilot.comment"]._read_group(
                domain=[("pilot_id", "in", self.ids)],
                groupby=["pilot_id"],
                aggregates=["__count"],
            )
        )
        for pilot in self:
            pilot.comment_count = counts.get(pilot._origin, 0)

    @api.depends("responsible_id")
    @api.depends_context("uid")
    def _compute_may_decide(self):
        user = self.env.user
        is_manager = user.has_group("customer_service_plan.group_manager")
        for pilot in self:
            pilot.may_decide = is_manager or pilot.responsible_id == user

    @api.depends("state", "partner_ids", "segment_ids", "team_ids", "user_ids")
    def _compute_archived_text(self):
        for pilot in self:
            gone = []
            if pilot.state == "running":
                for name in ("partner_ids", "segment_ids", "team_ids", "user_ids"):
                    archived = pilot[name].filtered(lambda each: not each.active)
                    gone += archived.mapped("display_name")
            pilot.archived_text = ", ".join(gone)

    @api.depends(
        "company_id",
        "customer_mode",
        "partner_ids",
        "segment_ids",
        "share_percent",
        "state",
        "team_ids",
        "user_ids",
    )
    def _compute_participants(self):
        Partner = self.env["res.partner"]
        for pilot in self:
            pilot.participants_text = False
            pilot.sample_partner_ids = Partner
            if pilot.state != "draft" or not pilot.company_id:
                continue
            everybody, found = pilot._look_back()
            pilot.participants_text = pilot._say_participants(everybody, found)
            if pilot._is_drawn():
                often = sorted(found, key=lambda each: (-found[each], each))
                pilot.sample_partner_ids = Partner.browse(often[:SAMPLE_SIZE])

    @api.depends("customer_mode", "partner_ids", "state")
    def _compute_unreachable_text(self):
        for pilot in self:
            silent = pilot.partner_ids.filtered(lambda partner: not partner.email)
            shown = pilot.customer_mode == "list" and pilot.state == "draft" and silent
            pilot.unreachable_text = shown and self.env._(
                "No e-mail address, so that they cannot be told by mail: %s",
                ", ".join(silent.mapped("display_name")),
            )

    def _is_drawn(self):
        """Whether it is known already who takes part: a lot is drawn on saving."""
        return self.customer_mode != "share" or bool(self.salt)

    def _look_back(self):
        """Who wrote in the last days, and who of them would take part.

        :return: number of customers, and {id of a customer taking part: his tickets}
        """
        self.ensure_one()
        # sudo: helpdesk.ticket: how many, of whom a manager chooses from
        Ticket = self.env["helpdesk.ticket"].sudo().with_context(active_test=False)
        since = fields.Datetime.subtract(fields.Datetime.now(), days=SAMPLE_DAYS)
        recent = [
            ("company_id", "=", self.company_id.id),
            ("csp_received_at", ">=", since),
            ("commercial_partner_id", "!=", False),
        ]
        [(everybody,)] = Ticket._read_group(
            recent, aggregates=["commercial_partner_id:count_distinct"]
        )
        if self.customer_mode == "segments":
            recent.append(
                ("partner_id.csp_segment_ids", "in", self.segment_ids._origin.ids)
            )
        trial = self._compiled()
        found = {}
        for customer, team, user, count in Ticket._read_group(
            recent, ["commercial_partner_id", "team_id", "user_id"], ["__count"]
        ):
            facts = matching.Facts(
                customer=customer.id,
                team=team.id or 0,
                user=user.id or 0,
                segments=trial.segments,
                # Who had it when it came in is not known any more: maybe nobody.
                promised=trial.version.id,
            )
            if trial.takes_part(facts) or not self._is_drawn():
                found[customer.id] = found.get(customer.id, 0) + count
        return everybody, found

    def _say_participants(self, everybody, found):
        if self.customer_mode == "list":
            return self.env._(
                "%(chosen)s chosen; %(active)s of them wrote in the last %(days)s "
                "days, with %(tickets)s tickets",
                chosen=len(self.partner_ids.commercial_partner_id),
                active=len(found),
                days=SAMPLE_DAYS,
                tickets=sum(found.values()),
            )
        customers, tickets = len(found), sum(found.values())
        if not self._is_drawn():
            customers = round(customers * self.share_percent / 100)
            tickets = round(tickets * self.share_percent / 100)
        return self.env._(
            "%(customers)s of %(everybody)s customers who wrote in the last %(days)s "
            "days, with %(tickets)s tickets",
            customers=customers,
            everybody=everybody,
            days=SAMPLE_DAYS,
            tickets=tickets,
        )

    # === Why a ticket takes part, in words ===

    def _why_in(self, facts):
        """Why a ticket with these facts takes part in this trial."""
        self.ensure_one()
        trial = self._compiled()
        reasons = [self._say_customers()]
        if trial.teams or trial.users:
            reasons.append(self._say_staff(trial, facts))
        return self.env._(
            "Takes part in “%(trial)s”: %(reasons)s.",
            trial=self.name,
            reasons="; ".join(reasons),
        )

    def _say_customers(self):
        if self.customer_mode == "share":
            return self.env._(
                "the customer is among the %s %% drawn by lot", self.share_percent
            )
        if self.customer_mode == "list":
            return self.env._("the customer was chosen")
        if self.customer_mode == "segments":
            return self.env._(
                "the customer was in %s at receipt",
                " / ".join(self.segment_ids.mapped("name")),
            )
        return self.env._("all customers take part")

    def _say_staff(self, trial, facts):
        if facts.team in trial.teams:
            return self.env._("the team takes part")
        if facts.user in trial.users:
            return self.env._("whoever works on it takes part")
        return self.env._(
            "it came in, for nobody yet, in a team of those who take part"
        )

    def _why_out(self, trial, facts):
        """Why a ticket with these facts does not take part in this trial."""
        self.ensure_one()
        if trial.has_customer(facts):
            reason = self.env._("neither its team nor its assignee does")
        elif not facts.customer:
            reason = self.env._("the customer is not known")
        elif self.customer_mode == "share":
            reason = self.env._(
                "the customer is not among the %s %% drawn by lot", self.share_percent
            )
        elif self.customer_mode == "list":
            reason = self.env._("the customer was not chosen")
        else:
            reason = self.env._(
                "the customer was not in %s at receipt",
                " / ".join(self.segment_ids.mapped("name")),
            )
        return self.env._(
            "Does not take part in “%(trial)s”: %(reason)s.",
            trial=self.name,
            reason=reason,
        )

    # === In memory ===

    @api.model
    def _compiled_of(self, company):
        """Trials of a company that ever began, by policy id: tuples of
        `matching.Trial`, the latest begin first.

        All of them, since a ticket is matched as of its receipt.
        """
        pilots = self.search(
            [("company_id", "=", company.id), ("state", "!=", "draft")],
            order="date_start desc, id desc",
        )
        return {
            policy.id: tuple(pilot._compiled() for pilot in found)
            for policy, found in pilots.grouped("policy_id").items()
        }

    def _compiled(self):
        """This trial as the pure rule that tickets are matched with.

        Where it has no dates yet, it holds for requests of any time.
        """
        self.ensure_one()
        begins, ends = -(1 << 62), float("inf")
        if self.state != "draft":
            begins, ends = map(to_epoch, self._held_span())
        Team = self.env["helpdesk.ticket.team"].with_context(active_test=False)
        people = self.staff_team_ids
        if self.state == "draft":
            people = self._teams_of_people() or Team
        return matching.Trial(
            id=self.id or 0,
            version=matching.Version(
                id=self.version_id.id or 0,
                begins=begins,
                ends=ends,
                lines=self.version_id._compiled_lines() if self.version_id else (),
            ),
            mode=self.customer_mode,
            customers=frozenset(self.partner_ids.commercial_partner_id.ids),
            segments=frozenset(self.segment_ids.ids),
            share=self.share_percent / 100,
            # sudo: csp.pilot: the same lot for everybody, whoever asks
            salt=self.sudo().salt or "",
            teams=_with_descendants(Team, self.team_ids),
            users=frozenset(self.user_ids.ids),
            user_teams=_with_descendants(Team, people),
        )
