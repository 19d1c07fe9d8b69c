from odoo import api, fields, models
from odoo.exceptions import RedirectWarning, UserError
from odoo.tools import format_amount

from ..models.helpdesk_ticket_complaint import COMPLAINT_REMEDIES
from ..models.helpdesk_ticket_complaint_steps import TOLD_BY
from ..tools import complaint


class CspComplaintStep(models.TransientModel):
    """Ask what belongs to the next step of a complaint, and take the step.

    Closing asks at once for all that is missing, so that a complaint that can be
    settled on the spot takes one dialog.
    """

    _name = "csp.complaint.step"
    _description = "Step of a Complaint"

    ticket_id = fields.Many2one(
        comodel_name="helpdesk.ticket", required=True, ondelete="cascade"
    )
    step = fields.Selection(
        selection=[
            (complaint.INVESTIGATED, "Investigated"),
            (complaint.DECIDED, "Decided"),
            (complaint.TOLD, "Customer told"),
            (complaint.CLOSED, "Closed"),
            (complaint.WITHDRAWN, "Withdrawn"),
            ("reopened", "Open again"),
        ],
        required=True,
    )
    stage_id = fields.Many2one(
        comodel_name="helpdesk.ticket.stage",
        string="Then the ticket goes to",
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="ticket_id.company_id")
    currency_id = fields.Many2one(related="ticket_id.company_id.currency_id")
    asks_decision = fields.Boolean(compute="_compute_asks")
    asks_told = fields.Boolean(compute="_compute_asks")
    decision_text = fields.Char(compute="_compute_asks")
    finding = fields.Text(
        string="What happened, and why",
        compute="_compute_finding",
        # Only of tickets that the user may read.
        compute_sudo=False,
        store=True,
        readonly=False,
    )
    outcome = fields.Selection(
        selection=[
            ("justified", "Justified"),
            ("partly", "Partly justified"),
            ("not_justified", "Not justified"),
        ],
        string="The complaint is",
    )
    remedy_kind = fields.Selection(selection=COMPLAINT_REMEDIES, string="Remedy")
    remedy_amount = fields.Monetary(string="Worth")
    remedy_note = fields.Text(string="In words")
    told_by = fields.Selection(selection=TOLD_BY, string="The customer was told")
    told_outside = fields.Boolean(
        string="He knows where else he can turn",
        help="An ombudsman, a chamber, a court: whoever is not content has to know.",
    )
    note = fields.Text(string="In a sentence")
    above_limit = fields.Boolean(compute="_compute_limit")
    limit_text = fields.Char(compute="_compute_limit")

    @api.model
    def default_get(self, fields):
        """Begin with what somebody asked to have decided."""
        values = super().default_get(fields)
        ticket = self.env["helpdesk.ticket"].browse(values.get("ticket_id") or [])
        asked = ticket.csp_complaint_asked
        if asked:
            values.update(
                outcome=asked.get("outcome"),
                remedy_kind=asked.get("kind"),
                remedy_amount=asked.get("amount") or 0.0,
                remedy_note=asked.get("note"),
            )
        return values

    @api.depends("ticket_id")
    def _compute_finding(self):
        for wizard in self:
            wizard.finding = wizard.ticket_id.csp_complaint_finding

    @api.depends("ticket_id", "step")
    def _compute_asks(self):
        for wizard in self:
            ticket, step = wizard.ticket_id, wizard.step
            closing = step == complaint.CLOSED
            decided = bool(ticket.csp_complaint_outcome)
            wizard.asks_decision = step == complaint.DECIDED or (
                closing and not decided
            )
            wizard.asks_told = step == complaint.TOLD or (
                closing and not ticket.csp_complaint_told_at
            )
            wizard.decision_text = (
                decided
                and step in (complaint.TOLD, complaint.CLOSED)
                and ticket._csp_decision_text(
                    ticket.csp_complaint_outcome,
                    ticket.csp_complaint_remedy_kind,
                    ticket.csp_complaint_remedy_amount,
                    ticket.csp_complaint_remedy_note,
                )
            )

    @api.depends("ticket_id", "remedy_amount", "asks_decision")
    def _compute_limit(self):
        Limit = self.env["csp.remedy.limit"]
        for wizard in self:
            company = wizard.company_id
            limit = Limit._limit_of(self.env.user, company) if company else None
            known = limit is not None and wizard.asks_decision
            wizard.above_limit = bool(
                known
                and company.currency_id.compare_amounts(wizard.remedy_amount, limit) > 0
            )
            wizard.limit_text = known and format_amount(
                self.env, limit, company.currency_id
            )

    def action_confirm(self):
        """Take the step, with who and when."""
        self.ensure_one()
        self.ticket_id.check_access("write")
        # sudo: helpdesk.ticket: checked above; facts are written by nobody
        ticket = self.ticket_id.sudo()
        if not ticket.csp_is_complaint:
            raise UserError(self.env._("%s is not a complaint.", ticket.display_name))
        getattr(self, f"_take_{self.step}")(ticket)
        close = {"type": "ir.actions.act_window_close"}
        if not self.stage_id or self.step != complaint.CLOSED:
            return close
        try:
            with self.env.cr.savepoint():
                self.ticket_id.stage_id = self.stage_id
        except (RedirectWarning, UserError):
            # Something else is asked before closing the ticket, and asked there: the
            # complaint stays closed.
            return {
                "type": "ir.actions.client",
                "tag": "display_notification",
                "params": {
                    "type": "info",
                    "message": self.env._(
                        "The complaint is closed. Close the ticket, too."
                    ),
                    "next": close,
                },
            }
        return close

    def action_ask(self):
        """Ask somebody who may settle so much to decide as written here."""
        self.ensure_one()
        self.ticket_id.check_access("write")
        # sudo: helpdesk.ticket: checked above; facts are written by nobody
        ticket = self.ticket_id.sudo()
        if not ticket._csp_is_open_complaint():
            raise UserError(self.env._("There is nothing to decide any more."))
        if not self.outcome:
            raise UserError(self.env._("Say whether the complaint is justified."))
        approver = ticket._csp_complaint_ask(
            {
                "outcome": self.outcome,
                "kind": self.remedy_kind,
                "amount": self.remedy_amount,
                "note": self.remedy_note or "",
            }
        )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("%s was asked to decide.", approver.name),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _take_investigated(self, ticket):
        finding = (self.finding or "").strip()
        if not finding:
            raise UserError(self.env._("Say what happened, and why: it is recorded."))
        ticket._csp_complaint_move(
            complaint.INVESTIGATED, {"csp_complaint_finding": finding}, text=finding
        )

    def _take_decided(self, ticket):
        ticket._csp_complaint_decide(
            self.outcome, self.remedy_kind, self.remedy_amount, self.remedy_note
        )

    def _take_told(self, ticket):
        if not self.told_by:
            raise UserError(self.env._("Say how the customer was told."))
        how = dict(self._fields["told_by"]._description_selection(self.env))
        text = how[self.told_by]
        if self.told_outside:
            text = self.env._("%(how)s; he knows where else he can turn", how=text)
        ticket._csp_complaint_move(complaint.TOLD, by=self.told_by, text=text)

    def _take_closed(self, ticket):
        if not ticket.csp_complaint_outcome:
            self._take_decided(ticket)
        if not ticket.csp_complaint_told_at:
            self._take_told(ticket)
        ticket._csp_complaint_close()

    def _take_withdrawn(self, ticket):
        if not ticket._csp_is_open_complaint():
            raise UserError(self.env._("The complaint is closed already."))
        ticket._csp_complaint_withdraw(self._sentence())

    def _take_reopened(self, ticket):
        if ticket._csp_is_open_complaint():
            raise UserError(self.env._("The complaint is open."))
        ticket._csp_complaint_reopen(self._sentence())

    def _sentence(self):
        note = (self.note or "").strip()
        if not note:
            raise UserError(self.env._("Say it in a sentence: it is recorded."))
        return note
