from odoo import models


class IrActionsServer(models.Model):
    _inherit = "ir.actions.server"

    def run(self):
        """While an automation works, nobody can be asked: it gives its name as reason.

        Kept with the cursor: what is in the context could be sent by anybody.
        """
        cache = self.env.cr.cache
        outer = cache.get("csp_automation")
        # sudo: ir.actions.server: only what it is called
        names = ", ".join(self.sudo().mapped("name"))
        cache["csp_automation"] = self.env._("Automation: %s", names)
        try:
            return super().run()
        finally:
            cache["csp_automation"] = outer
