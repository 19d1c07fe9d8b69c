from odoo import api, models


class CspVersionPart(models.AbstractModel):
    """A part of what a policy version says: written while it is a draft, never after.

    Whoever changes a part, by whatever door, waits for whoever publishes the version.
    """

    _name = "csp.version.part"
    _inherit = ["csp.rule.source"]
    _description = "Part of a Policy Version"

    #: How the version of a part is reached.
    _csp_version_path = "version_id"

    def _csp_versions(self):
        return self.mapped(self._csp_version_path)

    @api.model_create_multi
    def create(self, vals_list):
        parts = super().create(vals_list)
        parts._csp_versions()._refuse_unless_draft()
        return parts

    def write(self, vals):
        self._csp_versions()._refuse_unless_draft()
        result = super().write(vals)
        if self._csp_version_path.split(".")[0] in vals:
            self._csp_versions()._refuse_unless_draft()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_frozen(self):
        self._csp_versions()._refuse_unless_draft()
