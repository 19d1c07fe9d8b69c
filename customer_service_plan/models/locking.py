from odoo.tools import SQL


def one_at_a_time(records):
    """Let one transaction at a time work on these records, which have a `state`.

    Whoever comes second waits; when the first one commits he fails with a
    serialization error, and Odoo begins his request again with what was left to him.
    The rows are written for that, not only locked: after a lock alone he would go on
    with what he had read before, and publish words that somebody has changed since.
    """
    records.env.cr.execute(
        SQL(
            "UPDATE %s SET state = state WHERE id = ANY(%s)",
            SQL.identifier(records._table),
            records.ids,
        ),
        log_exceptions=False,
    )
