from odoo.tools import SQL

from .models.res_partner_lookup import fill_lookup


def pre_init_hook(env):
    """Add the columns of large tables with their values in one go.

    The ORM would compute them record by record; here a database with a million tickets
    is ready in seconds, and one with a million contacts in a minute.
    """
    env.cr.execute(
        """
        ALTER TABLE helpdesk_ticket
            ADD COLUMN IF NOT EXISTS csp_received_at timestamp,
            ADD COLUMN IF NOT EXISTS csp_last_contact_at timestamp,
            ADD COLUMN IF NOT EXISTS csp_reopen_count int4 DEFAULT 0,
            ADD COLUMN IF NOT EXISTS csp_handover_count int4 DEFAULT 0,
            ADD COLUMN IF NOT EXISTS csp_waiting_on varchar,
            ADD COLUMN IF NOT EXISTS csp_closed_as varchar,
            ADD COLUMN IF NOT EXISTS csp_closed_at timestamp,
            ADD COLUMN IF NOT EXISTS csp_seen_state varchar
        """
    )
    fill_lookup(env.cr)


def post_init_hook(env):
    """Give stages their meaning, and note how the existing tickets stand.

    They get no promise: nothing was promised to those customers. Their events are kept
    from now on.
    """
    env["helpdesk.ticket.stage"]._csp_set_shipped_meanings()
    env["helpdesk.ticket.channel"]._csp_setup()
    env.flush_all()
    env.cr.execute(
        SQL(
            """
            UPDATE helpdesk_ticket ticket
               SET csp_received_at = date_trunc('second', ticket.create_date),
                   csp_last_contact_at = date_trunc('second', ticket.create_date),
                   csp_waiting_on = CASE
                       WHEN ticket.active AND NOT COALESCE(stage.closed, FALSE)
                       THEN COALESCE(stage.csp_waiting_on, 'none') ELSE 'none' END,
                   csp_closed_as = CASE
                       WHEN NOT ticket.active THEN 'cancelled'
                       WHEN NOT COALESCE(stage.closed, FALSE) THEN NULL
                       WHEN ticket.duplicate_id IS NOT NULL THEN 'cancelled'
                       ELSE COALESCE(stage.csp_outcome, 'solved') END,
                   csp_closed_at = CASE
                       WHEN NOT ticket.active OR stage.closed
                       THEN date_trunc('second', COALESCE(
                           ticket.closed_date, ticket.last_stage_update,
                           ticket.write_date
                       )) END,
                   csp_seen_state = concat_ws(
                       '|', COALESCE(ticket.stage_id, 0), ticket.active::int,
                       (ticket.duplicate_id IS NOT NULL)::int,
                       COALESCE(ticket.user_id, 0)
                   )
              FROM helpdesk_ticket same
         LEFT JOIN helpdesk_ticket_stage stage ON stage.id = same.stage_id
             WHERE same.id = ticket.id AND ticket.csp_seen_state IS NULL
            """
        )
    )
    env["helpdesk.ticket"].invalidate_model()


def uninstall_hook(env):
    """What goes does not hold back what else goes: mail templates, groups, people."""
    env.cr.execute(
        r"""
        SELECT conrelid::regclass::text, conname
          FROM pg_constraint
         WHERE contype = 'f'
           AND confdeltype = 'r'
           AND (
                   conrelid::regclass::text LIKE 'csp\_%'
                OR conname LIKE '%\_csp\_%'
               )
        """
    )
    for table, name in env.cr.fetchall():
        env.cr.execute(
            SQL(
                "ALTER TABLE %s DROP CONSTRAINT %s",
                SQL.identifier(table),
                SQL.identifier(name),
            )
        )
