import pytz

from odoo import fields, models
from odoo.tools.misc import format_date, format_time


class HelpdeskTicket(models.Model):
    _inherit = "helpdesk.ticket"

    def _csp_portal_stages(self):
        """The closing stages that the customer may choose for this ticket."""
        self.ensure_one()
        team = self.with_company(self.company_id).team_id
        return team._get_applicable_stages().filtered("close_from_portal")

    def _csp_portal_promises(self):
        """What the customer may know of the promises on his request.

        Dates are in the language of the page and in the time zone of whoever looks
        at it, else of the contact, else of the hours of the promise; the zone is named.

        :return: a list of dicts in the order of the page: ``kind``, ``promise`` (what
            was promised and until when), ``state`` (how it stands) and ``late``; empty
            if nothing was promised
        """
        self.ensure_one()
        titles = {
            "first_response": self.env._("First reply"),
            "next_response": self.env._("Reply to your last message"),
            "resolution": self.env._("Solution"),
        }
        latest = {}
        for row in self.csp_commitment_ids.sorted(lambda row: (row.started_at, row.id)):
            if row.state == "cancelled" or row.kind == "next_response" and row.ended_at:
                continue
            latest[row.kind] = row
        return [
            {
                "kind": kind,
                "title": title,
                **self._csp_portal_promise(latest[kind]),
            }
            for kind, title in titles.items()
            if kind in latest
        ]

    def _csp_portal_promise(self, row):
        """How one promise stands, in words for the customer."""
        at = self._csp_portal_datetime
        solved = row.kind == "resolution"
        until = row.deadline or row.missed_at
        # It is late from the deadline on, whether the sweep has seen it or not.
        late = not row.ended_at and (
            row.state == "missed"
            or bool(row.running_since and until and until < fields.Datetime.now())
        )
        if row.ended_at:
            state = (
                self.env._("Solved on %(moment)s", moment=at(row.ended_at, row))
                if solved
                else self.env._("Answered on %(moment)s", moment=at(row.ended_at, row))
            )
        elif row.state == "paused" and self.csp_waiting_on == "customer":
            state = self.env._("Waiting for your answer")
        elif row.state == "paused":
            state = self.env._("Waiting for somebody else's answer")
        elif late:
            state = self.env._("Late. We are sorry, and we are on it.")
        else:
            state = self.env._("We are on it")
        return {
            "promise": self.env._("by %(moment)s", moment=at(until, row))
            if until
            else "",
            "state": state,
            "late": late,
        }

    def _csp_portal_datetime(self, moment, row):
        """A moment (naive UTC) as the customer reads it, with its time zone."""
        zone = (
            self.env.context.get("tz") or self.partner_id.tz or row.hours_id.tz or "UTC"
        )
        local = pytz.utc.localize(moment).astimezone(pytz.timezone(zone))
        return self.env._(
            "%(day)s, %(time)s (%(zone)s)",
            day=format_date(self.env, local.date(), date_format="medium"),
            time=format_time(self.env, local.time(), time_format="short"),
            zone=zone.replace("_", " "),
        )
