from odoo import api, fields, models, tools


class HelpdeskTicketCategory(models.Model):
    _name = "helpdesk.ticket.category"
    _inherit = ["helpdesk.ticket.category", "csp.rule.source"]
    # A line for a category holds for its sub-categories.
    _csp_rule_fields = frozenset({"parent_id", "active", "csp_is_complaint"})

    csp_is_complaint = fields.Boolean(
        string="Requests of this kind are complaints",
        groups="base.group_user",
        help="A ticket becomes a complaint as soon as it gets this category or one "
        "below it. What was said on tickets before stays.",
    )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_named(self):
        self.env["csp.policy.line"]._refuse_if_named("category_ids", self)

    @api.model
    @tools.ormcache()
    def _csp_complaint_ids(self):
        """Ids of the categories whose tickets are complaints."""
        # sudo: helpdesk.ticket.category: the same for everybody, kept in memory
        categories = self.sudo().with_context(active_test=False)
        marked = categories.search([("csp_is_complaint", "=", True)])
        if not marked:
            return frozenset()
        return frozenset(categories.search([("id", "child_of", marked.ids)]).ids)
