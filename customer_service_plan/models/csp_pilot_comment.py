from odoo import api, fields, models
from odoo.tools import html2plaintext


class CspPilotComment(models.Model):
    """What somebody who took part said about a version on trial.

    Customers answer the mail that told them; staff write it in a dialog. Nobody changes
    it afterwards.
    """

    _name = "csp.pilot.comment"
    _inherit = ["csp.protected"]
    _description = "Comment on a Trial"
    _order = "date desc, id desc"

    pilot_id = fields.Many2one(
        comodel_name="csp.pilot",
        string="Trial",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        related="pilot_id.company_id", store=True, index=True, readonly=True
    )
    participation_id = fields.Many2one(
        comodel_name="csp.pilot.participation",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="Whose mail was answered.",
    )
    source = fields.Selection(
        selection=[("customer", "Customer"), ("staff", "Staff")],
        string="From",
        required=True,
        readonly=True,
    )
    date = fields.Datetime(required=True, readonly=True)
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Who",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    author_name = fields.Char(
        string="Name", readonly=True, help="As it was when he said it."
    )
    body = fields.Html(string="Comment", required=True, readonly=True)
    text = fields.Text(string="What was said", compute="_compute_text")

    @api.depends("body")
    def _compute_text(self):
        for comment in self:
            comment.text = html2plaintext(comment.body or "").strip()

    def _source_text(self):
        return dict(self._fields["source"]._description_selection(self.env))[
            self.source
        ]
