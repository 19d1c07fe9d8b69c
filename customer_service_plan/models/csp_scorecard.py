from odoo import api, fields, models
from odoo.fields import Domain


class CspScorecard(models.Model):
    """What a quality review looks at, and how much each point counts.

    A record is one version of a scorecard. Once a review was begun with it, it never
    changes: marks would mean something else. Whoever wants it different makes a new
    version, and figures tell the two apart.
    """

    _name = "csp.scorecard"
    _inherit = ["mail.thread"]
    _description = "Scorecard"
    _order = "sequence, name, version desc, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    version = fields.Integer(default=1, readonly=True, copy=False, aggregator=None)
    first_id = fields.Many2one(
        comodel_name="csp.scorecard",
        string="First version",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
        help="Empty on the first version itself.",
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        index="btree_not_null",
        ondelete="cascade",
        help="Empty: for every company.",
    )
    state = fields.Selection(
        selection=[
            ("draft", "Draft"),
            ("in_use", "In use"),
            ("retired", "Retired"),
        ],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
        help="New reviews are begun with scorecards in use only.",
    )
    description = fields.Text(
        string="What it is for",
        translate=True,
        help="In a sentence: which contacts it fits, and what it wants to achieve.",
    )
    contact_kind = fields.Selection(
        selection=[
            ("written", "Written contacts"),
            ("spoken", "Spoken contacts"),
        ],
        string="Fits",
        help="Empty: written and spoken ones.",
    )
    channel_ids = fields.Many2many(
        comodel_name="helpdesk.ticket.channel",
        relation="csp_scorecard_channel_rel",
        column1="scorecard_id",
        column2="channel_id",
        string="Channels",
        context={"active_test": False},
        help="Empty: every channel of the kind.",
    )
    section_ids = fields.One2many(
        comodel_name="csp.scorecard.section",
        inverse_name="scorecard_id",
        string="Sections",
        copy=True,
    )
    criterion_ids = fields.One2many(
        comodel_name="csp.scorecard.criterion",
        inverse_name="scorecard_id",
        string="Criteria",
        copy=True,
    )

    @api.depends("name", "version")
    def _compute_display_name(self):
        for scorecard in self:
            name = scorecard.name or ""
            scorecard.display_name = (
                self.env._(
                    "%(name)s, version %(number)s",
                    name=name,
                    number=scorecard.version,
                )
                if scorecard.version > 1
                else name
            )

    @api.model
    def _for_tickets(self, tickets):
        """Which scorecard fits each of these tickets.

        What the ticket's policy version names, in the version that is in use; else the
        first in use that fits its channel.

        :return: ``{ticket: scorecard}``, an empty one where none fits
        """
        # sudo: csp.scorecard: which one fits, whoever asks
        Scorecard = self.sudo()
        in_use = Scorecard.search(Domain("state", "=", "in_use"))
        by_family = {}
        for scorecard in in_use:
            by_family[scorecard.first_id or scorecard] = scorecard
        found = {}
        for ticket in tickets:
            named = ticket.csp_policy_version_id.scorecard_id
            scorecard = by_family.get(named.first_id or named, Scorecard)
            if not scorecard:
                scorecard = in_use.filtered(
                    lambda one, ticket=ticket: one._fits(ticket)
                )[:1]
            found[ticket] = scorecard.sudo(False)
        return found

    def _criteria_in_order(self):
        """Criteria as they are shown: by section, those without one first."""
        self.ensure_one()
        return self.criterion_ids.sorted(
            lambda one: (one.section_sequence, one.section_id.id, one.sequence, one.id)
        )

    def _fits(self, ticket):
        self.ensure_one()
        if self.company_id and self.company_id != ticket.company_id:
            return False
        channel = ticket.channel_id
        if self.channel_ids:
            return channel in self.channel_ids
        return not self.contact_kind or self.contact_kind == channel._csp_contact_kind()
