from odoo.addons.customer_service_plan.models.res_partner_lookup import fill_lookup


def migrate(cr, version):
    """Contacts get the columns by which they are found, all in large packets."""
    fill_lookup(cr)
