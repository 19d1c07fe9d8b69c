"""Who is calling: looking up one customer among a million while somebody types."""

from harness import Row, in_turn, say

from odoo.tools import SQL

from odoo.addons.customer_service_plan.models.res_partner_lookup import fill_lookup

MANY = 1_000_000
REACH_MS = 300
#: Customers that are looked for; the rest of the million are made around them.
WANTED = "Ariadne Papadiamanti"
NUMBER = "+32 2 823.45.67"
#: What is typed, and what Odoo is asked for the same: its `name_search` knows names and
#: e-mail addresses, for numbers there is only the search for a part of the field.
QUESTIONS = (
    ("a number as it stands", NUMBER, ("phone", NUMBER)),
    ("the number nationally", "028234567", ("phone", "8234567")),
    ("its last four digits", "4567", ("phone", "4567")),
    ("its first digits", "02823", ("phone", "823")),
    ("a number nobody has", "+32 2 999.99.99", ("phone", "9999999")),
    ("a first name of thousands", "ariadne", ("name", "ariadne")),
    ("three letters", "ari", ("name", "ari")),
    ("two letters", "ar", ("name", "ar")),
    ("a surname", "papadiamanti", ("name", "papadiamanti")),
    ("name and surname", "ariadne papadiam", ("name", "ariadne papadiam")),
    ("a name nobody has", "xylophon", ("name", "xylophon")),
    ("an e-mail address", "caller777@example.com", ("name", "caller777@example.com")),
    ("the beginning of one", "caller777@", ("name", "caller777@")),
    ("a company", "harbour works 77", ("name", "harbour works 77")),
)


def rows(sides):
    """The slowest of each question beside Odoo's own searches on the same contacts."""
    say(f"Look-up: {MANY:,} contacts (some minutes)")
    side = sides["ours"]
    fill(side)

    def by_us(text):
        return lambda env, _: env["res.partner"].csp_lookup(text)

    def by_odoo(way, text):
        if way == "phone":
            return lambda env, _: env["res.partner"].search(
                [("phone", "ilike", text)], limit=8
            )
        return lambda env, _: env["res.partner"].name_search(text, limit=8)

    for what, text, (way, asked) in QUESTIONS:
        mine = in_turn([side], by_us(text), 9)["ours"]
        its = in_turn([side], by_odoo(way, asked), 3)["ours"]
        yield Row(
            f"look-up among {MANY:,}: {what}",
            "name_search" if way == "name" else "search in phone",
            f"{mine.ms:.0f} ms (at most {max(mine.times):.0f}), {mine.count} queries",
            f"{its.ms:.0f} ms",
            f"{its.ms / mine.ms:.1f} x faster",
            f"<= {REACH_MS} ms",
            mine.ms <= REACH_MS,
        )


def fill(side):
    """People and companies with numbers in several notations, by plain SQL."""
    with side.env(commit=True) as env:
        if env["res.partner"].search_count([("email", "=", "caller777@example.com")]):
            return
        # An installation fills the columns first and makes the indexes then.
        env.cr.execute(
            """
            SELECT indexname, indexdef FROM pg_indexes
             WHERE tablename = 'res_partner' AND indexname LIKE 'res_partner_csp_%'
            """
        )
        indexes = env.cr.fetchall()
        for name, _definition in indexes:
            env.cr.execute(SQL("DROP INDEX %s", SQL.identifier(name)))
        # As if these had been there before the addon, or came by an import in SQL.
        env.cr.execute(
            """
            INSERT INTO res_partner (
                name, complete_name, active, is_company, type, lang, email, phone,
                color, partner_share, create_uid, write_uid, create_date, write_date
            )
            SELECT name, name, TRUE, i %% 10 = 0, 'contact', 'en_US',
                   'caller' || i || '@example.com',
                   CASE i %% 4
                       WHEN 0 THEN '+32 2 ' || left(n, 3) || '.' || substr(n, 4, 2)
                                   || '.' || right(n, 2)
                       WHEN 1 THEN '+3069' || n || i %% 10
                       WHEN 2 THEN '0' || i %% 9 + 1 || '/' || n
                       ELSE '0039 06 ' || left(n, 4) || ' ' || right(n, 3)
                   END,
                   0, TRUE, 1, 1, now(), now()
              FROM generate_series(1, %s) i,
                   LATERAL (
                       SELECT lpad(((i::bigint * 7919) %% 10000000)::text, 7, '0'),
                              CASE WHEN i %% 10 = 0
                              THEN 'Harbour Works ' || i
                              ELSE (ARRAY[
                                  'Maria', 'Nikos', 'Ariadne', 'Giulia', 'Jonas',
                                  'Eleni', 'Marco', 'Ruta', 'Olga', 'Pieter'
                              ])[1 + i %% 10] || ' ' || initcap(translate(
                                  md5((i %% 20000)::text), '0123456789', 'aeiouaeiou'
                              )) END
                   ) made(n, name)
            """,
            [MANY],
        )
        env.cr.execute(
            "UPDATE res_partner SET commercial_partner_id = id "
            "WHERE commercial_partner_id IS NULL"
        )
        env["res.partner"].create({"name": WANTED, "phone": NUMBER})
        say("Filling what they are found by")
        fill_lookup(env.cr)
        for _name, definition in indexes:
            env.cr.execute(definition)
    with side.registry.cursor() as cr:
        cr.connection.autocommit = True
        cr.execute("VACUUM ANALYZE res_partner")
