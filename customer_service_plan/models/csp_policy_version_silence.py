from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..tools.silence import SILENCE_FIELDS
from .csp_policy_version import WORTH_KNOWING, Finding


class CspPolicyVersion(models.Model):
    """What a policy says about customers who do not answer our questions."""

    _inherit = "csp.policy.version"

    remind_after_minutes = fields.Integer(
        string="Remind the customer after",
        aggregator=None,
        help="Opening minutes without an answer while a ticket waits for the customer. "
        "0: never.",
    )
    close_after_minutes = fields.Integer(
        string="Then close after",
        aggregator=None,
        help="Opening minutes from the reminder, or from our question where nobody is "
        "reminded. 0: never.",
    )
    remind_template_id = fields.Many2one(
        comodel_name="mail.template",
        string="Reminder",
        domain="[('model', '=', 'helpdesk.ticket')]",
        default=lambda self: self._default_remind_template_id(),
        ondelete="restrict",
        help="The e-mail that reminds the customer. Empty: the one that comes with the "
        "service plan.",
    )
    close_template_id = fields.Many2one(
        comodel_name="mail.template",
        string="Notice of closing",
        domain="[('model', '=', 'helpdesk.ticket')]",
        default=lambda self: self._default_close_template_id(),
        ondelete="restrict",
        help="The e-mail that tells the customer. Empty: the one that comes with the "
        "service plan.",
    )
    close_stage_id = fields.Many2one(
        comodel_name="helpdesk.ticket.stage",
        string="Closed in stage",
        domain="[('closed', '=', True), ('company_id', 'in', [company_id, False])]",
        ondelete="restrict",
        help="Whether the promise counts as kept then is said by the stage. Empty: the "
        "first stage of the ticket's team that closes as cancelled, since silence "
        "proves no solution.",
    )

    _silence_positive = models.Constraint(
        "CHECK(COALESCE(remind_after_minutes, 0) >= 0"
        " AND COALESCE(close_after_minutes, 0) >= 0)",
        "A time without an answer cannot be negative.",
    )

    def _default_remind_template_id(self):
        return self._csp_silence_template("remind")

    def _default_close_template_id(self):
        return self._csp_silence_template("close")

    @api.model
    def _csp_silence_template(self, step):
        """The mail that comes with the addon for "remind" or "close"."""
        template = self.env.ref(
            f"customer_service_plan.mail_template_silence_{step}",
            raise_if_not_found=False,
        )
        return template or self.env["mail.template"]

    @api.constrains("close_stage_id")
    def _check_close_stage_id(self):
        for version in self:
            stage = version.close_stage_id
            if stage and not stage.closed:
                raise ValidationError(
                    self.env._(
                        "“%(stage)s” is no closing stage: a ticket cannot be closed in "
                        "it.",
                        stage=stage.name,
                    )
                )

    def _prepare_draft_values(self):
        values = super()._prepare_draft_values()
        for name in SILENCE_FIELDS:
            field = self._fields[name]
            values[name] = field.convert_to_write(self[name], self)
        return values

    def _publishing_findings(self):
        findings = super()._publishing_findings()
        if self.close_after_minutes and not self.remind_after_minutes:
            findings.append(
                Finding(
                    WORTH_KNOWING,
                    self.env._(
                        "Tickets are closed without a reminder when the customer does "
                        "not answer."
                    ),
                )
            )
        return findings
