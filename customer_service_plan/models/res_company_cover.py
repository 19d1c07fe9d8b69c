from typing import NamedTuple

from odoo import fields, models
from odoo.fields import Domain

from ..tools import honesty
from ..tools.epoch import to_epoch


class ChannelCover(NamedTuple):
    """Who is there on a live channel.

    :param people: who may be given its tickets
    :param unknown: those of them whose working hours nobody has entered
    :param uncovered: opening time in which none of them works
    """

    people: models.BaseModel
    unknown: models.BaseModel
    uncovered: honesty.Uncovered


class Cover:
    """Who of a company works when, looked up once for all of its channels."""

    def __init__(self, company):
        env = company.env
        self._start = to_epoch(fields.Datetime.now())
        self._end = self._start + honesty.HORIZON
        # sudo: res.users, helpdesk.ticket.team: who belongs to the helpdesk and when
        # somebody of them is there, nothing of why
        staff = env["csp.staff"].sudo().search([("active", "=", True)])
        self._people = staff.user_id._csp_working_for(company)
        self._spans, self._unknown = self._people._csp_work_spans(
            self._start, self._end
        )
        self._teams = env["helpdesk.ticket.team"].sudo().search(Domain.TRUE)
        self._looked = {}

    def look(self, channel, hours, teams):
        """Return the `ChannelCover` of a channel.

        :param hours: its hours; without any, nothing is said about times
        :param teams: the teams that a line names, with their sub-teams; none: everybody
        """
        key = channel.id, hours.id, tuple(sorted(teams.ids))
        if key not in self._looked:
            self._looked[key] = self._look(channel.sudo(), hours, teams)
        return self._looked[key]

    def _look(self, channel, hours, teams):
        people = self._people
        if teams:
            asked = {str(team_id) for team_id in teams.ids}
            people &= self._teams.filtered(
                lambda team: asked.intersection(team.parent_path.split("/"))
            ).user_ids
        people = people.filtered(
            lambda user: not user.csp_channel_ids or channel in user.csp_channel_ids
        )
        uncovered = honesty.Uncovered([], [])
        if hours and people:
            uncovered = honesty.get_uncovered(
                hours._timeline(),
                [self._spans.get(user.id, ()) for user in people],
                self._start,
                self._end,
            )
        unknown = people.filtered(lambda user: user.id in self._unknown)
        return ChannelCover(people, unknown, uncovered)


class ResCompany(models.Model):
    _inherit = "res.company"

    def _csp_cover(self):
        """Who works when for this company: `Cover`, in a few queries for everybody."""
        self.ensure_one()
        return Cover(self)
