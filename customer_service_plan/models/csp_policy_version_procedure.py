from odoo import api, fields, models
from odoo.fields import Command

from .csp_policy_version import WORTH_KNOWING, Finding


class CspPolicyVersion(models.Model):
    """What a version says about how to work, beside what it promises."""

    _inherit = "csp.policy.version"

    procedure_ids = fields.One2many(
        comodel_name="csp.procedure",
        inverse_name="version_id",
        string="Procedures",
        copy=True,
    )
    coverage_ids = fields.One2many(
        comodel_name="csp.coverage",
        inverse_name="version_id",
        copy=True,
    )

    @api.depends("procedure_ids.step_ids", "procedure_ids.channel_ids")
    @api.depends("procedure_ids.category_ids")
    def _compute_finding_text(self):
        return super()._compute_finding_text()

    def _prepare_draft_values(self):
        values = super()._prepare_draft_values()
        values["procedure_ids"] = self.procedure_ids._prepare_copy_values()
        values["coverage_ids"] = [
            Command.create(vals) for vals in self.coverage_ids.copy_data()
        ]
        return values

    def _publishing_findings(self):
        return super()._publishing_findings() + [
            Finding(WORTH_KNOWING, text) for text in self._procedure_findings()
        ]

    def _procedure_findings(self):
        """Texts on procedures that nobody would follow, or ever see."""
        texts = []
        seen = {}
        for procedure in self.procedure_ids.sorted(
            lambda procedure: (procedure.sequence, procedure.id or 0)
        ):
            if not procedure.step_ids:
                texts.append(
                    self.env._("“%s” has no steps yet.", procedure.name or "…")
                )
            key = (
                frozenset(procedure.channel_ids.ids),
                frozenset(procedure.category_ids.ids),
            )
            if key in seen:
                texts.append(
                    self.env._(
                        "“%(procedure)s” is never shown: “%(earlier)s” stands before "
                        "it and is for the same contacts.",
                        procedure=procedure.name or "…",
                        earlier=seen[key].name or "…",
                    )
                )
            else:
                seen[key] = procedure
        return texts
