from odoo import api, models

from .protected import unless_uninstalled


class CspScorecardPart(models.AbstractModel):
    """A section or a criterion: written until its scorecard is used, never after.

    Whoever changes one, by whatever door, waits for whoever begins a review with it.
    """

    _name = "csp.scorecard.part"
    _description = "Part of a Scorecard"

    @api.model_create_multi
    def create(self, vals_list):
        parts = super().create(vals_list)
        parts.scorecard_id._begin_writing()
        return parts

    def write(self, vals):
        self.scorecard_id._begin_writing()
        result = super().write(vals)
        if "scorecard_id" in vals:
            self.scorecard_id._begin_writing()
        return result

    def unlink(self):
        return super(CspScorecardPart, unless_uninstalled(self)).unlink()

    def _update_field_translations(
        self, field_name, translations, digest=None, source_lang=""
    ):
        self.scorecard_id._begin_writing()
        return super()._update_field_translations(
            field_name, translations, digest=digest, source_lang=source_lang
        )

    def _load_records_write(self, values):
        if self.scorecard_id._left_as_it_is():
            return None
        return super()._load_records_write(values)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_frozen(self):
        self.scorecard_id._begin_writing()
