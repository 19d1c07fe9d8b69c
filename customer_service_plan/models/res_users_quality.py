from odoo import fields, models

from ..tools.epoch import from_epoch


class ResUsers(models.Model):
    """Which day it is for somebody, by his own clock."""

    _inherit = "res.users"

    def _csp_day_of(self, seconds):
        """The day, in this user's time zone, of a moment in epoch seconds."""
        return self._csp_local_day(from_epoch(seconds))

    def _csp_today(self):
        """The present day in this user's time zone."""
        return self._csp_local_day(fields.Datetime.now())

    def _csp_local_day(self, moment):
        local = self.with_context(tz=self._csp_zone())
        return fields.Date.context_today(local, moment)
