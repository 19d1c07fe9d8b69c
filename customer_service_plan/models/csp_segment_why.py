from psycopg2 import Error as DatabaseError

from odoo import fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain

from ..tools import segmenting
from .csp_segment import CODES, PRIVATE_RULES
from .csp_segment_rules import CHOICE_TARGETS, PLACE_TARGETS

#: How a rule stands that the user may not know about.
HIDDEN = "hidden"


class CspSegment(models.Model):
    """Why a customer is in a segment or not, rule by rule."""

    _inherit = "csp.segment"

    def _explain(self, partner):
        """How each rule of these segments stands for a customer.

        :return: list of dicts, one for each segment, as the dialog shows them
        """
        # sudo: csp.segment, res.partner: private rules and values are hidden below
        segments, partner = self.sudo(), partner.sudo()
        company = partner.commercial_partner_id
        heir = company != partner and company.is_company
        result = []
        for segment in segments:
            member = segment in partner.csp_segment_ids
            rules = segment._explain_rules(partner)
            through = False
            if heir and segment.has_rules and segment.inherit_from_company:
                if not all(rule["fits"] for rule in rules):
                    inherited = segment._explain_rules(company)
                    through = all(rule["fits"] for rule in inherited)
                    rules = inherited if through else rules
            result.append(
                {
                    "id": segment.id,
                    "name": segment.name,
                    "member": member,
                    "by_hand": not segment.has_rules,
                    "broken": segment.broken_reason or False,
                    "pending": segment.is_pending,
                    "through_company": through,
                    "rules": segment._without_private(rules),
                }
            )
        return result

    def _explain_rules(self, partner):
        """How the rules of this segment stand for a contact by itself.

        Beside what the dialog shows, ``fits`` says whether the rule lets him in.
        """
        self.ensure_one()
        if not self.has_rules:
            return []
        rules, profile = self._compiled(), partner.csp_profile_ids[:1]
        result = []
        if not partner.active:
            result.append(
                self._rule_row(
                    "active",
                    self.env._("Contact"),
                    self.env._("in use"),
                    self.env._("archived"),
                    segmenting.NO,
                )
            )
        if rules.company and partner.company_id.id not in (False, rules.company):
            result.append(
                self._rule_row(
                    "company_id",
                    self._fields["company_id"]._description_string(self.env),
                    self.company_id.name,
                    partner.company_id.name,
                    segmenting.NO,
                )
            )
        for name in CHOICE_TARGETS:
            if name in rules.choices:
                source = partner if name in PLACE_TARGETS else profile
                result.append(self._explain_choice(rules, name, source))
        if rules.age_min or rules.age_max:
            result.append(self._explain_age(rules, profile))
        if rules.condition:
            result += self._explain_condition(rules, partner)
        return result

    def _rule_row(self, name, label, wanted, actual, verdict, **more):
        return {
            "rule": name,
            "label": label,
            "wanted": wanted,
            "actual": actual,
            "verdict": verdict,
            "fits": verdict == segmenting.YES,
            **more,
        }

    def _explain_choice(self, rules, name, source):
        value = source[CHOICE_TARGETS[name]] if source else False
        if not value:
            verdict, actual = segmenting.UNKNOWN, False
        else:
            held = {value} if name in CODES else set(value.ids)
            fits = not held.isdisjoint(rules.choices[name])
            verdict = segmenting.YES if fits else segmenting.NO
            if name in CODES:
                actual = self._code_labels(name).get(value, value)
            else:
                actual = ", ".join(value.mapped("name"))
        label = self._fields[name]._description_string(self.env)
        wanted = self._describe_choice(name)
        return self._rule_row(name, label, wanted, actual, verdict)

    def _explain_age(self, rules, profile):
        today = fields.Date.today()
        born = all(span := (profile.born_from, profile.born_to)) and span
        ages = rules.age_min, rules.age_max
        verdict = segmenting.judge_age(*ages, born or None, today)
        actual = profile.age_text if born else False
        wanted = self._describe_age(rules)
        return self._rule_row("age_min", self.env._("Age"), wanted, actual, verdict)

    def _explain_condition(self, rules, partner):
        """One row for each part of the further condition that must hold by itself."""
        label = self._fields["partner_domain"]._description_string(self.env)
        try:
            parts = _parts(self._parse_condition(rules.condition))
        except ValueError as error:
            row = self._rule_row(
                "partner_domain", label, str(error), False, segmenting.UNKNOWN
            )
            return [{**row, "domain": ""}]
        rows = []
        for part in parts:
            try:
                query = self._partners_as_seen_by(rules.company)._search(
                    Domain("id", "=", partner.id) & part, active_test=False
                )
                fits = not query.is_empty() and bool(self._ask(query.select()))
                verdict = segmenting.YES if fits else segmenting.NO
            except (DatabaseError, ValueError, KeyError):
                verdict = segmenting.UNKNOWN
            rows.append(
                self._rule_row(
                    "partner_domain", label, "", False, verdict, domain=str(list(part))
                )
            )
        return rows

    def _without_private(self, rules):
        """What the user may know of these rows.

        Managers write the rules, but only who may read profiles learns how they stand
        for somebody; others learn that the profile is asked, no more.
        """
        user = self.env.user
        may_read_profile = user.has_group("customer_service_plan.group_profile")
        is_manager = user.has_group("customer_service_plan.group_manager")
        result, hidden = [], False
        for rule in rules:
            rule = {key: value for key, value in rule.items() if key != "fits"}
            private = rule["rule"] in PRIVATE_RULES and not may_read_profile
            if private or not self._may_know(rule):
                rule.update(actual=False, verdict=HIDDEN)
                if not is_manager:
                    if hidden:
                        continue
                    hidden = True
                    rule.update(rule="profile", label=self.env._("Private profile"))
                    rule.update(wanted="")
                    rule.pop("domain", None)
            result.append(rule)
        return result

    def _may_know(self, rule):
        """Whether the user might ask a further condition himself."""
        try:
            self.sudo(False)._check_may_ask(rule.get("domain"))
        except AccessError:
            return False
        return True


def _parts(domain):
    """The parts of a domain that must hold one by one."""
    return list(getattr(domain, "children", ())) if _is_and(domain) else [domain]


def _is_and(domain):
    return getattr(domain, "OPERATOR", None) == "&"
