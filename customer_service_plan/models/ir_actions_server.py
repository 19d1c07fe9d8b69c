from contextlib import contextmanager
from contextvars import ContextVar

from odoo import models

#: Set while a server action runs: an automation, a scheduled action, a menu entry.
#: Unlike a key of the context it cannot be sent along by RPC.
_AUTOMATIC = ContextVar("csp_automatic", default=False)


@contextmanager
def _automatic():
    token = _AUTOMATIC.set(True)
    try:
        yield
    finally:
        _AUTOMATIC.reset(token)


def is_automatic():
    """Whether a server action is at work, not a person himself."""
    return _AUTOMATIC.get()


class IrActionsServer(models.Model):
    _inherit = "ir.actions.server"

    def run(self):
        # A message that an automation posts keeps nobody's promise. Scheduled
        # actions are server actions too, but among them is the one that fetches
        # the customers' mails.
        # sudo: ir.actions.server: only reads what kind of action this is
        scheduled = "ir_cron" in self.sudo().mapped("usage")
        with _automatic():
            if scheduled or self.env.context.get("csp_silent"):
                return super().run()
            result = super(IrActionsServer, self.with_context(csp_silent=True)).run()
        # What the user does in a window that the action opens is his own doing.
        if isinstance(result, dict) and isinstance(result.get("context"), dict):
            context = result["context"]
            result["context"] = {k: context[k] for k in context if k != "csp_silent"}
        return result
