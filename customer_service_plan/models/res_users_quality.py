from odoo import fields, models
from odoo.exceptions import UserError

from ..tools.epoch import from_epoch


class ResUsers(models.Model):
    """Who reviews, and which day it is for somebody by his own clock."""

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

    def _csp_check_reviewer(self):
        """Make sure that these people can open the reviews they are given.

        :raises UserError: for somebody archived or without the rights of a reviewer
        """
        for user in self:
            # sudo: res.users: only whether he is there and reviews
            known = user.sudo()
            if not known.active or not known.has_group(
                "customer_service_plan.group_reviewer"
            ):
                raise UserError(self.env._("%s is no reviewer.", known.name))
