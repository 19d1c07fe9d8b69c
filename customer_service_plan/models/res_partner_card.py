from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError

from ..tools import calling
from ..tools.epoch import to_epoch
from ..tools.public_holidays import find_region, get_free_days


class ResPartner(models.Model):
    """A customer in one look, for whoever serves him at this moment.

    Nothing of it is stored, and however much there is about a customer, the card takes
    the same number of queries. The customer is the contact together with everybody of
    his company (the commercial entity).
    """

    _inherit = "res.partner"

    def csp_card_data(self):
        """All that the customer card of this contact shows.

        Moments are UTC epoch seconds. What is known of tickets is what the user may
        see; users outside the helpdesk get no such part. Of the private profile only
        the customer's wishes how to be reached are told.

        :return: dict with ``partner``, ``segments``, ``needs``, ``reach`` and
            ``tickets`` (False without access to tickets)
        :raises AccessError: for anybody but staff, and when the user may not read the
            contact
        """
        self.ensure_one()
        self._csp_check_may_see_cards()
        self.check_access("read")
        return self._csp_card(self.env.company)

    @api.model
    def _csp_check_may_see_cards(self):
        if not (self.env.su or self.env.user._is_internal()):
            raise AccessError(self.env._("Only staff sees the cards of customers."))

    def _csp_card(self, company):
        """The card, with segments and hours for calls of one company."""
        self.ensure_one()
        # sudo: res.partner: the company of a contact that the user may read, by name,
        # country and telephone
        entity = self.sudo().commercial_partner_id
        segments = self._csp_segments_in(company)
        return {
            "partner": {
                "id": self.id,
                "name": self.name or self.display_name,
                "company": entity != self and entity.name or False,
                "is_company": self.is_company,
                "archived": not self.active,
                "phone": self.phone or entity.phone or False,
            },
            "sender": False,
            "segments": {
                "today": [
                    {
                        "id": segment.id,
                        "name": segment.name,
                        "reason": segment.rule_text,
                    }
                    for segment in segments
                ],
                "at_receipt": False,
                "can_match_again": False,
            },
            "needs": segments._csp_card_needs(),
            "reach": self._csp_card_reach(entity, company),
            "tickets": self.env["helpdesk.ticket"]._csp_card_of(entity),
        }

    def _csp_segments_in(self, company):
        """The segments of today that count in a company, in their order."""
        return self.csp_segment_ids.filtered(
            lambda segment: (
                segment.active and segment.company_id.id in (False, company.id)
            )
        ).sorted()

    # === How to reach him ===

    def _csp_card_reach(self, entity, company):
        """Language, channel and time of day of the customer."""
        language, channel = self._csp_card_wishes(entity)
        spoken = self.lang or entity.lang
        known = self.env["res.lang"]._get_data(code=spoken).name if spoken else False
        return {
            "language": language.name or known or False,
            "channel": channel.name or False,
            "channel_kind": channel.csp_kind or False,
            "clock": self._csp_card_clock(entity, company),
        }

    def _csp_card_wishes(self, entity):
        """The language and the channel that the customer prefers, for agents."""
        if not self.env.user.has_group("customer_service_plan.group_agent"):
            return self.env["res.lang"], self.env["helpdesk.ticket.channel"]
        # sudo: csp.customer.profile: of all that is private only the customer's wishes
        # how to be reached are read; whoever answers him needs them
        profiles = self.env["csp.customer.profile"].sudo()
        own_first = profiles.search([("partner_id", "in", (self + entity).ids)]).sorted(
            lambda profile: profile.partner_id != self
        )
        return (
            own_first.preferred_lang_id[:1],
            own_first.preferred_channel_id[:1],
        )

    def _csp_card_clock(self, entity, company):
        """The customer's local time, and whether it is a decent hour to call.

        :return: dict, or False where nobody knows where he lives
        """
        now = fields.Datetime.now()
        place = self if self.country_id else entity
        country, state = place.country_id, place.state_id
        # sudo: res.users: only whether the customer has a login of his own
        is_own = bool(self.sudo().user_ids)
        zones = calling.find_zones(self.tz or "", country.code or "", is_own, now)
        if not zones:
            return False
        code = country.code or ""
        region = find_region(code, state.code or "", state.name) if state else None
        around = (now - timedelta(days=1), now + timedelta(days=30))
        free = [
            get_free_days(code, region, year, self.env.lang or "en_US")
            for year in range(around[0].year, around[1].year + 1)
        ]
        hour = calling.judge(
            zones,
            now,
            calling.CallTimes(
                start=company.csp_call_from,
                end=company.csp_call_to,
                weekend=frozenset().union(*(year.weekend for year in free)),
                holidays={
                    day: name for year in free for day, name in year.holidays.items()
                },
            ),
        )
        return {
            "zones": hour.zones,
            "country": country.name if len(zones) > 1 else False,
            "verdict": hour.verdict,
            "holiday": hour.holiday or False,
            "next_good": to_epoch(hour.next_good) if hour.next_good else False,
            "changes_at": to_epoch(hour.changes_at),
            "now": to_epoch(now),
        }
