from math import sqrt

from odoo import models

from ..tools.statistics import MINIMUM_CASES, Interval, quantile
from ..tools.trial import NOT_WORSE, TOO_FEW, bar, judge, wants_more
from .csp_pilot_criterion import MORE_IS_BETTER
from .plain_words import PlainWords

#: Seconds of a unit in which a criterion on times is written.
MINUTE = 60


class CspPilotCriterion(models.Model):
    """Whether what was asked of a trial is reached, by the figures of its results."""

    _inherit = "csp.pilot.criterion"

    def _judge(self, figures):
        """Verdict on measured figures, in plain values without text.

        :param dict figures: of `csp.pilot._measure_results`
        :return: dict of verdict (reached, not_reached, too_few) and sure, and of value,
            low, high and against in the unit of the criterion; with `not_worse` these
            are differences of trial minus others
        """
        self.ensure_one()
        more_is_better = self.measure in MORE_IS_BETTER
        against = bar(self.comparison, self.threshold, more_is_better)
        upwards = wants_more(self.comparison, more_is_better)
        value, bounds, cases = self._figure(figures)
        verdict = judge(value, bounds, against, upwards, cases, self.minimum_cases)
        return {
            "criterion": self.id,
            **verdict._asdict(),
            "value": value,
            "low": bounds and bounds.low,
            "high": bounds and bounds.high,
            "against": against,
            "cases": cases,
        }

    def _figure(self, figures):
        """What is held against the threshold: value, bounds, cases; in the unit of the
        criterion."""
        found = {
            "kept": self._figure_of_kept,
            "median": self._figure_of_median,
            "opinion": self._figure_of_opinion,
            "complaints": self._figure_of_complaints,
            "comments": self._figure_of_comments,
        }[self.measure](figures)
        return found

    def _figure_of_kept(self, figures):
        compared = self._compared_kind(figures)
        if not compared:
            return None, None, 0
        return self._figure_of_shares(compared)

    def _figure_of_complaints(self, figures):
        return self._figure_of_shares(figures["complaints"])

    def _figure_of_shares(self, compared):
        trial, others = compared["trial"], compared["others"]
        if self.comparison == NOT_WORSE:
            cases = min(trial["cases"], others["cases"])
            return *_value_and_bounds(compared["difference"]), cases
        bounds = Interval(trial["low"], trial["high"])
        return trial["percent"], bounds, trial["cases"]

    def _figure_of_median(self, figures):
        compared = self._compared_kind(figures)
        if not compared:
            return None, None, 0
        trial, others = compared["trial"], compared["others"]
        if self.comparison == NOT_WORSE:
            value, bounds = _value_and_bounds(compared["median_difference"])
            cases = min(trial["timed"], others["timed"])
        else:
            value, cases = trial["median"], trial["timed"]
            bounds = None
            if trial["median_low"] is not None:
                bounds = Interval(trial["median_low"], trial["median_high"])
        return (
            None if value is None else value / MINUTE,
            bounds and Interval(*(limit / MINUTE for limit in bounds)),
            cases,
        )

    def _figure_of_opinion(self, figures):
        opinions = figures["opinions"]
        trial, others = opinions["trial"], opinions["others"]
        if self.comparison == NOT_WORSE:
            cases = min(trial["cases"], others["cases"])
            return *_value_and_bounds(opinions["difference"]), cases
        bounds = None
        # The quantile of the normal distribution needs a good number of answers.
        if trial["cases"] >= MINIMUM_CASES:
            reach = quantile(0.95) * trial["deviation"] / sqrt(trial["cases"])
            bounds = Interval(trial["mean"] - reach, trial["mean"] + reach)
        return trial["mean"], bounds, trial["cases"]

    def _figure_of_comments(self, figures):
        return figures["comments"], None, figures["trial"]["tickets"]

    def _compared_kind(self, figures):
        for compared in figures["kinds"]:
            if compared["kind"] == self.kind:
                return compared
        return None

    # === In words ===

    def _verdict_text(self, judged):
        """Why the verdict is as it is, in the user's language.

        :param dict judged: what `_judge` gave
        """
        self.ensure_one()
        words = PlainWords(self.env)
        if judged["verdict"] == TOO_FEW:
            return self.env._(
                "%(cases)s cases so far, %(minimum)s are needed.",
                cases=words.whole(judged["cases"]),
                minimum=words.whole(max(self.minimum_cases, 1)),
            )
        is_difference = self.comparison == NOT_WORSE
        say = {
            "kept": words.percent,
            "median": words.minutes,
            "opinion": words.mark,
            "complaints": words.mark,
            "comments": words.whole,
        }[self.measure]
        if is_difference:
            say = words.signed(words.points if self.measure == "kept" else say)
        values = {
            "value": say(judged["value"]),
            "cases": words.whole(judged["cases"]),
            "against": say(judged["against"]),
        }
        if judged["low"] is None:
            if self.measure == "comments":
                return self.env._("%(value)s came in.", value=values["value"])
            return self.env._("%(value)s, in %(cases)s cases.", **values)
        values |= {"low": say(judged["low"]), "high": say(judged["high"])}
        if is_difference and self.measure == "kept":
            values["low"] = words.signed(words.bare_points)(judged["low"])
        if is_difference:
            text = self.env._(
                "Difference to the others: %(value)s. The real one lies between "
                "%(low)s and %(high)s.",
                **values,
            )
        else:
            text = self.env._(
                "%(value)s, in %(cases)s cases. The real figure lies between %(low)s "
                "and %(high)s.",
                **values,
            )
        if judged["sure"]:
            return text
        doubt = self.env._(
            "So it may be on the other side of %(against)s as well: more cases would "
            "tell.",
            **values,
        )
        return f"{text} {doubt}"


def _value_and_bounds(difference):
    if difference is None:
        return None, None
    bounds = None
    if difference["enough"]:
        bounds = Interval(difference["low"], difference["high"])
    return difference["value"], bounds
