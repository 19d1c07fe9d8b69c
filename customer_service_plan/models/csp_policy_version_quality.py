from odoo import api, models

from .csp_policy_version import WORTH_KNOWING, Finding


class CspPolicyVersion(models.Model):
    """By which scorecard the quality of what a version promises is reviewed."""

    _inherit = "csp.policy.version"

    @api.depends("scorecard_id.state")
    def _compute_finding_text(self):
        return super()._compute_finding_text()

    def _publishing_findings(self):
        findings = super()._publishing_findings()
        scorecard = self.scorecard_id
        if scorecard and not scorecard._current():
            findings.append(
                Finding(
                    WORTH_KNOWING,
                    self.env._(
                        "Its tickets are to be reviewed by “%s”, which is not in use.",
                        scorecard.name,
                    ),
                    scorecard,
                )
            )
        return findings
