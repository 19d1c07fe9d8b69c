from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import pytz

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools.date_utils import end_of, start_of, subtract

#: Whose reviews, from the widest.
SCOPES = ("all", "teams", "mine")
PERIODS = ("this_month", "last_month", "three_months", "twelve_months", "own")
DEFAULT_PERIOD = "three_months"
#: "random": only what was drawn at random, where anything was; "all": all reviews.
PICKS = ("random", "all")
#: Up to so many days the course is shown by weeks, then by months.
DAYS_BY_WEEK = 100
#: Nobody looks at a longer time at once, and dates stay far from their limits.
MOST_DAYS = 10 * 366
#: What a figure can be of, with the field of a review that says so.
FIELDS = {
    "agent": "agent_id",
    "team": "team_id",
    "channel": "channel_id",
    "policy_version": "policy_version_id",
    "scorecard": "scorecard_id",
}
#: What each scope is shown by: nobody is shown colleagues beside himself.
DIMENSIONS = {
    "all": ("agent", "team", "channel", "policy_version", "scorecard"),
    "teams": ("agent", "team", "channel", "policy_version", "scorecard"),
    "mine": ("channel", "policy_version", "scorecard"),
}
MODELS = {
    "agent": "res.users",
    "team": "helpdesk.ticket.team",
    "channel": "helpdesk.ticket.channel",
    "policy_version": "csp.policy.version",
    "scorecard": "csp.scorecard",
    "criterion": "csp.scorecard.criterion",
    "cause": "csp.quality.cause",
}


class Choice(NamedTuple):
    """What somebody wants to look at. Days are his own, both included; 0: any."""

    scope: str
    period: str
    date_from: date
    date_to: date
    team: int
    channel: int
    scorecard: int
    picks: str

    @property
    def step(self):
        """What the course is shown by: weeks or months."""
        days = (self.date_to - self.date_from).days
        return "week" if days <= DAYS_BY_WEEK else "month"


class CspQualityFigures(models.AbstractModel):
    """Figures of quality reviews, beside kept promises and opinions of customers.

    Counted are reviews that are done and in which something applied, never those of a
    calibration. Who is shown what:

    * managers: all reviews of the companies they have chosen;
    * who leads teams: reviews of these teams, and of those below them;
    * everybody: his own, and the average of his team, see `_get_team_averages`.

    Each average comes with the number of reviews and the bounds between which the real
    one lies, see `statistics.bounded_mean_interval`; below `MINIMUM_FOR_MEANS` reviews
    there is none at all. Where reviews were drawn at random, only these count, since
    others were chosen for what is special about them; each review counts the same, so
    that the average of a team is not weighted by the tickets of its agents. Scores,
    points and shares are in per cent. Days are those of the reader.

    Plain SQL over the reviews that the record rules let the reader see.
    """

    _name = "csp.quality.figures"
    _description = "Figures of Quality Reviews"

    @api.model
    def csp_figures_data(self, filters=None):
        """All of the page.

        :param dict filters: `scope` (all, teams, mine; the widest without), `period`
            (of `PERIODS`), for the period "own" `date_from` and `date_to`, `team_id`,
            `channel_id`, `scorecard_id`, `picks` (random, all)
        :return: dict of plain values; a row has `id`, `name`, `count`, `few`, and
            unless it is of too few, `mean`, `low` and `high`
        :raises AccessError: for a scope that is not the reader's
        :raises UserError: for filters that make no sense
        """
        self.env["csp.quality.review"].check_access("read")
        scopes = self._get_scopes()
        choice = self._get_choice(filters or {}, scopes)
        self.env.flush_all()
        reviews, drawn = self._count_reviews(choice)
        is_random = bool(drawn) and choice.picks == "random"
        data = {
            "scopes": scopes,
            "choice": {
                **choice._asdict(),
                "date_from": fields.Date.to_string(choice.date_from),
                "date_to": fields.Date.to_string(choice.date_to),
                "step": choice.step,
            },
            "options": self._get_options(choice),
            "count": reviews,
            "drawn": drawn,
            "is_random": is_random,
            **self._get_scores(choice, is_random),
            "criteria": self._get_criteria(choice, is_random),
            "causes": self._get_causes(
                choice, is_random, drawn if is_random else reviews
            ),
            "team_averages": [],
        }
        if choice.scope == "mine":
            data["team_averages"] = self._get_team_averages(choice)
        self._set_beside(data, choice)
        return data

    @api.model
    def csp_figures_reviews(self, filters=None, dimension=None, value=None):
        """Action that shows the reviews behind a figure.

        :param str dimension: one of `MODELS`, "course" for a week or month, "failed",
            or nothing for all
        :param value: id of the row, for "course" its first day
        """
        self.env["csp.quality.review"].check_access("read")
        choice = self._get_choice(filters or {}, self._get_scopes())
        _reviews, drawn = self._count_reviews(choice)
        is_random = bool(drawn) and choice.picks == "random"
        domain = self._get_domain(choice, is_random)
        if dimension == "course":
            first = self._to_date(value)
            last = end_of(first, choice.step)
            domain &= self._between(first, last)
        elif dimension == "failed":
            domain &= Domain("is_failed", "=", True)
        elif dimension == "criterion":
            domain &= Domain("line_ids", "any", self._of_criterion(value))
        elif dimension == "cause":
            domain &= Domain("line_ids", "any", self._of_cause(value))
        elif dimension in FIELDS:
            domain &= Domain(FIELDS[dimension], "=", self._to_id(value) or False)
        elif dimension:
            raise UserError(self.env._("There is no such figure."))
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_quality_review_action"
        )
        action.pop("path", None)
        return {**action, "domain": list(domain), "context": {"create": False}}

    @api.model
    def _of_criterion(self, value):
        return Domain("criterion_id", "=", self._to_id(value)) & Domain(
            "is_counted", "=", True
        )

    @api.model
    def _of_cause(self, value):
        return Domain("cause_ids", "=", self._to_id(value)) & Domain(
            "is_bad", "=", True
        )

    # === What the reader may look at, and wants to ===

    @api.model
    def _get_scopes(self):
        """Scopes of this user, the widest first.

        Who sees others' figures is offered his own only where there are any.
        """
        scopes = []
        if self.env.user.has_group("customer_service_plan.group_manager"):
            scopes.append("all")
        elif self._get_led_teams():
            scopes.append("teams")
        own = self._counted() & Domain("agent_id", "=", self.env.uid)
        if not scopes or self.env["csp.quality.review"].search_count(own, limit=1):
            scopes.append("mine")
        return scopes

    @api.model
    def _get_led_teams(self):
        # sudo: helpdesk.ticket.team: only which ones the user himself leads
        return (
            self.env["helpdesk.ticket.team"]
            .sudo()
            .search(
                [
                    ("csp_is_led_by_me", "=", True),
                    ("company_id", "in", [*self.env.companies.ids, False]),
                ]
            )
        )

    @api.model
    def _get_choice(self, filters, scopes):
        """What was asked for, as far as it is the reader's.

        :raises AccessError: for a scope that is not among `scopes`
        :raises UserError: for filters that make no sense
        """
        if not isinstance(filters, dict):
            raise UserError(self.env._("These filters cannot be read."))
        scope = filters.get("scope") or scopes[0]
        period = filters.get("period") or DEFAULT_PERIOD
        picks = filters.get("picks") or PICKS[0]
        if scope not in SCOPES or period not in PERIODS or picks not in PICKS:
            raise UserError(self.env._("These filters cannot be read."))
        if scope == "mine" and scope not in scopes:
            # A leader without reviews of his own looks at those of his teams.
            scope = scopes[0]
        if scope not in scopes:
            raise AccessError(
                self.env._("Figures of others are for their leaders and managers.")
            )
        date_from, date_to = self._get_days(period, filters)
        return Choice(
            scope=scope,
            period=period,
            date_from=date_from,
            date_to=date_to,
            team=self._to_id(filters.get("team_id")) if scope != "mine" else 0,
            channel=self._to_id(filters.get("channel_id")),
            scorecard=self._to_id(filters.get("scorecard_id")),
            picks=picks,
        )

    @api.model
    def _get_days(self, period, filters):
        """First and last day of a period, in the reader's time zone."""
        today = fields.Date.context_today(self)
        month = start_of(today, "month")
        if period == "own":
            first = self._to_date(filters.get("date_from"))
            last = self._to_date(filters.get("date_to"))
            if last < first:
                raise UserError(self.env._("The last day comes before the first one."))
            if (last - first).days > MOST_DAYS:
                raise UserError(self.env._("Choose a period of ten years at most."))
            return first, last
        if period == "last_month":
            return subtract(month, months=1), month - timedelta(days=1)
        back = {"this_month": 0, "three_months": 2, "twelve_months": 11}[period]
        return subtract(month, months=back), today

    @api.model
    def _to_date(self, value):
        try:
            found = fields.Date.to_date(value)
        except (TypeError, ValueError):
            found = None
        if not found or not 1900 < found.year < 9000:
            raise UserError(self.env._("Say from which day, and to which."))
        return found

    @api.model
    def _to_id(self, value):
        if not value:
            return 0
        if not isinstance(value, int) or not 0 < value < 2**31:
            raise UserError(self.env._("These filters cannot be read."))
        return value

    @api.model
    def _moments(self, first, last):
        """From the beginning of a day to the end of another, naive UTC."""
        zone = self.env.tz

        def midnight(day):
            local = zone.localize(datetime.combine(day, time.min))
            return local.astimezone(pytz.utc).replace(tzinfo=None)

        return midnight(first), midnight(last + timedelta(days=1))

    @api.model
    def _between(self, first, last):
        since, until = self._moments(first, last)
        return Domain("done_at", ">=", since) & Domain("done_at", "<", until)

    @api.model
    def _counted(self):
        """Reviews that count for somebody, of the companies that the user chose."""
        return (
            Domain("calibration_id", "=", False)
            & Domain("state", "!=", "to_do")
            & Domain("is_scored", "=", True)
            & Domain("company_id", "in", self.env.companies.ids)
        )

    @api.model
    def _get_domain(self, choice, is_random):
        domain = self._counted() & self._between(choice.date_from, choice.date_to)
        if choice.scope == "mine":
            domain &= Domain("agent_id", "=", self.env.uid)
        elif choice.scope == "teams":
            domain &= Domain("team_id.csp_is_led_by_me", "=", True)
        if choice.team:
            domain &= Domain("team_id", "child_of", choice.team)
        if choice.channel:
            domain &= Domain("channel_id", "=", choice.channel)
        if choice.scorecard:
            domain &= Domain("scorecard_id", "=", choice.scorecard)
        if is_random:
            domain &= Domain("picked", "=", "random")
        return domain

    @api.model
    def _get_options(self, choice):
        """What can be chosen from: ids and names."""
        # sudo: helpdesk.ticket.channel, csp.scorecard: names, of the own companies
        Channel = self.env["helpdesk.ticket.channel"].sudo()
        Scorecard = self.env["csp.scorecard"].sudo()
        ours = Domain("company_id", "in", [*self.env.companies.ids, False])
        teams = self.env["helpdesk.ticket.team"]
        if choice.scope == "teams":
            teams = self._get_led_teams()
        elif choice.scope == "all":
            # sudo: helpdesk.ticket.team: names, for managers
            teams = teams.sudo().search(ours)
        options = {
            "team": teams,
            "channel": Channel.search(ours),
            "scorecard": Scorecard.search(ours & Domain("state", "!=", "draft")),
        }
        return {
            name: [{"id": one.id, "name": one.display_name} for one in records]
            for name, records in options.items()
        }
