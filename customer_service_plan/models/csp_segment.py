from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools.segmenting import split_codes
from .protected import is_by_addon

#: Rules that look at the private profile of a customer.
PRIVATE_RULES = (
    "age_min",
    "age_max",
    "genders",
    "education_level_ids",
    "purchasing_powers",
    "tier_ids",
    "criterion_ids",
)
#: All rules by which customers come into a segment.
RULES = ("country_ids", "state_ids", *PRIVATE_RULES, "partner_domain")
#: What decides who is in a segment.
MEMBERSHIP_FIELDS = frozenset({*RULES, "inherit_from_company", "active", "company_id"})
#: Rules that hold several codes of a selection of the profile, as text.
CODES = {"genders": "gender", "purchasing_powers": "purchasing_power"}
#: How a segment stands: kept by the addon only.
STANDING_FIELDS = frozenset(
    {"is_broken", "broken_reason", "is_pending", "progress", "sorted_to", "checked_at"}
)
READ_BY = "customer_service_plan.group_manager,customer_service_plan.group_profile"


class CspSegment(models.Model):
    """A group of customers who want something alike, so that it can be promised.

    Who belongs to it follows from its rules; every filled one must hold. A segment
    without any rule has the customers that managers put into it by hand.
    """

    _name = "csp.segment"
    _inherit = ["csp.rule.source", "mail.thread", "mail.activity.mixin"]
    _description = "Customer Segment"
    _order = "sequence, id"
    # Whether a segment exists at all decides if tickets look for their customer's.
    _csp_rule_fields = MEMBERSHIP_FIELDS | {"sequence", "is_broken"}

    @api.model
    def _default_sequence(self):
        """A new segment comes last: it takes no promise from those that there are."""
        last = self.with_context(active_test=False).search(
            [], order="sequence desc", limit=1
        )
        return min(last.sequence + 1, 2**31 - 1) if last else 10

    name = fields.Char(required=True, translate=True, tracking=True)
    sequence = fields.Integer(
        default=lambda self: self._default_sequence(),
        help="A customer may be in several segments: the first one names the promise.",
    )
    active = fields.Boolean(default=True, tracking=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        ondelete="cascade",
        index="btree_not_null",
        help="Leave empty to use the segment in every company.",
    )
    owner_id = fields.Many2one(
        comodel_name="res.users",
        domain=[("share", "=", False)],
        default=lambda self: self.env.user,
        ondelete="set null",
        tracking=True,
        help="Is told when a rule of the segment can no longer be used.",
    )
    description = fields.Text(translate=True)
    need_ids = fields.One2many(
        comodel_name="csp.segment.need", inverse_name="segment_id", string="Needs"
    )

    # Rules. Where several values are given, one of them must hold.
    country_ids = fields.Many2many(
        comodel_name="res.country",
        relation="csp_segment_res_country_rel",
        ondelete="restrict",
        string="Countries",
        tracking=True,
    )
    state_ids = fields.Many2many(
        comodel_name="res.country.state",
        relation="csp_segment_res_country_state_rel",
        ondelete="restrict",
        string="States",
        tracking=True,
    )
    age_min = fields.Integer(
        string="Age from",
        aggregator=None,
        tracking=True,
        groups=READ_BY,
        help="Whole years; empty: no lower limit. Customers whose age is not known "
        "never fit.",
    )
    age_max = fields.Integer(
        string="Age to",
        aggregator=None,
        tracking=True,
        groups=READ_BY,
        help="Whole years, this one included; empty: no upper limit. Customers whose "
        "age is not known never fit.",
    )
    genders = fields.Char(
        string="Gender",
        tracking=True,
        groups=READ_BY,
        help="Any of: female, male, other; several are separated by commas.",
    )
    education_level_ids = fields.Many2many(
        comodel_name="csp.education.level",
        relation="csp_segment_csp_education_level_rel",
        ondelete="restrict",
        context={"active_test": False},
        string="Education",
        tracking=True,
        groups=READ_BY,
    )
    purchasing_powers = fields.Char(
        string="Purchasing power",
        tracking=True,
        groups=READ_BY,
        help="Any of: low, medium, high; several are separated by commas.",
    )
    tier_ids = fields.Many2many(
        comodel_name="csp.customer.tier",
        relation="csp_segment_csp_customer_tier_rel",
        ondelete="restrict",
        context={"active_test": False},
        string="Tiers",
        tracking=True,
        groups=READ_BY,
    )
    criterion_ids = fields.Many2many(
        comodel_name="csp.customer.criterion",
        relation="csp_segment_csp_customer_criterion_rel",
        ondelete="restrict",
        context={"active_test": False},
        string="Other criteria",
        tracking=True,
        groups=READ_BY,
    )
    partner_domain = fields.Char(
        string="More conditions",
        tracking=True,
        groups=READ_BY,
        help="Any field of a contact may be asked. Conditions on other records, for "
        "instance orders, are looked at every night.",
    )
    inherit_from_company = fields.Boolean(
        string="Contacts of companies, too",
        default=True,
        tracking=True,
        help="A contact of a company that belongs here belongs here, too.",
    )
    has_rules = fields.Boolean(
        compute="_compute_has_rules",
        store=True,
        help="Without any rule, customers are put in by hand.",
    )
    rule_text = fields.Char(string="Rules", compute="_compute_rule_text")

    # Members
    partner_ids = fields.Many2many(
        comodel_name="res.partner",
        string="Customers put in by hand",
        compute="_compute_partner_ids",
        inverse="_inverse_partner_ids",
        search="_search_partner_ids",
    )
    member_count = fields.Integer(string="Members", compute="_compute_member_count")
    preview = fields.Json(compute="_compute_preview")
    ticket_count = fields.Integer(
        string="Open tickets",
        compute="_compute_ticket_count",
        help="Open tickets whose customer was in the segment when they came in.",
    )
    policy_count = fields.Integer(
        string="Policies",
        compute="_compute_policy_count",
        help="Policies that promise something to the segment, or will.",
    )

    # How it stands
    is_broken = fields.Boolean(readonly=True, copy=False)
    broken_reason = fields.Text(readonly=True, copy=False)
    is_pending = fields.Boolean(
        string="Being sorted",
        readonly=True,
        copy=False,
        help="Customers are being sorted by rules that have changed.",
    )
    progress = fields.Integer(
        string="Progress (%)", readonly=True, copy=False, aggregator=None
    )
    sorted_to = fields.Integer(readonly=True, copy=False, aggregator=None)
    checked_at = fields.Datetime(
        string="Last sorted",
        readonly=True,
        copy=False,
        help="When all customers were last looked at.",
    )

    _ages_in_order = models.Constraint(
        "CHECK(COALESCE(age_min, 0) >= 0 AND COALESCE(age_max, 0) >= 0 AND "
        "(COALESCE(age_max, 0) = 0 OR COALESCE(age_min, 0) <= age_max))",
        "The ages must be whole years, the lower one first.",
    )

    @api.depends(*RULES)
    def _compute_has_rules(self):
        for segment in self:
            segment.has_rules = any(segment[name] for name in RULES[:-1]) or bool(
                segment._written_condition()
            )

    @api.depends_context("lang", "uid")
    @api.depends("inherit_from_company", "is_broken", *RULES)
    def _compute_rule_text(self):
        for segment in self:
            segment.rule_text = segment._describe()

    @api.depends("has_rules")
    def _compute_partner_ids(self):
        """Those by hand only: a segment kept by its rules may have a million."""
        self.partner_ids = False
        by_hand = self.filtered(lambda segment: not segment.has_rules)._origin
        if not by_hand:
            return
        members = dict(
            self.env["res.partner"]
            .with_context(active_test=False)
            ._read_group(
                domain=[("csp_segment_ids", "in", by_hand.ids)],
                groupby=["csp_segment_ids"],
                aggregates=["id:recordset"],
            )
        )
        for segment in self:
            segment.partner_ids = members.get(segment._origin, False)

    def _inverse_partner_ids(self):
        # Contacts that the user does not see stay in.
        Partner = self.env["res.partner"].with_context(active_test=False)
        # Kept before anything is searched: that works out segments of other contacts,
        # and forgets what is in memory.
        given = [(segment, segment.partner_ids) for segment in self]
        for segment, wanted in given:
            if segment.has_rules:
                if wanted:
                    self._refuse_by_hand(segment)
                continue
            known = Partner.search([("csp_segment_ids", "in", segment.ids)])
            (wanted - known).check_access("read")
            # sudo: res.partner: whoever may write segments says who is in one by hand,
            # also without the right to change contacts
            (wanted - known).sudo().write({"csp_segment_ids": [(4, segment.id)]})
            (known - wanted).sudo().write({"csp_segment_ids": [(3, segment.id)]})

    @api.model
    def _search_partner_ids(self, operator, value):
        if operator not in ("in", "any", "any!"):
            return NotImplemented
        if operator == "in" and False in value:
            if len(value) > 1:
                return NotImplemented
            self.env["res.partner"].flush_model(["csp_segment_ids"])
            filled = SQL("(SELECT segment_id FROM csp_segment_res_partner_rel)")
            return [("id", "not in", filled)]
        found = self.env["res.partner"].search([("id", operator, value)])
        return [("id", "in", found.csp_segment_ids.ids)]

    def _compute_member_count(self):
        # Counted without a look at the contacts themselves: there may be a million.
        self.env["res.partner"].flush_model(["csp_segment_ids"])
        counts = dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT segment_id, count(*)
                      FROM csp_segment_res_partner_rel
                     WHERE segment_id = ANY(%s)
                     GROUP BY segment_id
                    """,
                    self._origin.ids,
                )
            )
        )
        for segment in self:
            segment.member_count = counts.get(segment._origin.id, 0)

    @api.depends_context("uid", "lang")
    @api.depends("has_rules", "company_id", "inherit_from_company", *RULES)
    def _compute_preview(self):
        for segment in self:
            segment.preview = segment._preview()

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_ticket_count(self):
        self.ticket_count = 0
        Ticket = self.env["helpdesk.ticket"]
        if not Ticket.has_access("read"):
            return
        counts = dict(
            Ticket._read_group(
                domain=self._open_tickets(),
                groupby=["csp_segment_ids"],
                aggregates=["__count"],
            )
        )
        for segment in self:
            segment.ticket_count = counts.get(segment._origin, 0)

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_policy_count(self):
        self.policy_count = 0
        if not self.env["csp.policy.line"].has_access("read"):
            return
        lines = self._lines_that_name_it()
        for segment in self:
            naming = lines.filtered(
                lambda line, segment=segment: segment._origin in line.segment_ids
            )
            segment.policy_count = len(naming.version_id.policy_id)

    @api.constrains(*CODES)
    def _check_codes(self):
        for segment in self:
            for name in CODES:
                known = self._code_labels(name)
                unknown = [
                    code for code in split_codes(segment[name]) if code not in known
                ]
                if unknown:
                    raise ValidationError(
                        self.env._(
                            "%(field)s: “%(given)s” is not known. Use any of: "
                            "%(known)s.",
                            field=self._fields[name]._description_string(self.env),
                            given=", ".join(unknown),
                            known=", ".join(known),
                        )
                    )

    @api.model
    def _code_labels(self, name):
        """By code, what people call the values that a rule may hold."""
        field = self.env["csp.customer.profile"]._fields[CODES[name]]
        return dict(field._description_selection(self.env))

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._refuse_standing(vals)
        # Neither defaults of the context nor of a user say how a new one stands.
        blank = dict.fromkeys(STANDING_FIELDS, False)
        segments = super().create(
            [{**self._with_plain_codes(vals), **blank} for vals in vals_list]
        )
        segments._check_may_ask_theirs()
        segments._rules_changed()
        return segments

    def write(self, vals):
        self._refuse_standing(vals)
        result = super().write(self._with_plain_codes(vals))
        if "partner_domain" in vals:
            self._check_may_ask_theirs()
        if not MEMBERSHIP_FIELDS.isdisjoint(vals):
            self._rules_changed()
        return result

    def _track_get_default_log_message(self, tracked_fields):
        # Who may not see the values would find a message that seems to be deleted.
        if not set(tracked_fields).isdisjoint(PRIVATE_RULES):
            return self.env._("Rules on customer profiles changed")
        if "partner_domain" in tracked_fields:
            return self._fields["partner_domain"]._description_string(self.env)
        return super()._track_get_default_log_message(tracked_fields)

    def copy_data(self, default=None):
        vals_list = super().copy_data(default=default)
        return [
            dict(vals, name=self.env._("%s (copy)", segment.name))
            for segment, vals in zip(self, vals_list, strict=True)
        ]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_named(self):
        self.env["csp.policy.line"]._refuse_if_named("segment_ids", self)

    def unlink(self):
        ids = self.ids
        result = super().unlink()
        self.env["res.partner"]._csp_forget_memberships(segment_ids=ids)
        return result

    def _check_may_ask_theirs(self):
        """Refuse conditions of these segments on what the user may not read.

        As they are stored, in whatever way they were given.
        """
        # sudo: csp.segment: what was written just now
        for condition in set(self.sudo().mapped("partner_domain")):
            self._check_may_ask(condition)

    def _refuse_standing(self, vals):
        # One that is made may say what all new ones are.
        refused = {
            name
            for name in (*STANDING_FIELDS, "has_rules")
            if name in vals and (self or vals[name])
        }
        if refused and not is_by_addon(self.env):
            field = self._fields[min(refused)]
            raise AccessError(
                self.env._(
                    "“%(field)s” is kept by the service plan; it cannot be changed by "
                    "hand.",
                    field=field._description_string(self.env),
                )
            )

    @api.model
    def _refuse_by_hand(self, segments):
        """Say that rules, not hands, decide who is in these segments."""
        raise UserError(
            self.env._(
                "“%(segment)s” has rules, which decide who belongs to it. Change the "
                "rules, or take them away to put customers in by hand.",
                segment=segments[:1].display_name,
            )
        )

    @api.model
    def _with_plain_codes(self, vals):
        """Several codes may also come as a list, by a program."""
        plain = {}
        for name in CODES:
            codes = vals.get(name)
            if isinstance(codes, str):
                codes = split_codes(codes)
            if codes and isinstance(codes, (list, tuple)):
                plain[name] = ",".join(map(str, codes))
        return {**vals, **plain}

    # === Actions ===

    def action_add_usual_needs(self):
        """Give these segments each need of the catalogue that they lack, importance 3.

        How well the needs are met stays unknown. Raises AccessError for who may not
        write needs of segments.
        """
        needs = self.env["csp.need"].search([("active", "=", True)])
        self.env["csp.segment.need"].create(
            [
                {"segment_id": segment.id, "need_id": need.id}
                for segment in self
                for need in needs - segment.need_ids.need_id
            ]
        )

    def action_view_members(self):
        """Open the customers of this segment."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Customers of %s", self.name),
            "res_model": "res.partner",
            "view_mode": "list,kanban,form",
            "domain": [("csp_segment_ids", "in", self.ids)],
        }

    def action_recompute(self):
        """Look at all customers again, in the background where there are many."""
        self.check_access("write")
        self._rules_changed()
        return True

    def action_view_tickets(self):
        """List the open tickets that came in from customers of this segment."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "helpdesk_mgmt.helpdesk_ticket_action"
        )
        action.update(
            {
                "display_name": self.env._("Open tickets of %s", self.name),
                "domain": list(self._open_tickets()),
                "context": {},
            }
        )
        return action

    def action_view_policies(self):
        """List the policies that promise something to this segment."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_policy_action"
        )
        policies = self._lines_that_name_it().version_id.policy_id
        action.update(
            {
                "display_name": self.env._("Policies for %s", self.name),
                "domain": [("id", "in", policies.ids)],
            }
        )
        return action

    def _open_tickets(self):
        return Domain("csp_segment_ids", "in", self._origin.ids) & Domain(
            "stage_id.closed", "=", False
        )

    def _lines_that_name_it(self):
        """Lines with these segments, of versions in force, coming, or being written."""
        lines = self.env["csp.policy.line"].search(
            [("segment_ids", "in", self._origin.ids)]
        )
        policies = lines.version_id.policy_id
        past = lines.version_id - (
            policies.current_version_id
            | policies.coming_version_id
            | policies.draft_version_id
        )
        return lines.filtered(lambda line: line.version_id not in past)
