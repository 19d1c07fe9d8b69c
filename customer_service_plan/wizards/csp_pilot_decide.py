from odoo import api, fields, models
from odoo.tools import format_date

from ..models.csp_pilot import DECISIONS


class CspPilotDecide(models.TransientModel):
    """The decision on a trial, with its reason."""

    _name = "csp.pilot.decide"
    _description = "Decide on a Trial"

    pilot_id = fields.Many2one(
        comodel_name="csp.pilot", string="Trial", required=True, ondelete="cascade"
    )
    decision = fields.Selection(selection=DECISIONS, required=True)
    reason = fields.Text(string="Why", required=True)
    match_again = fields.Boolean(
        string="Match the open tickets of the trial again",
        help="Otherwise they keep what they were promised, as all tickets do.",
    )
    consequence = fields.Char(compute="_compute_consequence")
    open_ticket_count = fields.Integer(compute="_compute_open_ticket_count")
    may_match_again = fields.Boolean(compute="_compute_may_match_again")

    @api.depends("decision", "pilot_id")
    def _compute_consequence(self):
        for wizard in self:
            texts = []
            if wizard.decision and wizard._is_running():
                texts.append(
                    self.env._(
                        "The trial is still running: it ends with this decision."
                    )
                )
            if wizard.decision == "adopt":
                texts += wizard._say_adopted()
            elif wizard.decision == "adjust":
                texts.append(wizard._say_draft())
            elif wizard.decision == "stop":
                texts.append(
                    self.env._(
                        "New requests are under the version in force again, at once."
                    )
                )
            wizard.consequence = " ".join(texts)

    @api.depends("pilot_id")
    def _compute_open_ticket_count(self):
        Ticket = self.env["helpdesk.ticket"]
        for wizard in self:
            domain = wizard.pilot_id and wizard.pilot_id._ticket_domain()
            wizard.open_ticket_count = domain and Ticket.search_count(
                domain + [("csp_closed_as", "=", False)]
            )

    @api.depends_context("uid")
    def _compute_may_match_again(self):
        self.may_match_again = self.env.user.has_group(
            "customer_service_plan.group_manager"
        )

    def _is_running(self):
        """Whether its end is to come: the scheduled action may not have noticed yet."""
        pilot = self.pilot_id
        return pilot.state == "running" and fields.Datetime.now() < pilot.date_end

    def _say_adopted(self):
        version = self.pilot_id.version_id
        date = version.effective_date
        if not date or date <= version._company_today():
            return [
                self.env._(
                    "%s is published and holds for everybody.", version.display_name
                )
            ]
        if self._is_running() and self.pilot_id.has_begun:
            until = self.env._("Those who take part keep it until then.")
        else:
            until = self.env._("Until then everybody is promised what is in force now.")
        return [
            self.env._(
                "%(version)s is published, and holds for everybody from %(date)s.",
                version=version.display_name,
                date=format_date(self.env, date),
            ),
            until,
        ]

    def _say_draft(self):
        draft = self.pilot_id.policy_id.draft_version_id
        if draft:
            return self.env._(
                "%s is in preparation already: the comments are put into its notes. "
                "The version on trial is retired.",
                draft.display_name,
            )
        return self.env._(
            "A new draft begins with the text of the version on trial, and has the "
            "comments in its notes. The version on trial is retired."
        )

    def action_decide(self):
        """Decide, and show the trial, or the draft that is to be adjusted."""
        self.ensure_one()
        self.pilot_id.action_decide(self.decision, self.reason, self.match_again)
        if self.decision == "adjust":
            return self.pilot_id.policy_id.draft_version_id._get_records_action()
        return {"type": "ir.actions.act_window_close"}
