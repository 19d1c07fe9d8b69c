"""The customer card of somebody with 100,000 tickets."""

from harness import Row, in_turn, say

MANY = 100_000
CROWD, FEW = "Crowd", "Newcomer"
#: One ticket in so many is open, one is a complaint, one was rated.
OPEN, COMPLAINTS, RATED = 50, 100, 20


def rows(sides):
    """All of the card, beside what the partner form of helpdesk_mgmt counts."""
    say(f"Customer card: {MANY:,} tickets of one customer")
    compared = [sides["ours"], sides["alone"]]
    for side in compared:
        fill(side)

    def read(name):
        def work(env, _prepared):
            partner = env["res.partner"].search([("name", "=", name)])
            if "csp.commitment" in env.registry:
                partner.csp_card_data()
            else:
                partner.read(["helpdesk_ticket_count_string"])

        return work

    measured = in_turn(compared, read(CROWD))
    mine, its = measured["ours"], measured["alone"]
    few = in_turn([sides["ours"]], read(FEW))["ours"]
    yield Row(
        f"customer card, {MANY:,} tickets of the customer",
        "ticket counter of helpdesk_mgmt",
        f"{mine.ms:.0f} ms, {mine.count} queries",
        f"{its.ms:.0f} ms, {its.count} queries",
        f"{mine.ms / its.ms:.2f} x",
        "<= 1 x",
        mine.ms <= its.ms,
    )
    yield Row(
        "  the same",
        "itself, no tickets",
        f"{mine.ms:.0f} ms, {mine.count} queries",
        f"{few.ms:.0f} ms, {few.count} queries",
        f"+ {mine.ms - few.ms:.0f} ms, {mine.count - few.count:+d} queries",
        "",
    )


def fill(side):
    """Copies of the tickets in the database for one customer of a large company."""
    with side.env(commit=True) as env:
        if env["res.partner"].search_count([("name", "=", CROWD)]):
            return
        crowd = env["res.partner"].create(
            [
                {"name": name, "is_company": True, "country_id": env.ref("base.gr").id}
                for name in (CROWD, FEW)
            ]
        )[0]
        copy_tickets(env, crowd)
        if side.has_addon:
            add_facts(env, crowd)
        add_ratings(env, crowd)
    with side.registry.cursor() as cr:
        cr.connection.autocommit = True
        cr.execute("VACUUM ANALYZE")


def copy_tickets(env, crowd):
    env.cr.execute(
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_name = 'helpdesk_ticket' AND column_name <> 'id'"
    )
    columns = [name for (name,) in env.cr.fetchall()]
    values = {name: f'source."{name}"' for name in columns}
    values["partner_id"] = values["commercial_partner_id"] = str(crowd.id)
    values["number"] = "'C' || row_number() OVER ()"
    names = ", ".join(f'"{name}"' for name in columns)
    env.cr.execute(
        f"INSERT INTO helpdesk_ticket ({names}) SELECT {', '.join(values.values())} "
        "FROM (SELECT * FROM helpdesk_ticket ORDER BY id LIMIT 1000) source, "
        f"generate_series(1, {MANY // 1000})"
    )


def add_facts(env, crowd):
    """Spread over three years; of most the matter is settled."""
    env.cr.execute(
        f"""
        UPDATE helpdesk_ticket
           SET csp_received_at =
                   now() AT TIME ZONE 'UTC' - id %% 1000 * interval '1 day',
               csp_last_contact_at =
                   now() AT TIME ZONE 'UTC' - id %% 1000 * interval '23 hours',
               csp_is_complaint = id %% {COMPLAINTS} = 0,
               csp_closed_as = CASE WHEN id %% {OPEN} > 0 THEN 'solved' END,
               csp_next_deadline = CASE WHEN id %% {OPEN} = 0
                   THEN now() AT TIME ZONE 'UTC' + (id %% 100 - 50) * interval '1 hour'
                   END
         WHERE partner_id = %s
        """,
        [crowd.id],
    )
    env.cr.execute(
        """
        INSERT INTO csp_ticket_event (ticket_id, kind, at, partner_id)
        SELECT id, kind, csp_last_contact_at - back * interval '1 minute', %s
          FROM helpdesk_ticket,
               (VALUES ('staff_reply', 0), ('customer_message', 5), ('received', 60))
                    AS story(kind, back)
         WHERE partner_id = %s
        """,
        [crowd.id, crowd.id],
    )


def add_ratings(env, crowd):
    env.cr.execute(
        f"""
        INSERT INTO rating_rating (
            res_model, res_model_id, res_id, rating, rating_text, feedback, consumed,
            rated_on, write_date
        )
        SELECT 'helpdesk.ticket', %s, id, 5, 'top', 'Quick and friendly', TRUE,
               now() AT TIME ZONE 'UTC' - id %% 1000 * interval '1 day', now()
          FROM helpdesk_ticket
         WHERE partner_id = %s AND id %% {RATED} = 0
        """,
        [env["ir.model"]._get_id("helpdesk.ticket"), crowd.id],
    )
