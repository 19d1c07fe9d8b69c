from odoo import api, fields, models
from odoo.exceptions import AccessError

from .csp_acknowledgement import OPEN


class CspPolicyVersion(models.Model):
    """Who has signed a version, and who has not."""

    _inherit = "csp.policy.version"

    acknowledgement_ids = fields.One2many(
        comodel_name="csp.acknowledgement",
        inverse_name="version_id",
        string="Read and signed",
        readonly=True,
    )
    sign_asked_count = fields.Integer(
        string="Asked", compute="_compute_sign_figures", aggregator=None
    )
    sign_signed_count = fields.Integer(
        string="Signed", compute="_compute_sign_figures", aggregator=None
    )
    sign_missing_count = fields.Integer(
        string="Missing", compute="_compute_sign_figures", aggregator=None
    )
    sign_late_count = fields.Integer(
        string="Overdue", compute="_compute_sign_figures", aggregator=None
    )
    sign_percent = fields.Float(
        string="Signed (%)", compute="_compute_sign_figures", aggregator=None
    )
    sign_due_date = fields.Date(
        string="Sign by",
        compute="_compute_sign_figures",
        help="The first date by which somebody who has not signed is to do so.",
    )
    sign_text = fields.Char(compute="_compute_sign_figures")
    sign_kept_count = fields.Integer(
        string="Signed before",
        compute="_compute_sign_kept_count",
        aggregator=None,
        help="People who signed an earlier version, which holds for this one, since "
        "nothing of importance has changed.",
    )
    audience_count = fields.Integer(related="policy_id.audience_count")

    @api.depends("acknowledgement_ids.state", "acknowledgement_ids.due_date")
    def _compute_sign_figures(self):
        today = fields.Date.context_today(self)
        counts, late, first = {}, {}, {}
        Acknowledgement = self.env["csp.acknowledgement"]
        for version, state, due, count in Acknowledgement._read_group(
            domain=[("version_id", "in", self.ids), ("state", "!=", "released")],
            groupby=["version_id", "state", "due_date:day"],
            aggregates=["__count"],
        ):
            figures = counts.setdefault(version, {})
            figures[state] = figures.get(state, 0) + count
            if state in OPEN:
                first[version] = min(due, first.get(version, due))
                if due < today:
                    late[version] = late.get(version, 0) + count
        for version in self:
            figures = counts.get(version._origin, {})
            asked, signed = sum(figures.values()), figures.get("signed", 0)
            version.sign_asked_count = asked
            version.sign_signed_count = signed
            version.sign_missing_count = asked - signed
            version.sign_late_count = late.get(version._origin, 0)
            version.sign_percent = 100 * signed / asked if asked else 0
            version.sign_due_date = first.get(version._origin, False)
            version.sign_text = self.env._(
                "%(signed)s of %(asked)s", signed=signed, asked=asked
            )

    @api.depends("acknowledgement_ids.state", "material_change")
    def _compute_sign_kept_count(self):
        for version in self:
            earlier = version.browse()
            if version.published_at and not version.material_change:
                earlier = version.policy_id._signed_for(version) - version
            signed = earlier.acknowledgement_ids.filtered(
                lambda row: row.state == "signed"
            )
            version.sign_kept_count = len(
                signed.user_id - version.acknowledgement_ids.user_id
            )

    @api.depends_context("lang")
    def _compute_display_name(self):
        # People are told of it each in his language, many at a time.
        return super()._compute_display_name()

    # === Asking ===

    def _after_publication(self):
        """Ask the audience to read and sign what was published just now."""
        result = super()._after_publication()
        self.policy_id._follow_roster(at_publication=True)
        return result

    def action_retire(self):
        """Take versions out of force; nobody is asked to sign them any more."""
        result = super().action_retire()
        self.policy_id._follow_roster()
        return result

    def _ask(self, people, due, is_newcomer, team_of):
        """Ask people to sign this version; those who are asked already are not given.

        :param date due: until when
        :param dict team_of: of user to team
        """
        self.ensure_one()
        if people and not self.document:
            # Published before texts were kept: it is read as it is when first asked.
            self._keep_document()
        now = fields.Datetime.now()
        Acknowledgement = self.env["csp.acknowledgement"].with_context(
            # A row is its own history, and whoever publishes does not follow it.
            tracking_disable=True,
            mail_create_nosubscribe=True,
        )
        rows = Acknowledgement.create(
            [
                {
                    "version_id": self.id,
                    "user_id": user.id,
                    "team_id": team_of[user].id,
                    "company_id": (self.company_id or user.company_id).id,
                    "state": "to_read",
                    "due_date": due,
                    "is_newcomer": is_newcomer,
                    "asked_at": now,
                    **Acknowledgement._not_told_yet(),
                }
                for user in people
            ]
        )
        rows._give_todos()

    # === Screens ===

    def action_view_acknowledgements(self):
        """Open who has signed this version, and who has not."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_acknowledgement_action"
        )
        action["display_name"] = self.env._("Read and signed: %s", self.display_name)
        action["domain"] = [("version_id", "in", self.ids)]
        action["context"] = {}
        return action

    def action_view_missing(self):
        """Open who has not signed this version yet."""
        action = self.action_view_acknowledgements()
        action["context"] = {"search_default_open": 1}
        return action

    def action_remind_to_sign(self):
        """Remind everybody who has not signed these versions yet.

        :raises AccessError: for everybody but managers of the plan
        """
        self.check_access("write")
        if not self.env.user.has_group("customer_service_plan.group_manager"):
            raise AccessError(self.env._("Only managers remind a whole audience."))
        rows = self.acknowledgement_ids
        return rows.filtered("is_open").action_remind()
