from lxml import html
from markupsafe import Markup, escape

from odoo import api, fields, models, tools
from odoo.tools import email_normalize, is_html_empty

from .protected import BY_ADDON

#: Reached, by whatever way.
TOLD = ("told", "to_do", "same_address")
#: Not reached, and nobody will try again.
NOT_TOLD = ("no_email", "unwanted", "bounced", "archived", "failed", "too_late")


class CspPilotParticipation(models.Model):
    """Who was told of a trial, when, and by which mail.

    One row for each person. The mail belongs to it, so that the answer, which mail
    programs refer to it, comes back here and becomes a comment. Nothing that is posted
    here ever goes out to anybody, and nothing of the trial's own discussion can be
    reached from it.
    """

    _name = "csp.pilot.participation"
    _inherit = ["csp.protected", "mail.thread"]
    _description = "Who Was Told of a Trial"
    _order = "id desc"
    _mail_post_access = "read"

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
        string="As staff",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="Staff who take part; empty for customers.",
    )
    name = fields.Char(readonly=True, help="As it was when the row was made.")
    email = fields.Char(string="E-mail", readonly=True, index="btree_not_null")
    state = fields.Selection(
        selection=[
            ("to_tell", "To be told"),
            ("told", "Told"),
            ("to_do", "Told by a to-do"),
            ("same_address", "Told at the same address"),
            ("no_email", "Has no e-mail address"),
            ("unwanted", "Wants no mail"),
            ("bounced", "Mail does not arrive"),
            ("archived", "Archived"),
            ("failed", "The mail could not be written"),
            ("too_late", "Trial ended before"),
        ],
        required=True,
        readonly=True,
        default="to_tell",
    )
    told_at = fields.Datetime(string="Told on", readonly=True)
    message_id = fields.Many2one(
        comodel_name="mail.message",
        string="Mail",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )

    # For the texts of the mails
    until_text = fields.Char(compute="_compute_until_text")
    change_text = fields.Text(compute="_compute_change_text")

    _person_unique = models.UniqueIndex(
        "(pilot_id, partner_id) WHERE partner_id IS NOT NULL",
        "This person already takes part in the trial.",
    )
    _waiting = models.Index("(pilot_id) WHERE state = 'to_tell'")

    @api.depends("pilot_id.date_end")
    @api.depends_context("lang")
    def _compute_until_text(self):
        for row in self:
            row.until_text = tools.format_datetime(
                self.env, row.pilot_id.date_end, tz=row.company_id._csp_tz()
            )

    @api.depends("user_id", "pilot_id.customer_text", "pilot_id.staff_text")
    @api.depends_context("lang")
    def _compute_change_text(self):
        for row in self:
            pilot = row.pilot_id
            text = pilot.staff_text if row.user_id else pilot.customer_text
            if not text and row.user_id:
                text = pilot.version_id.change_summary
            if not text and not row.user_id:
                text = pilot._promises_to_customer(row.partner_id)
            row.change_text = text or pilot._promises_text()

    # === Answers ===

    def message_subscribe(self, partner_ids=None, subtype_ids=None):
        """Nobody follows these: they are not discussed."""
        return True

    def _notify_get_recipients(self, message, msg_vals=False, **kwargs):
        """What comes in here goes out to nobody."""
        return []

    def _message_post_after_hook(self, message, msg_values):
        result = super()._message_post_after_hook(message, msg_values)
        # Only the mail gateway gets here with such rights: a user could post a message
        # in a customer's name.
        if (
            message.message_type == "email"
            and self.env.su
            and not self.env.context.get("csp_automatic_mail")
            and not is_html_empty(message.body)
        ):
            self._keep_comment(message)
        return result

    def _keep_comment(self, message):
        """Keep an answer as a comment of whoever sent it.

        Of the address that was written to it is by the person of this row, even if
        others share it. A mail that was passed on may be answered by somebody unknown:
        that is a comment of his, not of the person who was told.
        """
        self.ensure_one()
        author = message.author_id
        if email_normalize(message.email_from) == self.email:
            author = self.partner_id or author
        # sudo: res.users: whether the answer is from a colleague
        user = author.sudo().user_ids.filtered(lambda each: not each.share)[:1]
        self.pilot_id._add_comment(
            _without_quotes(message.body),
            source="staff" if user else "customer",
            participation_id=self.id,
            partner_id=author.id,
            user_id=user.id,
            author_name=author.name or message.email_from,
            date=message.date,
        )

    def _message_receive_bounce(self, email, partner):
        """The mail came back: who it was for was not told."""
        result = super()._message_receive_bounce(email, partner)
        told = self.filtered(lambda row: row.state == "told")
        told.with_context(csp_by_addon=BY_ADDON).write({"state": "bounced"})
        return result


def _without_quotes(body):
    """What somebody wrote, without the mail that he answered."""
    root = html.fragment_fromstring(body, create_parent="div")
    for quoted in root.xpath("//*[@data-o-mail-quote]"):
        quoted.drop_tree()
    rest = escape(root.text or "") + Markup("").join(
        Markup(html.tostring(child, encoding="unicode")) for child in root
    )
    return body if is_html_empty(rest) else rest
