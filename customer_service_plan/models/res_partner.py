from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL


class Memberships(fields.Many2many):
    """Links between contacts and segments, without foreign keys.

    For each new row those would lock the contact and the segment, which is most of the
    work where hundreds of thousands come in at once (7 times the time, measured with
    400,000). Rows are deleted with their contact or segment by the methods of these,
    and what else is left over, for instance by a database cascade, every night.
    """

    def update_db_foreign_keys(self, model):
        """Have none."""

    def _condition_to_sql_relational(self, model, alias, exists, coquery, query):
        sql = super()._condition_to_sql_relational(model, alias, exists, coquery, query)
        # The table is not one of a model, so nothing else has it brought up to date.
        return SQL("%s", sql, to_flush=self)


class ResPartner(models.Model):
    """Customers know the segments they are in.

    What rules say is worked out when somebody asks, or at the latest when the change
    is saved, for all changed contacts together.
    """

    _inherit = "res.partner"

    csp_segment_ids = Memberships(
        comodel_name="csp.segment",
        relation="csp_segment_res_partner_rel",
        column1="partner_id",
        column2="segment_id",
        string="Customer Segments",
        compute="_compute_csp_segment_ids",
        store=True,
        readonly=False,
        copy=False,
        groups="base.group_user",
        help="What is promised to a customer may depend on these.",
    )

    def _compute_csp_segment_ids(self):
        # Without declared dependencies: the rules say at runtime what they look at.
        real = self.browse(id_ for id_ in self.ids if isinstance(id_, int))
        for partner in self - real:
            partner.csp_segment_ids = partner._origin.csp_segment_ids
        self.env["csp.segment"]._sort_partners(real)

    @api.model_create_multi
    def create(self, vals_list):
        given = "default_csp_segment_ids" in self.env.context or any(
            vals.get("csp_segment_ids") for vals in vals_list
        )
        if given:
            self._csp_check_may_segment()
        partners = super().create(vals_list)
        if given:
            partners._csp_refuse_ruled_segments({})
        partners._csp_segments_outdated()
        return partners

    def write(self, vals):
        given = "csp_segment_ids" in vals
        if given:
            self._csp_check_may_segment()
            before = self._csp_ruled_segments()
        result = super().write(vals)
        if given:
            self._csp_refuse_ruled_segments(before)
            self._csp_forget_members()
        if not self.env["csp.segment"]._segmentation().watched.isdisjoint(vals):
            self._csp_segments_outdated(inheriting=True)
        # Policies begin at midnight in the time zone of the company's address.
        if "tz" in vals:
            # sudo: res.company: only whether these are addresses of companies
            companies = self.env["res.company"].sudo()
            if companies.search_count([("partner_id", "in", self.ids)], limit=1):
                self.env["csp.policy"]._csp_rules_changed()
        return result

    def unlink(self):
        ids = self.ids
        result = super().unlink()
        self._csp_forget_memberships(partner_ids=ids)
        return result

    def _compute_field_value(self, field):
        result = super()._compute_field_value(field)
        # What follows from other contacts, for instance from the parent.
        if field.store and field.name != "csp_segment_ids":
            watched = self.env["csp.segment"]._segmentation().watched
            if field.name in watched:
                self._csp_segments_outdated()
        return result

    @api.model
    def _csp_forget_memberships(self, partner_ids=(), segment_ids=()):
        """Delete who was in which segment, for contacts or segments that are gone."""
        self.env.cr.execute(
            """
            DELETE FROM csp_segment_res_partner_rel
             WHERE partner_id = ANY(%s) OR segment_id = ANY(%s)
            """,
            [list(partner_ids), list(segment_ids)],
        )

    @api.autovacuum
    def _gc_csp_memberships(self):
        """Delete memberships whose contact or segment went without its `unlink`."""
        self.env.cr.execute(
            """
            DELETE FROM csp_segment_res_partner_rel rel
             WHERE NOT EXISTS (SELECT FROM res_partner p WHERE p.id = rel.partner_id)
                OR NOT EXISTS (SELECT FROM csp_segment s WHERE s.id = rel.segment_id)
            """
        )

    def _csp_segments_outdated(self, inheriting=False):
        """Have the segments of these contacts worked out anew before they are used.

        :param bool inheriting: also for the contacts of the companies among these
        """
        segmentation = self.env["csp.segment"]._segmentation()
        partners = self.browse(id_ for id_ in self.ids if isinstance(id_, int))
        if not segmentation.segments or not partners:
            return
        inheriting = inheriting and segmentation.inherits
        if inheriting and any(partners.mapped("is_company")):
            # sudo: res.partner: contacts belong where their company does
            partners |= (
                partners.sudo()
                .with_context(active_test=False)
                .search([("commercial_partner_id", "in", partners.ids)])
            )
        self.env.add_to_compute(self._fields["csp_segment_ids"], partners)
        self._csp_forget_members()

    @api.model
    def _csp_forget_members(self):
        self.env["csp.segment"].invalidate_model(
            ["member_count", "partner_ids", "preview"], flush=False
        )

    @api.model
    def _csp_check_may_segment(self):
        """Whoever may write contacts must not thereby promise them more."""
        user = self.env.user
        if not (self.env.su or user.has_group("customer_service_plan.group_manager")):
            raise AccessError(
                self.env._(
                    "Only a service plan manager says which segments a customer is in."
                )
            )

    def csp_segments_why(self, segment_ids=None):
        """Why this customer is in a segment or not, rule by rule.

        :param segment_ids: only these segments; by default all that the user sees
        :return: dict as the dialog shows it; what only readers of profiles may know is
            left out for others
        :raises AccessError: when the user may not read the customer
        """
        self.ensure_one()
        self.check_access("read")
        asked = Domain("id", "in", segment_ids) if segment_ids else Domain.TRUE
        segments = self.env["csp.segment"].search(asked)
        company = self.commercial_partner_id
        return {
            "partner": self.display_name,
            "company": company.name
            if company != self and company.is_company
            else False,
            "profile_hidden": not self.env.user.has_group(
                "customer_service_plan.group_profile"
            ),
            "segments": segments._explain(self),
        }

    def _csp_ruled_segments(self):
        """By id of contact, the segments whose rules put it there."""
        return {
            partner.id: partner.csp_segment_ids.filtered("has_rules")
            for partner in self
        }

    def _csp_refuse_ruled_segments(self, before):
        """Refuse what was put by hand into or out of a segment kept by rules.

        :param dict before: what `_csp_ruled_segments` said before
        """
        for partner_id, ruled in self._csp_ruled_segments().items():
            known = before.get(partner_id, ruled.browse())
            moved = (ruled - known) | (known - ruled)
            if moved:
                moved._refuse_by_hand(moved)
