from odoo import api, models
from odoo.exceptions import AccessError
from odoo.tools import clean_context

from odoo.addons.base.models.ir_model import MODULE_UNINSTALL_FLAG

#: Whoever holds this object in the context under `csp_by_addon` is code of this addon:
#: a context that comes in by RPC is made of plain data and can never hold it.
BY_ADDON = object()


def is_by_addon(env):
    """Whether the addon itself writes, not a user, a program or another addon."""
    return env.context.get("csp_by_addon") is BY_ADDON


def unless_uninstalled(records):
    """The records, with their checks on deletion, unless this addon is uninstalled.

    The flag in the context that switches the checks off may come in by RPC, or from
    another addon that is updated or uninstalled.
    """
    if not records.env.context.get(MODULE_UNINSTALL_FLAG):
        return records
    # sudo: ir.module.module: only the state of this addon is looked at
    module = records.env["ir.module.module"].sudo()
    found = module.search_fetch([("name", "=", "customer_service_plan")], ["state"])
    if found.state == "to remove":
        return records
    return records.with_context(**{MODULE_UNINSTALL_FLAG: False})


class CspProtected(models.AbstractModel):
    """Records that only the addon writes: facts, and what is derived from them.

    The database still removes them together with the ticket they belong to.
    """

    _name = "csp.protected"
    _description = "Record Written by the Service Plan Only"

    def _refuse_unless_by_addon(self):
        if not is_by_addon(self.env):
            raise AccessError(
                self.env._(
                    "%(model)s: these records are written by the service plan itself "
                    "and cannot be changed by hand.",
                    model=self.env["ir.model"]._get(self._name).name,
                )
            )

    @api.model_create_multi
    def create(self, vals_list):
        self._refuse_unless_by_addon()
        # Defaults that somebody sends along would be facts of his own.
        clean = self.with_context(clean_context(self.env.context))
        records = super(CspProtected, clean).create(vals_list)
        return records.with_env(self.env)

    def write(self, vals):
        self._refuse_unless_by_addon()
        return super().write(vals)

    def unlink(self):
        return super(CspProtected, unless_uninstalled(self)).unlink()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_by_addon(self):
        self._refuse_unless_by_addon()
