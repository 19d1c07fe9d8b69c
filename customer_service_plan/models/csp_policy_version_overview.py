from odoo import api, fields, models
from odoo.fields import Domain


class CspPolicyVersion(models.Model):
    """Where a version stands, for lists of versions."""

    _inherit = "csp.policy.version"

    is_coming = fields.Boolean(
        compute="_compute_state_text",
        help="Published, and not in force yet.",
    )
    state_text = fields.Char(string="Stands at", compute="_compute_state_text")
    may_approve = fields.Boolean(search="_search_may_approve")

    @api.depends("state", "in_force_from", "policy_id.current_version_id")
    @api.depends_context("lang")
    def _compute_state_text(self):
        now = fields.Datetime.now()
        labels = dict(self._fields["state"]._description_selection(self.env))
        for version in self:
            published = version.state == "published"
            version.is_coming = bool(
                published and version.in_force_from and version.in_force_from > now
            )
            if version.is_coming:
                text = self.env._(
                    "From %s", version._document_date(version.in_force_from)
                )
            elif published:
                text = self.env._("In force")
            elif version.state == "pilot":
                text = self.env._("On trial")
            else:
                text = labels.get(version.state, "")
            version.state_text = text

    def _search_may_approve(self, operator, value):
        if operator != "in":
            return NotImplemented
        waiting = self.search([("state", "=", "in_review")]).filtered("may_approve")
        domain = Domain("id", "in", waiting.ids)
        return domain if True in value else ~domain
