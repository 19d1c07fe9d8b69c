from secrets import token_hex

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tools import SQL, plaintext2html

from ..tools import matching
from ..tools.epoch import to_epoch
from .csp_policy_line import _with_descendants
from .protected import BY_ADDON, is_by_addon

#: Only the steps of a trial write these.
LIFE_FIELDS = frozenset(
    {
        "state",
        "salt",
        "started_by_id",
        "ended_at",
        "decision",
        "decision_reason",
        "decided_by_id",
        "decided_at",
        "staff_team_ids",
        "participation_ids",
        "comment_ids",
    }
)
#: Who, when, and what must be reached: written before the trial begins, never after.
LOCKED_FIELDS = frozenset(
    {
        "version_id",
        "policy_id",
        "company_id",
        "date_start",
        "date_end",
        "customer_mode",
        "partner_ids",
        "segment_ids",
        "share_percent",
        "team_ids",
        "user_ids",
        "criterion_ids",
        "customer_text",
        "staff_text",
    }
)
#: Running or waiting for a decision.
UNDECIDED = ("running", "ended")
DECISIONS = [
    ("adopt", "Adopt: publish the version for everybody"),
    ("adjust", "Adjust: write a new draft from it, with the comments at hand"),
    ("stop", "Stop: stay with the version in force"),
]
STATE_OF_DECISION = {"adopt": "adopted", "adjust": "adjusted", "stop": "stopped"}
DECIDE = "customer_service_plan.mail_activity_type_decide_trial"


class CspPilot(models.Model):
    """A trial: an approved version that holds for some customers and staff, from a
    start to an end, to see whether it reaches what was said before.

    For requests of participants received in `[date_start, end)` the version takes the
    place of the one in force; that follows from the instants alone, whenever the
    scheduled action runs. Tickets keep what they were promised when the trial ends.
    """

    _name = "csp.pilot"
    _inherit = ["csp.rule.source", "mail.thread", "mail.activity.mixin"]
    _description = "Trial of a Policy Version"
    _order = "date_start desc, id desc"
    _check_company_auto = True
    _mail_post_access = "read"
    _csp_rule_fields = frozenset({"state", "ended_at"})

    name = fields.Char(
        compute="_compute_name",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        tracking=True,
    )
    version_id = fields.Many2one(
        comodel_name="csp.policy.version",
        string="Version to try",
        required=True,
        domain="[('state', '=', 'approved')]",
        index=True,
        ondelete="restrict",
        help="Only a version that somebody else has approved can be tried.",
    )
    policy_id = fields.Many2one(related="version_id.policy_id", store=True, index=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        compute="_compute_company_id",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        index=True,
        ondelete="restrict",
    )
    state = fields.Selection(
        selection=[
            ("draft", "Being prepared"),
            ("running", "Running"),
            ("ended", "To be decided"),
            ("adopted", "Adopted"),
            ("adjusted", "Adjusted"),
            ("stopped", "Stopped"),
        ],
        default="draft",
        required=True,
        readonly=True,
        tracking=True,
        index=True,
    )
    date_start = fields.Datetime(
        string="From",
        copy=False,
        help="Empty, or already past when the trial is started: from that moment on.",
    )
    date_end = fields.Datetime(
        string="Until",
        copy=False,
        help="From this moment on the version in force holds for everybody again, "
        "decided or not.",
    )
    ended_at = fields.Datetime(
        string="Ended",
        readonly=True,
        copy=False,
        help="The planned end, or the moment at which it was decided earlier.",
    )
    responsible_id = fields.Many2one(
        comodel_name="res.users",
        required=True,
        domain=[("share", "=", False)],
        default=lambda self: self.env.user,
        ondelete="restrict",
        tracking=True,
        help="Decides at the end whether the version is adopted, and gets a to-do.",
    )
    started_by_id = fields.Many2one(
        comodel_name="res.users", readonly=True, copy=False, ondelete="restrict"
    )

    # Who takes part
    customer_mode = fields.Selection(
        selection=[
            ("share", "A share of all customers, drawn by lot"),
            ("segments", "Customers of these segments"),
            ("list", "These customers"),
            ("everybody", "All customers"),
        ],
        string="Customers",
        required=True,
        default="share",
    )
    share_percent = fields.Integer(
        string="Share (%)",
        default=20,
        aggregator=None,
        help="Drawn once: whoever is in, with all his contacts, stays in.",
    )
    salt = fields.Char(
        readonly=True,
        copy=False,
        groups="customer_service_plan.group_manager",
        help="Draws the share; another one would draw others.",
    )
    segment_ids = fields.Many2many(
        comodel_name="csp.segment",
        relation="csp_pilot_segment_rel",
        column1="pilot_id",
        column2="segment_id",
        string="Segments",
        context={"active_test": False},
        check_company=True,
        ondelete="restrict",
    )
    partner_ids = fields.Many2many(
        comodel_name="res.partner",
        relation="csp_pilot_partner_rel",
        column1="pilot_id",
        column2="partner_id",
        string="Chosen customers",
        context={"active_test": False},
        check_company=True,
        help="A company takes part with all its contacts.",
    )
    team_ids = fields.Many2many(
        comodel_name="helpdesk.ticket.team",
        relation="csp_pilot_team_rel",
        column1="pilot_id",
        column2="team_id",
        string="Teams",
        context={"active_test": False},
        check_company=True,
        ondelete="restrict",
    )
    user_ids = fields.Many2many(
        comodel_name="res.users",
        relation="csp_pilot_user_rel",
        column1="pilot_id",
        column2="user_id",
        string="People",
        domain=[("share", "=", False)],
        context={"active_test": False},
        ondelete="restrict",
        help="Tickets given to them, and tickets of their teams that nobody has yet.",
    )
    staff_team_ids = fields.Many2many(
        comodel_name="helpdesk.ticket.team",
        relation="csp_pilot_staff_team_rel",
        column1="pilot_id",
        column2="team_id",
        string="Teams of the chosen people",
        context={"active_test": False},
        readonly=True,
        copy=False,
        ondelete="restrict",
        help="As they were when the trial was started.",
    )

    # What must be reached
    criterion_ids = fields.One2many(
        comodel_name="csp.pilot.criterion",
        inverse_name="pilot_id",
        string="What must be reached",
        copy=True,
    )

    # Who is told what
    customer_text = fields.Text(
        string="What changes for customers",
        translate=True,
        help="In a few plain sentences. It is part of the mail that tells them. Empty: "
        "the promises of the version.",
    )
    staff_text = fields.Text(
        string="What changes for staff",
        translate=True,
        help="In a few plain sentences. Empty: what changed, as the version says.",
    )
    customer_template_id = fields.Many2one(
        comodel_name="mail.template",
        string="Mail to customers",
        domain="[('model', '=', 'csp.pilot.participation')]",
        default=lambda self: self._default_template("customer"),
        ondelete="set null",
        help="Empty: the one that comes with the service plan.",
    )
    staff_template_id = fields.Many2one(
        comodel_name="mail.template",
        string="Mail to staff",
        domain="[('model', '=', 'csp.pilot.participation')]",
        default=lambda self: self._default_template("staff"),
        ondelete="set null",
        help="Empty: the one that comes with the service plan.",
    )
    participation_ids = fields.One2many(
        comodel_name="csp.pilot.participation",
        inverse_name="pilot_id",
        string="Who was told",
        readonly=True,
        copy=False,
        groups="customer_service_plan.group_manager",
    )
    comment_ids = fields.One2many(
        comodel_name="csp.pilot.comment",
        inverse_name="pilot_id",
        string="Comments",
        readonly=True,
        copy=False,
    )

    # How it ended
    decision = fields.Selection(selection=DECISIONS, readonly=True, copy=False)
    decision_reason = fields.Text(string="Why", readonly=True, copy=False)
    decided_by_id = fields.Many2one(
        comodel_name="res.users", readonly=True, copy=False, ondelete="restrict"
    )
    decided_at = fields.Datetime(string="Decided on", readonly=True, copy=False)

    _one_undecided = models.UniqueIndex(
        "(policy_id) WHERE state IN ('running', 'ended')",
        "Another trial of this policy is running or waits for its decision.",
    )
    _share_is_a_share = models.Constraint(
        "CHECK(share_percent BETWEEN 1 AND 100)",
        "The share is between 1 and 100 per cent.",
    )
    _ends_after_start = models.Constraint(
        "CHECK(state <> 'draft' OR date_start IS NULL OR date_end IS NULL"
        " OR date_start < date_end)",
        "A trial ends after it begins.",
    )

    @api.depends("version_id")
    def _compute_name(self):
        for pilot in self:
            if not pilot.name and pilot.version_id:
                pilot.name = self.env._("Trial of %s", pilot.version_id.display_name)
            pilot.name = pilot.name or False

    @api.depends("version_id")
    def _compute_company_id(self):
        for pilot in self:
            pilot.company_id = (
                pilot.version_id.company_id or pilot.company_id or self.env.company
            )

    @api.model
    def _default_template(self, whom):
        template = self.env.ref(
            f"customer_service_plan.mail_template_trial_{whom}",
            raise_if_not_found=False,
        )
        return template or self.env["mail.template"]

    @api.constrains("company_id", "version_id")
    def _check_company_of_version(self):
        for pilot in self:
            company = pilot.version_id.company_id
            if company and company != pilot.company_id:
                raise ValidationError(
                    self.env._("A version is tried in the company that it is for.")
                )

    # === Written before it begins, never after ===

    @api.model_create_multi
    def create(self, vals_list):
        """A trial begins as a draft, and draws its own lot."""
        cleaned = []
        for vals in vals_list:
            if not is_by_addon(self.env):
                given = LIFE_FIELDS.intersection(vals) - {"state", "salt"}
                if any(vals[name] for name in given) or vals.get("state") not in (
                    None,
                    False,
                    "draft",
                ):
                    self._refuse_life_fields()
            blank = dict.fromkeys(LIFE_FIELDS - {"participation_ids", "comment_ids"})
            cleaned.append(
                {
                    **blank,
                    **{
                        name: value
                        for name, value in vals.items()
                        if name not in LIFE_FIELDS
                    },
                    "state": "draft",
                    "salt": token_hex(16),
                }
            )
        return super().create(cleaned)

    def write(self, vals):
        if not is_by_addon(self.env):
            if not LIFE_FIELDS.isdisjoint(vals):
                self._refuse_life_fields()
            if not LOCKED_FIELDS.isdisjoint(vals):
                self._refuse_unless_draft()
        return super().write(vals)

    def _update_field_translations(
        self, field_name, translations, digest=None, source_lang=""
    ):
        if field_name in LOCKED_FIELDS:
            self._refuse_unless_draft()
        return super()._update_field_translations(
            field_name, translations, digest=digest, source_lang=source_lang
        )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_begun(self):
        if self.filtered(lambda pilot: pilot.state != "draft"):
            raise UserError(
                self.env._(
                    "A trial that was started stays: customers and staff were told of "
                    "it."
                )
            )

    def _refuse_life_fields(self):
        raise UserError(
            self.env._(
                "The state of a trial changes by its buttons only: start, then adopt, "
                "adjust or stop."
            )
        )

    def _lock_state(self):
        """Make whoever edits or starts these trials at the same time wait."""
        self.env.cr.execute(
            SQL("SELECT FROM csp_pilot WHERE id = ANY(%s) FOR NO KEY UPDATE", self.ids),
            log_exceptions=False,
        )

    def _refuse_unless_draft(self):
        self._lock_state()
        begun = self.filtered(lambda pilot: pilot.state != "draft")
        if begun:
            raise UserError(
                self.env._(
                    "%(trial)s was started: who takes part, when, and what must be "
                    "reached stay as they were then. Only its end can come earlier.",
                    trial=begun[0].name,
                )
            )

    def _by_addon(self):
        return self.with_context(csp_by_addon=BY_ADDON)

    # === Life ===

    def action_start(self):
        """Start trials: from now on, or from their start, the version is tried.

        Who takes part, when, and what must be reached are locked. Customers and staff
        are told by the scheduled action.

        :raises UserError: with what is still missing
        """
        self.check_access("write")
        self._lock_state()
        for pilot in self:
            if pilot.state != "draft":
                raise UserError(
                    self.env._("%(trial)s was already started.", trial=pilot.name)
                )
            missing = pilot._missing_texts()
            if missing:
                raise UserError("\n".join(missing))
            now = fields.Datetime.now()
            pilot.version_id._start_pilot()
            pilot._by_addon().write(
                {
                    "state": "running",
                    "date_start": max(pilot.date_start or now, now),
                    "started_by_id": self.env.uid,
                    "staff_team_ids": [Command.set(pilot._teams_of_people().ids)],
                }
            )
        self._wake_cron()
        return True

    def _missing_texts(self):
        """What is to be done before the trial can start: texts for the manager."""
        self.ensure_one()
        now = fields.Datetime.now()
        begins = max(self.date_start or now, now)
        texts = []
        if self.version_id.state != "approved":
            texts.append(
                self.env._(
                    "%s is not approved: only an approved version can be tried.",
                    self.version_id.display_name,
                )
            )
        if not self.policy_id.active:
            texts.append(self.env._("The policy is archived."))
        undecided = self.search(
            [
                ("policy_id", "=", self.policy_id.id),
                ("state", "in", UNDECIDED),
                ("id", "!=", self.id),
            ],
            limit=1,
        )
        if undecided:
            texts.append(
                self.env._(
                    "“%s” is a trial of the same policy: decide on it first.",
                    undecided.name,
                )
            )
        if not self.date_end:
            texts.append(self.env._("Say when the trial ends."))
        elif self.date_end <= begins:
            texts.append(self.env._("The end of the trial is past, or before its start."))
        if self.customer_mode == "list" and not self.partner_ids:
            texts.append(self.env._("Choose the customers who take part."))
        if self.customer_mode == "segments" and not self.segment_ids:
            texts.append(self.env._("Choose the segments that take part."))
        if not self.criterion_ids:
            texts.append(
                self.env._(
                    "Say what must be reached, before anybody knows the result: at "
                    "least one line."
                )
            )
        if not self.responsible_id.active:
            texts.append(self.env._("Whoever decides at the end is no longer with us."))
        return texts

    def _teams_of_people(self):
        Team = self.env["helpdesk.ticket.team"]
        return self.user_ids and Team.search([("user_ids", "in", self.user_ids.ids)])

    def _wake_cron(self):
        """Have the scheduled action run when these trials begin and end."""
        # sudo: ir.cron: a manager starts a trial, the scheduler follows it
        cron = self.env.ref("customer_service_plan.ir_cron_trials").sudo()
        moments = {pilot.date_start for pilot in self}
        moments |= {pilot.date_end for pilot in self}
        cron._trigger_list(moments)

    def _span(self):
        """Start and end of the trial, naive UTC; the end may still be to come."""
        self.ensure_one()
        ends = [moment for moment in (self.ended_at, self.date_end) if moment]
        return self.date_start, min(ends)

    @api.model
    def _end_due(self):
        """End the trials whose time is over, and ask for a decision. May run twice.

        Requests are under the version in force again from the end on, whenever this
        runs.
        """
        due = self.search(
            [("state", "=", "running"), ("date_end", "<=", fields.Datetime.now())]
        )
        due._lock_state()
        for pilot in due:
            pilot._by_addon().write({"state": "ended", "ended_at": pilot.date_end})
            pilot._give_up_telling()
            if pilot.responsible_id.active:
                pilot.activity_schedule(
                    DECIDE,
                    user_id=pilot.responsible_id.id,
                    note=self.env._(
                        "The trial is over. Look at its results and decide: adopt, "
                        "adjust or stop."
                    ),
                )
        return due

    # === The decision ===

    def action_decide(self, decision, reason, match_again=False):
        """Decide on a trial, also before its end, which then comes now.

        :param str decision: adopt, adjust or stop
        :param str reason: why; kept with the trial
        :param bool match_again: promise the trial's open tickets what is in force now,
            instead of what they were promised; managers only
        :raises AccessError: for who is neither responsible for it nor a manager
        :raises UserError: without a reason, or where there is nothing to decide
        """
        self.ensure_one()
        self.check_access("read")
        self._check_may_decide()
        reason = (reason or "").strip() if isinstance(reason, str) else ""
        if decision not in STATE_OF_DECISION:
            raise UserError(self.env._("Decide: adopt, adjust or stop."))
        if not reason:
            raise UserError(self.env._("Say why: it is kept with the trial."))
        self._lock_state()
        if self.state not in UNDECIDED:
            raise UserError(
                self.env._("There is nothing to decide: %s.", self._state_text())
            )
        now = fields.Datetime.now()
        # sudo: csp.pilot: who is responsible decides, though he may not edit trials
        pilot = self.sudo()._by_addon()
        pilot.write(
            {
                "state": STATE_OF_DECISION[decision],
                "ended_at": min(pilot.ended_at or now, pilot.date_end, now),
                "decision": decision,
                "decision_reason": reason,
                "decided_by_id": self.env.uid,
                "decided_at": now,
            }
        )
        pilot._give_up_telling()
        pilot.activity_unlink([DECIDE])
        pilot.message_post(
            author_id=self.env.user.partner_id.id,
            body=self.env._(
                "Decided: %(decision)s. %(reason)s",
                decision=dict(pilot._fields["decision"]._description_selection(self.env))[
                    decision
                ],
                reason=reason,
            ),
        )
        getattr(pilot, f"_decided_to_{decision}")(reason)
        if match_again:
            self._match_open_tickets_again()
        return True

    def _check_may_decide(self):
        user = self.env.user
        if user == self.responsible_id or self.env.su:
            return
        if not user.has_group("customer_service_plan.group_manager"):
            raise AccessError(
                self.env._(
                    "Only %(who)s or a service plan manager can decide on this trial.",
                    who=self.responsible_id.name,
                )
            )

    def _decided_to_adopt(self, reason):
        self.version_id.action_publish(reason)

    def _decided_to_adjust(self, reason):
        version = self.version_id
        version._end_pilot()
        policy = version.policy_id
        draft = policy.draft_version_id
        if not draft:
            policy.version_ids = [Command.create(version._prepare_draft_values())]
            draft = policy.draft_version_id
        draft.message_post(
            author_id=self.env.user.partner_id.id,
            body=self._comments_html(reason),
        )

    def _decided_to_stop(self, reason):
        self.version_id._end_pilot()

    def _match_open_tickets_again(self):
        """Promise the trial's open tickets what is in force now.

        Those that the user may write to, as everywhere; `action_csp_match_again` checks
        that he is a manager.
        """
        self.env["helpdesk.ticket"].search(
            self._ticket_domain() + [("csp_closed_as", "=", False)]
        ).action_csp_match_again()

    def _ticket_domain(self):
        """Tickets that were promised something under the version on trial."""
        self.ensure_one()
        begins, ends = self._span()
        return [
            ("csp_policy_version_id", "=", self.version_id.id),
            ("company_id", "=", self.company_id.id),
            ("csp_received_at", ">=", begins),
            ("csp_received_at", "<", ends),
        ]

    def _state_text(self):
        return dict(self._fields["state"]._description_selection(self.env))[self.state]

    def _comments_html(self, reason):
        """Why the text is to be adjusted, and what was said about it."""
        lines = [
            self.env._("From “%(trial)s”: %(reason)s", trial=self.name, reason=reason)
        ]
        lines += [
            self.env._(
                "%(who)s: %(text)s",
                who=comment.author_name or comment._source_text(),
                text=comment.text,
            )
            for comment in self.comment_ids.sorted(lambda each: (each.date, each.id))
        ]
        return plaintext2html("\n\n".join(lines))

    # === Who takes part, in memory ===

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
            begins, ends = map(to_epoch, self._span())
        Team = self.env["helpdesk.ticket.team"].with_context(active_test=False)
        people = self.staff_team_ids
        if self.state == "draft":
            people = self._teams_of_people() or Team
        return matching.Trial(
            id=self.id or 0,
            version=matching.Version(
                id=self.version_id.id,
                begins=begins,
                ends=ends,
                lines=self.version_id._compiled_lines(),
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
