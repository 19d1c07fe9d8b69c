from odoo import api, fields, models


class CspHoursPart(models.AbstractModel):
    """A row of an hours table: what changes it changes when the table is open."""

    _name = "csp.hours.part"
    _description = "Part of Service Hours"
    #: Fields that decide when the table is open.
    _timeline_fields = frozenset()

    hours_id = fields.Many2one(
        comodel_name="csp.hours", required=True, index=True, ondelete="cascade"
    )

    @api.model_create_multi
    def create(self, vals_list):
        """Tell the tables, unless they are written as a whole just now."""
        parts = super().create(vals_list)
        if not self.env["csp.hours"]._is_part_of_change():
            parts.hours_id._hours_changed()
        return parts

    def write(self, vals):
        """Tell the tables before and after, unless nothing about their time changes."""
        is_part = self.env["csp.hours"]._is_part_of_change()
        if is_part or self._timeline_fields.isdisjoint(vals):
            return super().write(vals)
        hours = self.hours_id
        result = super().write(vals)
        (hours | self.hours_id)._hours_changed()
        return result

    def unlink(self):
        """Tell the tables, unless they are written as a whole just now."""
        hours = self.hours_id
        result = super().unlink()
        if not self.env["csp.hours"]._is_part_of_change():
            hours._hours_changed()
        return result
