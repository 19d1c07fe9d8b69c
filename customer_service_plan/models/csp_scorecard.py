import logging

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import clean_context

from .locking import one_at_a_time
from .protected import BY_ADDON, is_by_addon, unless_uninstalled

_logger = logging.getLogger(__name__)

#: Fields that only the actions of a scorecard write.
LIFE_FIELDS = frozenset({"version", "first_id", "state", "is_used"})
#: What a scorecard says: written until it is used, never after. Which contacts it fits
#: may change: that gives no mark another meaning.
CONTENT_FIELDS = frozenset(
    {"name", "description", "company_id", "section_ids", "criterion_ids"}
)


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
    is_used = fields.Boolean(
        string="Reviewed with",
        readonly=True,
        copy=False,
        help="A review was begun with it: it does not change any more.",
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
        tracking=True,
        help="Empty: written and spoken ones.",
    )
    channel_ids = fields.Many2many(
        comodel_name="helpdesk.ticket.channel",
        relation="csp_scorecard_channel_rel",
        column1="scorecard_id",
        column2="channel_id",
        ondelete="restrict",
        string="Channels",
        tracking=True,
        context={"active_test": False},
        help="Empty: every channel of the kind.",
    )
    section_ids = fields.One2many(
        comodel_name="csp.scorecard.section",
        inverse_name="scorecard_id",
        string="Sections",
        copy=False,
    )
    criterion_ids = fields.One2many(
        comodel_name="csp.scorecard.criterion",
        inverse_name="scorecard_id",
        string="Criteria",
        copy=False,
    )
    total_weight = fields.Integer(compute="_compute_totals")
    criterion_count = fields.Integer(string="Points to mark", compute="_compute_totals")
    is_editable = fields.Boolean(compute="_compute_is_editable")

    _version_unique = models.UniqueIndex(
        "(COALESCE(first_id, id), version)",
        "This version of the scorecard exists already.",
    )
    _one_draft = models.UniqueIndex(
        "(COALESCE(first_id, id)) WHERE state = 'draft'",
        "The next version of this scorecard is being written already. Work on that.",
    )
    _one_in_use = models.UniqueIndex(
        "(COALESCE(first_id, id)) WHERE state = 'in_use'",
        "Another version of this scorecard is in use.",
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

    @api.depends("criterion_ids.weight")
    def _compute_totals(self):
        for scorecard in self:
            criteria = scorecard.criterion_ids
            scorecard.total_weight = sum(criteria.mapped("weight"))
            scorecard.criterion_count = len(criteria)

    @api.depends("is_used", "state")
    def _compute_is_editable(self):
        for scorecard in self:
            scorecard.is_editable = (
                not scorecard.is_used and scorecard.state != "retired"
            )

    @api.constrains("company_id", "first_id")
    def _check_company_of_family(self):
        for scorecard in self:
            if len({one.company_id for one in scorecard._family()}) > 1:
                raise ValidationError(
                    self.env._(
                        "All versions of “%s” belong to the same company.",
                        scorecard.name,
                    )
                )

    # === Writing, until it is used ===

    @api.model_create_multi
    def create(self, vals_list):
        # Data of addons, and demo data, come with scorecards that are in use.
        if not (is_by_addon(self.env) or self.env.su):
            for vals in vals_list:
                taken = LIFE_FIELDS.intersection(vals) - {"state"}
                if taken or vals.get("state", "draft") != "draft":
                    self._refuse_life_fields()
        clean = self.with_context(clean_context(self.env.context))
        scorecards = super(CspScorecard, clean).create(vals_list)
        scorecards.filtered("section_ids")._number_criteria()
        return scorecards.with_env(self.env)

    def write(self, vals):
        if not is_by_addon(self.env):
            if not LIFE_FIELDS.isdisjoint(vals):
                self._refuse_life_fields()
            if not CONTENT_FIELDS.isdisjoint(vals):
                self._begin_writing()
        result = super().write(vals)
        if not {"section_ids", "criterion_ids"}.isdisjoint(vals):
            self._number_criteria()
        return result

    def copy(self, default=None):
        copies = super().copy(default=default)
        for scorecard, copied in zip(self, copies, strict=True):
            scorecard._copy_parts(copied)
        return copies

    def copy_data(self, default=None):
        vals_list = super().copy_data(default=default)
        if default and "name" in default:
            return vals_list
        return [
            {**vals, "name": self.env._("%s (copy)", scorecard.name)}
            for scorecard, vals in zip(self, vals_list, strict=True)
        ]

    def unlink(self):
        return super(CspScorecard, unless_uninstalled(self)).unlink()

    def _update_field_translations(
        self, field_name, translations, digest=None, source_lang=""
    ):
        if field_name in CONTENT_FIELDS:
            self._begin_writing()
        return super()._update_field_translations(
            field_name, translations, digest=digest, source_lang=source_lang
        )

    def _load_records_write(self, values):
        if self._left_as_it_is():
            return None
        return super()._load_records_write(values)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_draft(self):
        one_at_a_time(self)
        if self.filtered(lambda one: one.state != "draft" or one.is_used):
            raise UserError(
                self.env._(
                    "A scorecard that is, or was, in use stays. Retire and archive it "
                    "instead: nobody is offered it any more."
                )
            )

    def _copy_parts(self, copied):
        """Give a copy the sections and criteria of this scorecard, in its order."""
        self.ensure_one()
        sections = self.section_ids.sorted(lambda one: (one.sequence, one.id))
        new_sections = sections.copy({"scorecard_id": copied.id})
        section_of = dict(zip(sections.ids, new_sections.ids, strict=True))
        is_version = bool(copied.first_id)
        criteria = self._criteria_in_order()
        new_criteria = criteria.copy({"scorecard_id": copied.id, "section_id": False})
        for criterion, new in zip(criteria, new_criteria, strict=True):
            vals = {"section_id": section_of.get(criterion.section_id.id, False)}
            if is_version:
                vals["origin_id"] = criterion._first().id
            new.with_context(csp_by_addon=BY_ADDON).write(vals)

    def _number_criteria(self):
        """Number the criteria as they are shown, section by section.

        Where they are listed without sections, they stand in the same order.
        """
        for scorecard in self:
            for place, criterion in enumerate(scorecard._criteria_in_order(), 1):
                if criterion.sequence != 10 * place:
                    criterion.sequence = 10 * place

    def _begin_writing(self):
        """Refuse to change what marks were given by, or what is out of use."""
        one_at_a_time(self)
        frozen = self.filtered(lambda one: not one.is_editable)
        if frozen:
            raise UserError(
                self.env._(
                    "Reviews were begun with “%(scorecard)s”, or it is retired: it "
                    "stays as it is. Make a new version and change that.",
                    scorecard=frozen[0].display_name,
                )
            )

    def _left_as_it_is(self):
        """Those of these that the data files of an addon must leave alone.

        They would change what marks mean. An update of that addon goes on without them.
        """
        if not self.env.context.get("install_mode"):
            return self.browse()
        frozen = self.filtered(lambda one: not one.is_editable)
        for scorecard in frozen:
            _logger.info("%s is used: its data are left as they are", scorecard)
        return frozen

    def _refuse_life_fields(self):
        raise UserError(
            self.env._(
                "The state of a scorecard changes by its buttons only: use, new "
                "version, retire."
            )
        )

    def _note_use(self):
        """From now on these do not change: a review is begun with them."""
        # sudo: csp.scorecard: only that it is used
        fresh = self.sudo().filtered(lambda one: not one.is_used)
        if fresh:
            # The row is written: whoever changes a criterion meanwhile is refused.
            fresh._by_addon().write({"is_used": True})

    def _by_addon(self):
        return self.with_context(csp_by_addon=BY_ADDON)

    # === Versions ===

    def _family(self):
        """All versions of the same scorecard, archived ones, too."""
        self.ensure_one()
        first = self.first_id or self
        # sudo: csp.scorecard: versions of one family belong to one company
        Scorecard = self.sudo().with_context(active_test=False)
        return Scorecard.search(
            Domain("id", "=", first.id) | Domain("first_id", "=", first.id)
        ).sudo(self.env.su)

    def _current(self):
        """The version of this scorecard that is in use, or none."""
        self.ensure_one()
        if self.state == "in_use":
            return self
        return self._family().filtered(lambda one: one.state == "in_use")

    def action_use(self):
        """New reviews are begun with it from now on; the version before is retired.

        :raises UserError: where it is no draft, or nothing in it counts
        """
        self.check_access("write")
        for scorecard in self:
            family = scorecard._family()
            one_at_a_time(family)
            if scorecard.state != "draft":
                raise UserError(
                    self.env._("“%s” is no draft any more.", scorecard.display_name)
                )
            scorecard._check_usable()
            older = family.filtered(lambda one: one.state == "in_use")
            older._by_addon().write({"state": "retired"})
            # The index on what is in use sees one after the other.
            older.flush_recordset(["state"])
            scorecard._by_addon().write({"state": "in_use", "active": True})
        return True

    def _check_usable(self):
        self.ensure_one()
        if not self.criterion_ids:
            raise UserError(
                self.env._(
                    "There is nothing to mark in “%s” yet: add its criteria.", self.name
                )
            )
        if not sum(self.criterion_ids.mapped("weight")):
            raise UserError(
                self.env._(
                    "No criterion of “%s” has a weight: no review would have a score.",
                    self.name,
                )
            )
        bare = self.section_ids - self.criterion_ids.section_id
        if bare:
            raise UserError(
                self.env._(
                    "There is no criterion in the section “%s”. Add one, or remove the "
                    "section.",
                    bare[0].name,
                )
            )

    def action_new_version(self):
        """Begin the next version as a copy of this one, or open the one begun.

        :return: action that opens it
        """
        self.ensure_one()
        self.check_access("write")
        family = self._family()
        # The index on drafts is to see what has just been put in use.
        family.flush_recordset(["state"])
        one_at_a_time(family)
        draft = family.filtered(lambda one: one.state == "draft")
        if not draft:
            first = self.first_id or self
            draft = self._by_addon().copy(
                {
                    "name": self.name,
                    "first_id": first.id,
                    "version": max(family.mapped("version")) + 1,
                }
            )
            self.copy_translations(draft, excluded={"section_ids", "criterion_ids"})
        elif not draft.active:
            draft.active = True
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": draft.id,
            "views": [(False, "form")],
        }

    def action_retire(self):
        """No new review is begun with it; those begun are finished.

        :raises UserError: where it is not in use
        """
        self.check_access("write")
        one_at_a_time(self)
        if self.filtered(lambda one: one.state != "in_use"):
            raise UserError(self.env._("Only a scorecard in use can be retired."))
        self._by_addon().write({"state": "retired"})
        return True

    # === Which one fits ===

    @api.model
    def _for_tickets(self, tickets):
        """Which scorecard fits each of these tickets.

        What the ticket's policy version names, in the version that is in use; else the
        first in use that fits its channel.

        :return: ``{ticket: scorecard}``, an empty one where none fits
        """
        # sudo: csp.scorecard: which one fits, whoever asks, and from whatever list
        Scorecard = self.sudo().with_context(active_test=True)
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
        return self._fits_contact(ticket.company_id, ticket.channel_id)

    def _fits_contact(self, company, channel):
        """Whether contacts of a company on a channel are reviewed by it."""
        self.ensure_one()
        if self.company_id and self.company_id != company:
            return False
        if self.channel_ids:
            return channel in self.channel_ids
        return not self.contact_kind or self.contact_kind == channel._csp_contact_kind()
