from odoo import fields, models


class CspPilotParticipation(models.Model):
    """Who was told of a trial, when, and by which mail.

    One row for each person. The mail belongs to it, so that the answer, which mail
    programs refer to it, comes back here and becomes a comment; nothing of the trial's
    own discussion can be reached from it.
    """

    _name = "csp.pilot.participation"
    _inherit = ["csp.protected"]
    _description = "Who Was Told of a Trial"
    _order = "id desc"

    pilot_id = fields.Many2one(
        comodel_name="csp.pilot",
        string="Trial",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        related="pilot_id.company_id", store=True, index=True, readonly=True
    )
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
        help="Staff who take part; empty for customers.",
    )
    name = fields.Char(readonly=True, help="As it was when the row was made.")
    email = fields.Char(string="E-mail", readonly=True)
    state = fields.Selection(
        selection=[
            ("to_tell", "To be told"),
            ("told", "Told"),
            ("to_do", "Told by a to-do"),
            ("no_email", "Has no e-mail address"),
            ("unwanted", "Wants no mail"),
            ("bounced", "Mail does not arrive"),
            ("same_address", "Told at the same address"),
            ("too_late", "Trial ended before"),
        ],
        required=True,
        readonly=True,
        default="to_tell",
        index=True,
    )
    told_at = fields.Datetime(string="Told on", readonly=True)
    message_id = fields.Many2one(
        comodel_name="mail.message",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )

    _person_unique = models.UniqueIndex(
        "(pilot_id, partner_id) WHERE partner_id IS NOT NULL",
        "This person already takes part in the trial.",
    )
