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
        parts._csp_versions()._begin_writing()
        return parts

    def write(self, vals):
        self._csp_versions()._begin_writing()
        result = super().write(vals)
        if self._csp_version_path.split(".")[0] in vals:
            self._csp_versions()._begin_writing()
        return result

    def _update_field_translations(
        self, field_name, translations, digest=None, source_lang=""
    ):
        self._csp_versions()._begin_writing()
        return super()._update_field_translations(
            field_name, translations, digest=digest, source_lang=source_lang
        )

    def _load_records_write(self, values):
        if self._csp_versions()._left_as_it_is():
            return None
        return super()._load_records_write(values)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_frozen(self):
        self._csp_versions()._begin_writing()
