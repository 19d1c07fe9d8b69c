from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools import lookup

#: So many are looked at to show the best of them.
POOL = 40
#: Whoever called among the last so many tickets comes first.
RECENT_TICKETS = 300
#: Shorter beginnings of words are in too many names for the index of words.
SHORTEST_WORD = 3
#: Fewer digits are in too many numbers to look for them in the middle.
SHORTEST_PART = 4
MOST_SHOWN = 50
WORDS_SQL = "array_to_tsvector(string_to_array(csp_lookup_text, ' '))"


class ResPartner(models.Model):
    """Who is calling? Contacts are found while somebody types what he hears.

    Two columns hold what contacts are found by, written alike however people write
    names and numbers; the indexes on them answer in a few milliseconds, whether there
    are a thousand contacts or a million.
    """

    _inherit = "res.partner"

    csp_lookup_text = fields.Char(
        string="Found By",
        compute="_compute_csp_lookup_text",
        store=True,
        copy=False,
        groups="base.group_user",
        help="Words of the name, e-mail addresses and reference, without accents.",
    )
    csp_phone_digits = fields.Char(
        string="Found By Number",
        compute="_compute_csp_phone_digits",
        store=True,
        copy=False,
        groups="base.group_user",
        help="The digits of the telephone number, without leading zeros.",
    )

    # Beginning of the name, any word of it, the last digits, digits anywhere.
    _csp_lookup_beginning = models.Index("(csp_lookup_text varchar_pattern_ops)")
    _csp_lookup_words = models.Index(f"USING gin ({WORDS_SQL})")
    _csp_phone_end = models.Index(
        "(reverse(csp_phone_digits) text_pattern_ops) "
        "WHERE csp_phone_digits IS NOT NULL"
    )
    _csp_phone_part = models.Index(
        lambda registry: (
            (
                "USING gin (csp_phone_digits gin_trgm_ops)"
                if registry.has_trigram
                # Then only the beginning is found, not what is in the middle.
                else "(csp_phone_digits varchar_pattern_ops)"
            )
            + " WHERE csp_phone_digits IS NOT NULL"
        )
    )

    @api.depends("complete_name", "email", "ref")
    def _compute_csp_lookup_text(self):
        for partner in self:
            partner.csp_lookup_text = lookup.lookup_text(
                partner.complete_name, partner.email, partner.ref
            )

    @api.depends("phone")
    def _compute_csp_phone_digits(self):
        for partner in self:
            partner.csp_phone_digits = lookup.phone_digits(partner.phone)

    # === Looking up ===

    @api.model
    @api.readonly
    def csp_lookup(self, text, limit=8):
        """Contacts and tickets that somebody may mean by what he typed.

        Only what the user may read. The same number or address comes first, then who
        begins like this, then whose last contact was latest; archived ones come last.

        :param str text: a telephone number in any notation or a part of it, words of a
            name or their beginnings, an e-mail address, a ticket number
        :param int limit: how many contacts at most
        :return: dict with ``customers``, ``tickets`` (that number exactly) and ``new``
            (name, phone and e-mail for a new contact, as typed)
        :raises AccessError: for anybody but staff
        """
        if not (self.env.su or self.env.user._is_internal()):
            raise AccessError(self.env._("Only staff looks up customers."))
        text = str(text or "")
        asked = lookup.parse(text)
        limit = min(max(int(limit), 1), MOST_SHOWN)
        # A customer whose contact is archived calls all the same.
        contacts = self.with_context(active_test=False)
        return {
            "customers": contacts._csp_lookup_contacts(asked, limit),
            "tickets": self.env["helpdesk.ticket"]._csp_lookup_tickets(text),
            "new": {"name": asked.name, "phone": asked.phone, "email": asked.email},
        }

    @api.model
    def _csp_lookup_contacts(self, asked, limit):
        if asked.is_empty:
            return []
        found = self.browse(self._csp_lookup_pool(asked, limit))
        names = [
            "name",
            "complete_name",
            "email",
            "phone",
            "city",
            "type",
            "active",
            "is_company",
            "commercial_company_name",
            "commercial_partner_id",
            "csp_lookup_text",
            "csp_phone_digits",
        ]
        found.fetch(names)
        latest = self.env["helpdesk.ticket"]._csp_latest_contacts(
            found.commercial_partner_id
        )
        ranked = []
        for partner in found:
            rank, by = partner._csp_lookup_rank(asked)
            if not by:
                continue
            last = latest.get(partner.commercial_partner_id.id, 0)
            is_address = partner.type not in ("contact", False)
            name = partner.csp_lookup_text or ""
            key = (not partner.active, rank, -last, is_address, len(name), name)
            ranked.append((key, partner.id, partner, by))
        ranked.sort(key=lambda row: row[:2])
        return [
            partner._csp_lookup_result(by) for _key, _id, partner, by in ranked[:limit]
        ]

    def _csp_lookup_result(self, by):
        company = self.commercial_company_name
        return {
            "id": self.id,
            "entity": self.commercial_partner_id.id,
            "name": self.name or self.display_name,
            "company": company if company != self.name else False,
            "email": self.email or False,
            "phone": self.phone or False,
            "city": self.city or False,
            "is_company": self.is_company,
            "archived": not self.active,
            "by": by,
        }

    def _csp_lookup_rank(self, asked):
        """How well this contact answers, from 0, and by what (empty: not at all)."""
        if asked.email and asked.email.casefold() in (
            lookup.emails_of(self.csp_lookup_text)
        ):
            return 0, "email"
        number = 3
        if asked.digits and self._csp_is_named(asked.name_words):
            number = lookup.same_number(self.csp_phone_digits, asked.digits)
        if number == 0:
            return 0, "phone"
        if self._csp_is_named(asked.words):
            typed, own = " ".join(asked.words), lookup.words_of(self.name)
            begins = (self.csp_lookup_text or "").startswith(typed)
            if begins or " ".join(own).startswith(typed):
                return 1, "name"
            return min(number, 2), "email" if asked.email else "name"
        return number, "phone" if number < 3 else ""

    def _csp_is_named(self, words):
        text = f" {self.csp_lookup_text or ''}"
        return all(f" {word}" in text for word in words)

    @api.model
    def _csp_lookup_pool(self, asked, limit):
        """Ids of contacts that answer; each way to them is one short query."""
        names = _named_so(asked.words)
        ends = Domain.FALSE
        if asked.digits:
            ends = _ends_with(asked.digits) & _named_so(asked.name_words)
        pool = dict.fromkeys(self._csp_lookup_ids(ends) if asked.digits else ())
        recent = self.env["helpdesk.ticket"]._csp_recent_contacts()
        if recent:
            answer = names | ends
            if asked.digits:
                answer |= _has_digits(asked.digits) & _named_so(asked.name_words)
            among = Domain("id", "in", recent) & answer
            pool.update(dict.fromkeys(self._csp_lookup_ids(among)))
        beginning = self._csp_lookup_ids(_begins_with(" ".join(asked.words)))
        pool.update(dict.fromkeys(beginning))
        long_words = [word for word in asked.words if len(word) >= SHORTEST_WORD]
        if long_words and len(beginning) < limit:
            has_words = _has_words(long_words) & names
            pool.update(dict.fromkeys(self._csp_lookup_ids(has_words)))
        if len(asked.digits) >= SHORTEST_PART and len(pool) < limit:
            part = self._csp_digits_inside(asked.digits)
            part &= _named_so(asked.name_words)
            pool.update(dict.fromkeys(self._csp_lookup_ids(part)))
        return list(pool)

    @api.model
    def _csp_lookup_ids(self, domain):
        # Without an order: who sorts by name reads all that begin with an A.
        query = self._search(domain, limit=POOL)
        return [id_ for (id_,) in self.env.execute_query(query.select())]

    @api.model
    def _csp_digits_inside(self, digits):
        """Numbers with these digits at another place than the end."""
        if self.env.registry.has_trigram:
            return _has_digits(digits)
        code = self.env.company.country_id.phone_code
        beginnings = [digits, f"{code}{digits}"] if code else [digits]
        return Domain.OR(
            _custom("csp_phone_digits", "%s LIKE %s", f"{beginning}%")
            for beginning in beginnings
        )


def fill_lookup(cr, packet=20000):
    """Add the columns that contacts are found by, and fill them for all contacts.

    For installation and update: the ORM would go through a million contacts one by
    one. Indexes are made afterwards, in one go.
    """
    cr.execute(
        """
        ALTER TABLE res_partner
            ADD COLUMN IF NOT EXISTS csp_lookup_text varchar,
            ADD COLUMN IF NOT EXISTS csp_phone_digits varchar
        """
    )
    last = 0
    while True:
        cr.execute(
            """
            SELECT id, COALESCE(complete_name, name), email, ref, phone
              FROM res_partner WHERE id > %s ORDER BY id LIMIT %s
            """,
            [last, packet],
        )
        rows = cr.fetchall()
        if not rows:
            break
        last = rows[-1][0]
        cr.execute(
            """
            UPDATE res_partner partner
               SET csp_lookup_text = new.text, csp_phone_digits = new.digits
              FROM unnest(%s::int[], %s::varchar[], %s::varchar[])
                   AS new(id, text, digits)
             WHERE partner.id = new.id
            """,
            [
                [row[0] for row in rows],
                [lookup.lookup_text(*row[1:4]) for row in rows],
                [lookup.phone_digits(row[4]) for row in rows],
            ],
        )


# === Conditions, as the indexes know them ===


def _custom(name, condition, value):
    def to_sql(model, alias, query):
        # The condition is one of the constants below.
        return SQL(condition, model._field_to_sql(alias, name, query), value)

    return Domain.custom(to_sql=to_sql)


def _begins_with(text):
    return _custom("csp_lookup_text", "%s LIKE %s", f"{_escaped(text)}%")


def _has_words(words):
    """Contacts with words that begin so, by the index of words."""
    lexemes = " & ".join(
        "'{}':*".format(word.replace("\\", "\\\\").replace("'", "''")) for word in words
    )
    return _custom(
        "csp_lookup_text",
        "array_to_tsvector(string_to_array(%s, ' ')) @@ %s::tsquery",
        lexemes,
    )


def _named_so(words):
    """The same by looking at each: for the few that other conditions leave."""
    return Domain.AND(
        _custom("csp_lookup_text", "' ' || %s LIKE %s", f"% {_escaped(word)}%")
        for word in words
    )


def _ends_with(digits):
    end = digits[-lookup.COMPARED_DIGITS :][::-1]
    return _custom("csp_phone_digits", "reverse(%s) LIKE %s", f"{end}%")


def _has_digits(digits):
    return _custom("csp_phone_digits", "%s LIKE %s", f"%{digits}%")


def _escaped(text):
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
