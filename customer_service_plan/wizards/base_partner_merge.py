from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        """Join the profiles before links are moved: a contact has one at most."""
        self._csp_merge_profiles(src_partners, dst_partner)
        result = super()._update_foreign_keys(src_partners, dst_partner)
        self._csp_merge_memberships(src_partners, dst_partner)
        self.env["helpdesk.ticket"]._csp_contact_merged(src_partners, dst_partner)
        dst_partner._csp_trial_customers_moved()
        return result

    def _csp_merge_memberships(self, sources, target):
        """Put `target` by hand where any of `sources` was; rules say the rest anew."""
        self.env.cr.execute(
            """
            INSERT INTO csp_segment_res_partner_rel (partner_id, segment_id)
            SELECT DISTINCT %s, rel.segment_id
              FROM csp_segment_res_partner_rel rel
              JOIN csp_segment segment ON segment.id = rel.segment_id
             WHERE rel.partner_id = ANY(%s) AND segment.has_rules IS NOT TRUE
                ON CONFLICT DO NOTHING
            """,
            [target.id, sources.ids],
        )
        target.invalidate_recordset(["csp_segment_ids"], flush=False)
        target._csp_segments_outdated(inheriting=True)

    @api.model
    def _csp_merge_profiles(self, sources, target):
        """Leave one profile, of `target`, that knows what any of them knew."""
        # sudo: csp.customer.profile: whoever may merge contacts need not see what is
        # known of them; nothing of it is shown.
        Profile = self.env["csp.customer.profile"].sudo()
        profiles = Profile.search([("partner_id", "in", (sources | target).ids)])
        kept = profiles.filtered(lambda profile: profile.partner_id == target)
        others = profiles - kept
        if not others:
            return
        if not kept and len(others) == 1:
            others.partner_id = target
            return
        if not kept:
            kept = Profile.create({"partner_id": target.id, "keep_until": False})
        kept._absorb(others)
