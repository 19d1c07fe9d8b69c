from collections import defaultdict
from datetime import timedelta
from math import sqrt

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.date_utils import end_of

from ..tools import scoring
from ..tools.statistics import (
    MINIMUM_FOR_MEANS,
    bounded_mean_interval,
    proportion_interval,
)
from .csp_quality_figures import DIMENSIONS, FIELDS, MODELS

#: So many people stand behind an average that colleagues are shown: of fewer, it would
#: tell what one of them has.
PEOPLE_BEHIND_AVERAGE = 3


class CspQualityFigures(models.AbstractModel):
    """Counting: a few queries, however many reviews there are."""

    _inherit = "csp.quality.figures"

    # === Reviews ===

    @api.model
    def _select(self, choice, is_random, *columns):
        """Sub-query of the reviews that count and that the reader may see."""
        ours = Domain("company_id", "in", self.env.companies.ids)
        # sudo: csp.quality.review: what each scope names is what its reader may read.
        # With the record rules around it, the database counts on one processor only.
        Review = self.env["csp.quality.review"].sudo()
        query = Review._search(self._get_domain(choice, is_random) & ours, order="id")
        query.order = None
        return query.select(
            *(SQL.identifier(query.table, column) for column in columns)
        )

    @api.model
    def _count_reviews(self, choice):
        """How many reviews there are in the choice, and how many drawn at random."""
        [(reviews, drawn)] = self.env.execute_query(
            SQL(
                """
                SELECT count(*), count(*) FILTER (WHERE picked = 'random')
                  FROM (%s) AS review
                """,
                self._select(choice, False, "picked"),
            )
        )
        return reviews, drawn

    @api.model
    def _get_scores(self, choice, is_random):
        """The score of all reviews, by week or month, and by each dimension."""
        dimensions = DIMENSIONS[choice.scope]
        columns = [FIELDS[dimension] for dimension in dimensions]
        places = [SQL.identifier(column) for column in columns]
        rows = self.env.execute_query(
            SQL(
                """
                SELECT GROUPING(%(keys)s), %(keys)s,
                       count(*), avg(score), stddev_samp(score),
                       count(*) FILTER (WHERE is_failed),
                       sum(customer_error_count), sum(business_error_count),
                       sum(compliance_error_count)
                  FROM (
                    SELECT %(columns)s, score::float8, is_failed,
                           customer_error_count, business_error_count,
                           compliance_error_count,
                           date_trunc(%(step)s,
                               done_at AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s
                           )::date AS course
                      FROM (%(reviews)s) AS review
                  ) AS review
                 GROUP BY GROUPING SETS ((), %(sets)s)
                """,
                keys=SQL(", ").join([*places, SQL("course")]),
                columns=SQL(", ").join(places),
                sets=SQL(", ").join(
                    SQL("(%s)", place) for place in [*places, SQL("course")]
                ),
                step=choice.step,
                zone=str(self.env.tz),
                reviews=self._select(
                    choice,
                    is_random,
                    *columns,
                    "score",
                    "is_failed",
                    "customer_error_count",
                    "business_error_count",
                    "compliance_error_count",
                    "done_at",
                ),
            )
        )
        # The mask has a bit for each key that was not grouped by, the last one lowest.
        names = [*dimensions, "course"]
        everything = 2 ** len(names) - 1
        bit_of = {everything - 2**bit: bit for bit in range(len(names))}
        found = defaultdict(list)
        for mask, *values in rows:
            figures = values[len(names) :]
            if mask == everything:
                found[None].append((None, figures))
            else:
                place = len(names) - 1 - bit_of[mask]
                found[names[place]].append((values[place], figures))
        [(_key, figures)] = found[None]
        customer, business, compliance = figures[4:]
        return {
            "total": {
                **_row(*figures[:3]),
                "failed": figures[3],
                "errors": {
                    "customer": customer or 0,
                    "business": business or 0,
                    "compliance": compliance or 0,
                },
            },
            "course": self._get_course(choice, found["course"]),
            "by": {
                name: self._named(
                    name,
                    [
                        {"id": key or 0, **_row(*figures[:3]), "failed": figures[3]}
                        for key, figures in found[name]
                    ],
                )
                for name in dimensions
            },
        }

    @api.model
    def _get_course(self, choice, found):
        """Weeks or months from the first to the last with reviews, empty ones, too."""
        found = {first: _row(*figures[:3]) for first, figures in found}
        course = []
        first = min(found, default=None)
        while found and first <= max(found):
            course.append(
                {"from": fields.Date.to_string(first), **found.get(first, _row(0))}
            )
            first = end_of(first, choice.step) + timedelta(days=1)
        return course

    @api.model
    def _get_criteria(self, choice, is_random):
        """Points of each criterion that applied, the weakest first."""
        # There are ten times as many marks as reviews: whole numbers are counted, and
        # what they are worth is reckoned from the few sums.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT criterion_id, step, count(*)
                  FROM csp_quality_review_line
                 WHERE review_id IN (%s)
                   AND is_counted
                 GROUP BY criterion_id, step
                """,
                self._select(choice, is_random, "id"),
            )
        )
        counts = defaultdict(dict)
        for key, step, count in rows:
            counts[key][step] = count
        # sudo: csp.scorecard.criterion: names and scales of those counted above
        criteria = self.env["csp.scorecard.criterion"].sudo().browse(counts)
        found = []
        for criterion in criteria:
            marks = [
                (scoring.points(step, criterion._step_count()), count)
                for step, count in counts[criterion.id].items()
            ]
            found.append(
                {
                    "id": criterion.id,
                    "of": criterion.scorecard_id.display_name,
                    **_row(*_spread(marks)),
                    "bad": sum(
                        count for share, count in marks if share < scoring.BAD_BELOW
                    ),
                }
            )
        return sorted(
            self._named("criterion", found),
            key=lambda row: (row["few"], row.get("mean") or 0),
        )

    @api.model
    def _get_causes(self, choice, is_random, of):
        """In how many reviews a cause was named for a bad mark, the commonest first.

        `share` is that of all reviews of the choice, with its bounds; `mean` the score
        of the reviews in which it was named.

        :param of: number of these reviews
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT cause_id, count(*), avg(score), stddev_samp(score), sum(marks)
                  FROM (
                    SELECT chosen.cause_id, max(review.score)::float8 AS score,
                           count(*) AS marks
                      FROM (%s) AS review
                      JOIN csp_quality_review_line line ON line.review_id = review.id
                      JOIN csp_quality_review_line_cause_rel chosen
                           ON chosen.line_id = line.id
                     WHERE line.is_bad
                     GROUP BY chosen.cause_id, review.id
                  ) AS named
                 GROUP BY cause_id
                """,
                self._select(choice, is_random, "id", "score"),
            )
        )
        causes = []
        for key, count, *figures, marks in rows:
            low, high = proportion_interval(count, of)
            causes.append(
                {
                    "id": key,
                    **_row(count, *figures),
                    "marks": int(marks),
                    "share": {
                        "percent": _tidy(100 * count / of),
                        "low": _tidy(100 * low),
                        "high": _tidy(100 * high),
                    },
                }
            )
        return sorted(self._named("cause", causes), key=lambda row: -row["count"])

    @api.model
    def _named(self, dimension, rows):
        """The rows with the names of what they are of, by name; none comes last."""
        # sudo: csp.quality.figures: names of what stands in reviews the user may read
        records = (
            self.env[MODELS[dimension]]
            .sudo()
            .browse([row["id"] for row in rows if row["id"]])
        )
        names = {record.id: record.display_name for record in records}
        for row in rows:
            row["name"] = names.get(row["id"], "")
        return sorted(rows, key=lambda row: (not row["id"], row["name"].lower()))

    # === What an agent may know of his colleagues ===

    @api.model
    def _get_team_averages(self, choice):
        """The average of each team that the user belongs to, as far as it tells of
        nobody.

        Of whole months that are over (UTC), and of these only where reviews of at least
        three people were done. What somebody learns by choosing other periods is again
        an average of such months: no difference of two averages tells of fewer people.
        For the same reason neither the other filters nor the switch to all reviews make
        a difference here, and figures are whole per cents.
        """
        # sudo: helpdesk.ticket.team: the user's own teams, by name
        teams = (
            self.env["helpdesk.ticket.team"]
            .sudo()
            .search([("user_ids", "in", self.env.uid)])
        )
        first = choice.date_from
        if first.day > 1:
            first = end_of(first, "month") + timedelta(days=1)
        after = min(choice.date_to + timedelta(days=1), fields.Date.today())
        after = after.replace(day=1)
        rows = []
        if teams and first < after:
            # Every colleague is counted, but only what comes out is shown.
            rows = self.env.execute_query(
                SQL(
                    """
                    SELECT team_id, picked = 'random', count(DISTINCT agent_id),
                           count(*), sum(score::float8), sum(score::float8 ^ 2)
                      FROM csp_quality_review
                     WHERE team_id = ANY(%(teams)s)
                       AND company_id = ANY(%(companies)s)
                       AND done_at >= %(first)s
                       AND done_at < %(after)s
                       AND state <> 'to_do'
                       AND calibration_id IS NULL
                       AND is_scored
                     GROUP BY team_id, company_id, picked = 'random',
                              date_trunc('month', done_at)
                    """,
                    teams=teams.ids,
                    companies=self.env.companies.ids,
                    first=first,
                    after=after,
                )
            )
        cells = defaultdict(list)
        for team, is_random, people, *sums in rows:
            cells[team, is_random].append((people, sums))
        averages = []
        for team in teams:
            # A month with reviews drawn at random is always shown by these alone.
            chosen = cells[team.id, True] or cells[team.id, False]
            told = [sums for people, sums in chosen if people >= PEOPLE_BEHIND_AVERAGE]
            row = _row(0)
            if told:
                count, total, squares = map(sum, zip(*told, strict=True))
                mean = total / count
                variance = max(0.0, squares - count * mean * mean) / (count - 1)
                row = _row(count, mean, sqrt(variance), digits=0)
            averages.append({"id": team.id, "name": team.display_name, **row})
        return averages

    # === Kept promises and opinions ===

    @api.model
    def _set_beside(self, data, choice):
        """Put kept promises and opinions of the same tickets, teams and days beside."""
        wanted = [name for name in ("agent", "team") if name in data["by"]]
        for name, figures in (
            ("promises", self._get_promises(choice)),
            ("opinions", self._get_opinions(choice)),
        ):
            data[name] = _share(*figures.get((None, 0), (0, 0)))
            for dimension in wanted:
                for row in data["by"][dimension]:
                    row[name] = _share(*figures.get((dimension, row["id"]), (0, 0)))

    @api.model
    def _get_promises(self, choice):
        """Promises kept among those kept or missed, of each agent and team.

        A promise counts when it was missed, else when it ended, for who has the ticket.
        """
        return self._count_beside(
            choice,
            SQL(
                """
                SELECT ticket_id, state = 'met' AS is_good,
                       COALESCE(missed_at, ended_at) AS at
                  FROM csp_commitment
                 WHERE state IN ('met', 'missed')
                   AND company_id = ANY(%s)
                """,
                self.env.companies.ids,
            ),
        )

    @api.model
    def _get_opinions(self, choice):
        """Happy answers among all, of each agent and team, when they were given."""
        return self._count_beside(
            choice,
            SQL(
                """
                SELECT res_id AS ticket_id, rating_text = 'top' AS is_good,
                       COALESCE(rated_on, write_date) AS at
                  FROM rating_rating
                 WHERE res_model = 'helpdesk.ticket'
                   AND consumed
                   AND rating_text <> 'none'
                """
            ),
        )

    @api.model
    def _count_beside(self, choice, facts):
        """How many facts on tickets are good, and how many there are.

        :param facts: query of `ticket_id`, `is_good` and `at`
        :return: ``{(dimension, id): (good, all)}``, of all by (None, 0)
        """
        since, until = self._moments(choice.date_from, choice.date_to)
        conditions = [SQL("ticket.company_id = ANY(%s)", self.env.companies.ids)]
        if choice.scope == "mine":
            conditions.append(SQL("ticket.user_id = %s", self.env.uid))
        elif choice.scope == "teams":
            conditions.append(
                SQL("ticket.team_id = ANY(%s)", self._get_led_teams().ids)
            )
        if choice.team:
            # sudo: helpdesk.ticket.team: which teams are below the chosen one
            below = self.env["helpdesk.ticket.team"].sudo()
            below = below.with_context(active_test=False).search(
                [("id", "child_of", choice.team)]
            )
            conditions.append(SQL("ticket.team_id = ANY(%s)", below.ids))
        if choice.channel:
            conditions.append(SQL("ticket.channel_id = %s", choice.channel))
        rows = self.env.execute_query(
            SQL(
                """
                SELECT GROUPING(user_id, team_id), user_id, team_id,
                       count(*) FILTER (WHERE fact.is_good), count(*)
                  FROM (%(facts)s) AS fact
                  JOIN helpdesk_ticket ticket ON ticket.id = fact.ticket_id
                 WHERE fact.at >= %(since)s
                   AND fact.at < %(until)s
                   AND %(conditions)s
                 GROUP BY GROUPING SETS ((), (user_id), (team_id))
                """,
                facts=facts,
                since=since,
                until=until,
                conditions=SQL(" AND ").join(conditions),
            )
        )
        figures = {}
        for mask, user, team, good, count in rows:
            key = {3: (None, 0), 1: ("agent", user), 2: ("team", team)}[mask]
            figures[key[0], key[1] or 0] = (good, count)
        return figures


def _row(count, mean=None, deviation=None, digits=1):
    """What is said of the mean of so many values between 0 and 100."""
    if count < MINIMUM_FOR_MEANS:
        return {"count": count, "few": True}
    # Floats of values that are all alike may miss 0 by a hair.
    low, high = bounded_mean_interval(mean, round(deviation or 0, 6), count, 100)
    return {
        "count": count,
        "few": False,
        "mean": _tidy(mean, digits),
        "low": _tidy(low, digits),
        "high": _tidy(high, digits),
    }


def _spread(marks):
    """Number, mean and deviation, in per cent, of shares that occur so many times."""
    count = sum(times for _share, times in marks)
    mean = sum(share * times for share, times in marks) / count
    squares = sum((share - mean) ** 2 * times for share, times in marks)
    deviation = sqrt(squares / (count - 1)) if count > 1 else 0.0
    return count, float(100 * mean), 100 * deviation


def _share(good, count):
    """What is said of so many good ones among all."""
    if count < MINIMUM_FOR_MEANS:
        return {"count": count, "few": True}
    low, high = proportion_interval(good, count)
    return {
        "count": count,
        "few": False,
        "good": good,
        "mean": _tidy(100 * good / count),
        "low": _tidy(100 * low),
        "high": _tidy(100 * high),
    }


def _tidy(percent, digits=1):
    """As much of a number as is shown, between 0 and 100."""
    return round(min(100.0, max(0.0, percent)), digits)
