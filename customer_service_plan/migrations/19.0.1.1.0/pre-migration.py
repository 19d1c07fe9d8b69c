def migrate(cr, version):
    """Memberships of segments have no foreign keys any more (see `Memberships`)."""
    cr.execute(
        """
        ALTER TABLE csp_segment_res_partner_rel
            DROP CONSTRAINT IF EXISTS csp_segment_res_partner_rel_partner_id_fkey,
            DROP CONSTRAINT IF EXISTS csp_segment_res_partner_rel_segment_id_fkey
        """
    )
