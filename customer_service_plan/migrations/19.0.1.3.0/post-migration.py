from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Versions published before get the words and the fingerprint that are kept since;
    drafts have an author."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    env["csp.policy.version"]._adopt_earlier()
