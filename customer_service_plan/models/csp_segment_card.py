from odoo import models
from odoo.fields import Domain

#: Needs that the card names, the most important first.
SHOWN_NEEDS = 8


class CspSegment(models.Model):
    _inherit = "csp.segment"

    def _csp_card_needs(self):
        """What matters to customers of these segments, the most important first.

        A need of several segments is as important as in the one where it is most, and
        as well met as in the one where it is least.
        """
        rows = self.env["csp.segment.need"].search_fetch(
            Domain("segment_id", "in", self.ids),
            ["need_id", "importance", "satisfaction"],
        )
        needs = []
        for need, same in rows.grouped("need_id").items():
            if not need.active:
                continue
            met = [row.satisfaction for row in same if row.satisfaction]
            needs.append(
                {
                    "id": need.id,
                    "name": need.name,
                    "importance": max(row.importance for row in same),
                    "satisfaction": min(met, default=False),
                    "sequence": need.sequence,
                }
            )
        needs.sort(
            key=lambda need: (
                -need["importance"],
                need["satisfaction"] or 6,
                need["sequence"],
                need["id"],
            )
        )
        return needs[:SHOWN_NEEDS]
