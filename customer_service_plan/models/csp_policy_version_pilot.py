from odoo import api, fields, models
from odoo.exceptions import UserError

from .csp_policy_version import NEEDS_REASON, Finding
from .protected import BY_ADDON


class CspPolicyVersion(models.Model):
    """A version that is tried on some before it holds for everybody."""

    _inherit = "csp.policy.version"

    pilot_ids = fields.One2many(
        comodel_name="csp.pilot", inverse_name="version_id", string="Trials"
    )
    pilot_count = fields.Integer(compute="_compute_pilot_count")

    @api.depends("pilot_ids")
    def _compute_pilot_count(self):
        counts = dict(
            self.env["csp.pilot"]._read_group(
                domain=[("version_id", "in", self.ids)],
                groupby=["version_id"],
                aggregates=["__count"],
            )
        )
        for version in self:
            version.pilot_count = counts.get(version._origin, 0)

    def action_try_out(self):
        """Prepare a trial of this version, or open the one there is."""
        self.ensure_one()
        Pilot = self.env["csp.pilot"]
        pilot = Pilot.search([("version_id", "=", self.id)], limit=1)
        if pilot:
            return pilot._get_records_action()
        Pilot.check_access("create")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Trial of %s", self.display_name),
            "res_model": "csp.pilot",
            "views": [(False, "form")],
            "context": {"default_version_id": self.id},
        }

    def _check_approved(self):
        decided = self.env.context.get("csp_trial_decided") is BY_ADDON
        if self.state == "pilot" and not decided:
            raise UserError(
                self.env._(
                    "%(version)s is on trial: decide there whether it is adopted.",
                    version=self.display_name,
                )
            )
        return super()._check_approved()

    def _publishing_findings(self):
        findings = super()._publishing_findings()
        # sudo: csp.pilot: a trial in another company counts, too
        others = (
            self.env["csp.pilot"]
            .sudo()
            .search(
                [
                    ("policy_id", "=", self.policy_id.id),
                    ("version_id", "!=", self.id),
                    ("state", "=", "running"),
                ]
            )
        )
        findings += [
            Finding(
                NEEDS_REASON,
                self.env._(
                    "“%s” is running: what it is compared with would change meanwhile.",
                    pilot.name,
                ),
            )
            for pilot in others
        ]
        return findings
