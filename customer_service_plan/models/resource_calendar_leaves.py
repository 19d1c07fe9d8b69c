from odoo import api, models

CLOSURE_FIELDS = {
    "date_from",
    "date_to",
    "resource_id",
    "time_type",
    "calendar_id",
    "company_id",
}


class ResourceCalendarLeaves(models.Model):
    _inherit = "resource.calendar.leaves"

    def _csp_get_hours(self):
        """Return the hours tables that are closed by some of these leaves."""
        if all(leave.resource_id for leave in self):
            return self.env["csp.hours"]
        # sudo: csp.hours: who keeps the company's closures need not see the tables
        # that follow them; they are only told that they changed.
        tables = (
            self.env["csp.hours"]
            .sudo()
            .with_context(active_test=False)
            .search([("follow_company_closures", "=", True)])
        )
        leaves = self.sudo()
        return tables.filtered(
            lambda hours: leaves.filtered_domain(hours._get_closure_domain())
        )

    @api.model_create_multi
    def create(self, vals_list):
        """Tell the hours tables that follow a closure about it."""
        leaves = super().create(vals_list)
        leaves._csp_get_hours()._hours_changed()
        return leaves

    def write(self, vals):
        """Tell the hours tables that follow a closure about it."""
        if not CLOSURE_FIELDS & vals.keys():
            return super().write(vals)
        hours = self._csp_get_hours()
        result = super().write(vals)
        (hours | self._csp_get_hours())._hours_changed()
        return result

    def unlink(self):
        """Tell the hours tables that follow a closure about it."""
        hours = self._csp_get_hours()
        result = super().unlink()
        hours._hours_changed()
        return result
