from secrets import token_hex

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from .locking import one_at_a_time
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
        "frozen_results",
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
DECISIONS = [
    ("adopt", "Adopt: publish the version for everybody"),
    ("adjust", "Adjust: write a new draft from it, with the comments at hand"),
    ("stop", "Stop: stay with the version in force"),
]


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
        "unless the version was adopted meanwhile.",
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
        string="Share",
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
    held_text = fields.Char(
        string="Until it holds for everybody", compute="_compute_held_text"
    )

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

    def _refuse_unless_draft(self):
        one_at_a_time(self)
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
