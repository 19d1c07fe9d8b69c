from collections.abc import Collection
from typing import NamedTuple

from dateutil.relativedelta import relativedelta
from psycopg2 import Error as DatabaseError

from odoo import SUPERUSER_ID, api, fields, models, tools
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, Query, safe_eval

from ..tools import segmenting
from .csp_commitment import CONFLICTS
from .csp_segment import CODES, PRIVATE_RULES, READ_BY

#: What each rule with a choice of values looks at: of the contact, or of its profile.
PLACE_TARGETS = {"country_ids": "country_id", "state_ids": "state_id"}
PROFILE_TARGETS = {
    "genders": "gender",
    "education_level_ids": "education_level_id",
    "purchasing_powers": "purchasing_power",
    "tier_ids": "tier_id",
    "criterion_ids": "criterion_ids",
}
CHOICE_TARGETS = {**PLACE_TARGETS, **PROFILE_TARGETS}
#: Conditions may speak of today, as Odoo's own filters do.
CONDITION_WORDS = {
    "datetime": safe_eval.datetime,
    "time": safe_eval.time,
    "relativedelta": relativedelta,
}
#: Operators that compare a column with a value.
PLAIN_OPERATORS = frozenset(
    (
        "in",
        "not in",
        "=",
        "!=",
        "<",
        ">",
        "<=",
        ">=",
        "like",
        "ilike",
        "=like",
        "=ilike",
    )
    + ("not like", "not ilike", "not =like", "not =ilike")
)
#: So many fitting customers are counted while a segment is edited.
PREVIEW_LIMIT = 100_000
SAMPLE_SIZE = 5


class SegmentRules(NamedTuple):
    """The rules of one segment, in memory. Ids are database ids, 0 for none."""

    id: int
    company: int
    inherits: bool
    #: By rule, its values.
    choices: dict[str, tuple]
    age_min: int
    age_max: int
    #: As it was written, empty for none.
    condition: str
    #: What contacts fit by themselves, not through their company, on one day.
    domain: Domain | None = None
    #: Why there is no such domain, for people.
    error: str = ""
    #: The same as SQL on `res_partner` and its `csp_customer_profile`, where it asks
    #: nothing else and so does not change during the day.
    where: SQL | None = None


class Segmentation(NamedTuple):
    """All segments that are kept by rules, in memory."""

    segments: tuple[SegmentRules, ...]
    #: Fields of a contact whose change may move it into or out of a segment.
    watched: frozenset[str]
    inherits: bool


NO_SEGMENTATION = Segmentation((), frozenset(), False)


class CspSegment(models.Model):
    """What the rules of segments mean."""

    _inherit = "csp.segment"

    # === Rules in memory ===

    @api.model
    def _segmentation(self):
        """All segments kept by rules that can be used: `Segmentation`."""
        return self._segmentation_on(fields.Date.today())

    @api.model
    @tools.ormcache("day")
    def _segmentation_on(self, day):
        """What `_segmentation` gives on a day: ages and relative dates change."""
        # sudo: csp.segment: who is in a segment does not depend on who looks
        segments = self.sudo().search(
            [("has_rules", "=", True), ("is_broken", "=", False)]
        )
        if not segments:
            return NO_SEGMENTATION
        compiled = tuple(
            self._with_where(rules) if rules.domain is not None else rules
            for rules in (segment._compiled() for segment in segments)
        )
        inherits = any(rules.inherits for rules in compiled)
        return Segmentation(compiled, self._watched_fields(compiled), inherits)

    def _compiled(self):
        """The rules of this segment as plain data, also while it is being edited."""
        self.ensure_one()
        rules = SegmentRules(
            id=self._origin.id or 0,
            company=self.company_id._origin.id or 0,
            inherits=self.inherit_from_company,
            choices={
                name: split
                for name in CHOICE_TARGETS
                if (
                    split := segmenting.split_codes(self[name])
                    if name in CODES
                    else tuple(self[name]._origin.ids)
                )
            },
            age_min=self.age_min or 0,
            age_max=self.age_max or 0,
            condition=self._written_condition(),
        )
        try:
            domain = self._rules_domain(rules).optimize(self.env["res.partner"])
            return rules._replace(domain=domain)
        except Exception as error:
            return rules._replace(error=first_line(error))

    def _written_condition(self):
        """The further condition as it was written, empty where it asks nothing."""
        text = (self.partner_domain or "").strip()
        return "" if text.replace(" ", "") in ("", "[]") else text

    @api.model
    def _watched_fields(self, compiled):
        """Fields of contacts that the rules look at, and those these follow from."""
        asked = {"active", "company_id"}
        for rules in compiled:
            asked.update(
                target
                for name, target in PLACE_TARGETS.items()
                if name in rules.choices
            )
            if rules.inherits:
                asked.update(("is_company", "parent_id", "commercial_partner_id"))
            if rules.condition and rules.domain is not None:
                condition = self._parse_condition(rules.condition)
                asked.update(
                    leaf.field_expr.split(".")[0]
                    for leaf in condition.iter_conditions()
                )
        partner_fields = self.env["res.partner"]._fields
        return frozenset(
            name
            for name, field in partner_fields.items()
            if name in asked
            or any(
                dependent.model_name == "res.partner" and dependent.name in asked
                for dependent in self.pool.get_dependent_fields(field)
            )
        )

    # === Rules as domains ===

    @api.model
    def _parse_condition(self, text):
        """The domain that a further condition means.

        :raises ValueError: what is wrong with it, for people
        """
        today = fields.Date.context_today(self)
        try:
            paths = segmenting.asked_paths(text)
            value = safe_eval.safe_eval(
                text, {**CONDITION_WORDS, "context_today": lambda: today}
            )
            domain = Domain(value)
        except Exception as error:
            raise ValueError(
                self.env._("It cannot be read: %(error)s", error=first_line(error))
            ) from error
        if any("csp_segment_ids" in path.split(".") for path in paths):
            raise ValueError(
                self.env._("A segment cannot ask for the segments of a customer.")
            )
        return domain

    @api.model
    def _choice_domain(self, rules, name):
        return Domain(CHOICE_TARGETS[name], "in", list(rules.choices[name]))

    @api.model
    def _age_domain(self, rules, today):
        """Profiles whose every possible birthday gives an age within the limits."""
        after, until = segmenting.birthday_bounds(rules.age_min, rules.age_max, today)
        domain = Domain.TRUE
        if after:
            domain &= Domain("born_from", ">", after)
        if until:
            domain &= Domain("born_to", "<=", until)
        return domain & Domain("born_from", "!=", False)

    @api.model
    def _rules_domain(self, rules):
        """Contacts that fit all rules by themselves, not through their company.

        :raises ValueError: when the further condition cannot be used
        """
        domain, profile = self._own_domain(rules), self._profile_domain(rules)
        if profile.is_true():
            return domain
        return domain & Domain("csp_profile_ids", "any!", profile)

    @api.model
    def _own_domain(self, rules):
        """What the rules ask of a contact itself."""
        domain = Domain("active", "=", True)
        if rules.company:
            domain &= Domain("company_id", "in", [False, rules.company])
        for name in PLACE_TARGETS:
            if name in rules.choices:
                domain &= self._choice_domain(rules, name)
        if rules.condition:
            domain &= self._parse_condition(rules.condition)
        return domain

    @api.model
    def _profile_domain(self, rules):
        """What the rules ask of a contact's profile; true for nothing."""
        domain = Domain.TRUE
        for name in PROFILE_TARGETS:
            if name in rules.choices:
                domain &= self._choice_domain(rules, name)
        if rules.age_min or rules.age_max:
            domain &= self._age_domain(rules, fields.Date.today())
        return domain

    @api.model
    def _with_where(self, rules):
        """The rules with their SQL, if that can be kept for the day.

        To make it anew for each changed contact would take longer than to ask it.
        """
        partners = self._partners_as_seen_by(rules.company)
        asked = [
            (partners, self._own_domain(rules)),
            (partners.env["csp.customer.profile"], self._profile_domain(rules)),
        ]
        parts = []
        try:
            for model, domain in asked:
                domain = domain.optimize(model)
                if not all(_is_plain(model, leaf) for leaf in domain.iter_conditions()):
                    return rules
                if not domain.is_true():
                    parts.append(model._search(domain, active_test=False).where_clause)
        except Exception:  # pylint: disable=broad-except
            # Asked together with the contacts, it is found to be the one to blame.
            return rules
        return rules._replace(where=SQL(" AND ").join(parts))

    @api.model
    def _partners_as_seen_by(self, company_id):
        """Contacts without rights, language or time zone of whoever happens to act.

        :param int company_id: values that differ by company are those of this one, or
            of the main company for 0
        """
        # sudo: res.partner: who is in a segment does not depend on who looks
        partners = self.env(user=SUPERUSER_ID, su=True, context={})["res.partner"]
        if company_id:
            partners = partners.with_company(company_id)
        return partners

    @api.model
    def _fitting(self, rules, extra=None):
        """Query of the contacts that fit by themselves.

        :param Domain extra: what they must fit beside the rules
        :raises ValueError: when the rules cannot be used
        """
        if rules.domain is None:
            raise ValueError(rules.error)
        domain = rules.domain if extra is None else rules.domain & extra
        try:
            return self._partners_as_seen_by(rules.company)._search(domain)
        except Exception as error:
            raise ValueError(first_line(error)) from error

    @api.model
    def _fitting_sql(self, rules, first=None, last=None):
        """SQL that selects the ids of all members: those who fit by themselves, and
        the contacts of companies that do where they inherit (some of them twice).

        :param int first: with `last`, only contacts with an id from one to the other
        :raises ValueError: when the rules cannot be used
        """
        query = self._fitting(rules)
        if query.is_empty():
            return SQL("SELECT NULL::int AS id WHERE FALSE")
        part = first is not None
        within = SQL("BETWEEN %s AND %s", first, last)
        if not rules.inherits:
            if part:
                query.add_where(SQL("res_partner.id %s", within))
            return query.select()
        self._flush_kinship()
        if part:
            # A contact may have its company in another part.
            either = SQL("(res_partner.id %s OR res_partner.is_company)", within)
            query.add_where(either)
        owners = SQL()
        if rules.company:
            owners = SQL("AND COALESCE(child.company_id, 0) IN (0, %s)", rules.company)
        # Most contacts have no parent, which the planner knows: it begins there.
        return SQL(
            """
            WITH own AS MATERIALIZED (%(own)s)
            SELECT own.id FROM own WHERE %(own_within)s
             UNION ALL
            SELECT child.id
              FROM res_partner child
              JOIN own company
                ON company.id = child.commercial_partner_id AND company.is_company
             WHERE child.parent_id IS NOT NULL
               AND child.active
               AND child.commercial_partner_id <> child.id
               AND %(child_within)s
               %(owners)s
            """,
            own=query.select(SQL("res_partner.id"), SQL("res_partner.is_company")),
            own_within=SQL("own.id %s", within) if part else SQL("TRUE"),
            child_within=SQL("child.id %s", within) if part else SQL("TRUE"),
            owners=owners,
        )

    @api.model
    def _flush_kinship(self):
        """Have stored what says which contact belongs to which company."""
        self.env["res.partner"].flush_model(
            ["active", "commercial_partner_id", "company_id", "is_company", "parent_id"]
        )

    @api.model
    def _ask(self, query):
        """Execute SQL that may fail: the transaction can go on afterwards."""
        # Before the savepoint, lest its rollback takes back what others wrote.
        self.env.flush_query(query)
        with self.env.cr.savepoint(flush=False), tools.mute_logger("odoo.sql_db"):
            return self.env.execute_query(query)

    def _condition_error(self):
        """Why the rules of this segment cannot be used, empty if they can."""
        self.ensure_one()
        try:
            rules = self._compiled()
            if not rules.condition:
                return rules.error
            query = self._fitting(rules)
            query.limit = 1
            self._ask(query.select())
        except CONFLICTS:
            raise
        except (ValueError, DatabaseError) as error:
            return first_line(error)
        return ""

    @api.model
    def _check_may_ask(self, text):
        """Refuse a condition on what its author may not read himself: who belongs to
        the segment would tell him.

        Each field is judged by itself: today something else in the condition may be
        wrong that is right tomorrow.
        """
        if not text or self.env.su:
            return
        try:
            for path in segmenting.asked_paths(text):
                self._check_may_read(path)
            domain = self._parse_condition(text)
            self.env["res.partner"].with_context(active_test=False)._search(domain)
        except ValueError:
            # It is saved, and shown as what it is: nothing that was typed is lost.
            return

    @api.model
    def _check_may_read(self, path):
        """Refuse a dotted name that leads from a contact to what one may not read."""
        model = self.env["res.partner"]
        for name in path.split("."):
            field = model._fields.get(name)
            if not field:
                return
            model.check_access("read")
            model._check_field_access(field, "read")
            if not field.relational:
                return
            model = self.env[field.comodel_name]

    # === Rules in words ===

    def _describe(self):
        """The rules in words, the private ones only for those who may read them."""
        self.ensure_one()
        # sudo: csp.segment: private rules are left out below
        segment = self.sudo()
        if not segment.has_rules:
            return self.env._("Put in by hand")
        rules = segment._compiled()
        parts = [segment._describe_choice(name) for name in PLACE_TARGETS]
        private = [segment._describe_age(rules)]
        private += [segment._describe_choice(name) for name in PROFILE_TARGETS]
        private = [part for part in private if part]
        if private and not (self.env.su or self.env.user.has_groups(READ_BY)):
            private = [self.env._("private profile")]
        parts += private
        if rules.condition:
            parts.append(self._describe_condition(rules.condition))
        return " · ".join(part for part in parts if part)

    def _describe_choice(self, name):
        """The values of one rule in words: “Greece, Italy”."""
        if name in CODES:
            labels = self._code_labels(name)
            codes = segmenting.split_codes(self[name])
            return ", ".join(labels.get(code, code) for code in codes)
        return ", ".join(self[name].mapped("name"))

    def _describe_age(self, rules):
        low, high = rules.age_min, rules.age_max
        if low and high:
            return self.env._("%(low)s to %(high)s years", low=low, high=high)
        if low:
            return self.env._("%s years and older", low)
        return self.env._("up to %s years", high) if high else ""

    def _describe_condition(self, text):
        """A further condition in words: “Tags: Shop” where it is no more than that."""
        more = self.env._("more conditions")
        try:
            condition = self._parse_condition(text)
        except ValueError:
            return more
        leaves = list(condition.iter_conditions())
        # A negation has its condition inside.
        if len(leaves) != 1 or leaves[0] is not condition:
            return more
        return self._describe_link(condition) or more

    def _describe_link(self, condition):
        """A condition on records that a contact is linked with, empty where it is of
        another kind or the user may not know them."""
        partners, value = self.env["res.partner"], condition.value
        field = partners._fields.get(condition.field_expr)
        if not (field and field.relational and condition.operator in ("in", "=")):
            return ""
        ids = list(value) if isinstance(value, Collection) else [value]
        if not ids or any(type(id_) is not int for id_ in ids):
            return ""
        linked = self.env[field.comodel_name].browse(ids).exists()
        readable = partners._has_field_access(field, "read")
        if not (linked and readable and linked.has_access("read")):
            return ""
        label = field._description_string(self.env)
        return f"{label}: {', '.join(linked.mapped('display_name'))}"

    # === While a segment is edited ===

    def _preview(self):
        """Who would belong to the segment by its rules as they are now.

        :return: dict with ``count`` (at most `PREVIEW_LIMIT`, then ``capped``), a
            ``sample`` of names, ``overlaps`` with other segments, ``by_hand`` and
            ``error``
        """
        self.ensure_one()
        result = {
            "count": 0,
            "capped": False,
            "names_hidden": False,
            "sample": [],
            "overlaps": [],
            "by_hand": not self.has_rules,
            "error": False,
        }
        if not (self.env.su or self.has_access("write")):
            return result
        if not self.has_rules:
            if not self._origin:
                return result
            fitting = SQL(
                "SELECT partner_id AS id FROM csp_segment_res_partner_rel "
                "WHERE segment_id = %s",
                self._origin.id,
            )
            return {**result, **self._count_fitting(fitting)}
        if self.age_max and self.age_min > self.age_max:
            text = self.env._("The ages must be whole years, the lower one first.")
            return {**result, "error": text}
        try:
            self._check_may_ask(self._written_condition())
            fitting = self._fitting_sql(self._compiled())
            result.update(self._count_fitting(fitting))
        except (ValueError, DatabaseError, UserError) as error:
            return {**result, "error": first_line(error)}
        # A rule made narrow enough would tell what the profile of somebody says.
        asks_profile = any(self[name] for name in PRIVATE_RULES)
        if asks_profile and not self.env.user.has_group(
            "customer_service_plan.group_profile"
        ):
            result.update(names_hidden=True, sample=[])
        return result

    def _count_fitting(self, fitting):
        self.env["res.partner"].flush_model(["csp_segment_ids"])
        rows = self._ask(
            SQL(
                """
                WITH fitting AS MATERIALIZED (
                    SELECT DISTINCT id
                      FROM (SELECT id FROM (%(fitting)s) member LIMIT %(limit)s) counted
                )
                SELECT rel.segment_id, count(*)
                  FROM fitting
                  JOIN csp_segment_res_partner_rel rel ON rel.partner_id = fitting.id
                 GROUP BY rel.segment_id
                 UNION ALL
                SELECT NULL, count(*) FROM fitting
                 UNION ALL
                (SELECT 0, id FROM fitting ORDER BY id LIMIT %(sample)s)
                """,
                fitting=fitting,
                limit=PREVIEW_LIMIT + 1,
                sample=SAMPLE_SIZE,
            )
        )
        counts = {segment: count for segment, count in rows if segment != 0}
        count = counts.pop(None)
        sample = self.env["res.partner"].search(
            [("id", "in", [id_ for segment, id_ in rows if segment == 0])]
        )
        others = self.search([("id", "in", list(counts))]) - self._origin
        return {
            "count": min(count, PREVIEW_LIMIT),
            "capped": count > PREVIEW_LIMIT,
            "sample": [
                {
                    "id": partner.id,
                    "name": partner.display_name,
                    "place": ", ".join(
                        filter(None, (partner.city, partner.country_id.name))
                    ),
                }
                for partner in sample
            ],
            "overlaps": sorted(
                (
                    {
                        "id": other.id,
                        "name": other.name,
                        "count": counts[other.id],
                        "share": round(100 * counts[other.id] / count),
                    }
                    for other in others
                ),
                key=lambda overlap: -overlap["count"],
            ),
        }


def first_line(error):
    """What an error says, without the details that follow."""
    text = str(error.args[0] if error.args else error) or type(error).__name__
    return text.strip().splitlines()[0]


def _is_plain(model, leaf):
    """Whether a condition asks a column of the record itself, and nothing else.

    `leaf` is optimized without looking at any record.
    """
    field = model._fields.get(leaf.field_expr)
    if field is None or not field.store or not field.column_type:
        return False
    if field.company_dependent or field.translate or field.type == "properties":
        return False
    if isinstance(leaf.value, (Domain, Query, SQL)):
        return False
    if field.relational or field.type == "many2one_reference":
        ids = leaf.value if isinstance(leaf.value, Collection) else [leaf.value]
        return leaf.operator in ("in", "not in") and all(
            isinstance(value, int) or not value for value in ids
        )
    return leaf.operator in PLAIN_OPERATORS
