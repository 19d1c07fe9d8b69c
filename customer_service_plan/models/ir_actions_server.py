from odoo import models


class IrActionsServer(models.Model):
    _inherit = "ir.actions.server"

    def run(self):
        # A message that an automation posts keeps nobody's promise. Scheduled
        # actions are server actions too, but among them is the one that fetches
        # the customers' mails.
        # sudo: ir.actions.server: only reads what kind of action this is
        scheduled = "ir_cron" in self.sudo().mapped("usage")
        if scheduled or self.env.context.get("csp_silent"):
            return super().run()
        result = super(IrActionsServer, self.with_context(csp_silent=True)).run()
        # What the user does in a window that the action opens is his own doing.
        if isinstance(result, dict) and isinstance(result.get("context"), dict):
            context = result["context"]
            result["context"] = {k: context[k] for k in context if k != "csp_silent"}
        return result
