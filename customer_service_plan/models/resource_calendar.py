from odoo import models


class ResourceCalendar(models.Model):
    _inherit = "resource.calendar"

    def write(self, vals):
        result = super().write(vals)
        # Where a company's address has no time zone, policies begin in this one.
        if "tz" in vals:
            self.env["csp.policy"]._csp_rules_changed()
        return result
