from odoo import models

from ..tools.statistics import MINIMUM_CASES
from ..tools.trial import NOT_REACHED, REACHED, TOO_FEW
from .csp_commitment import COMMITMENT_KINDS
from .plain_words import PlainWords

#: From this share of a group's tickets on, one customer decides too much.
ONE_CUSTOMER = 0.25


class CspPilot(models.Model):
    """The results of a trial in words, in the language of whoever reads them."""

    _inherit = "csp.pilot"

    def _with_texts(self, figures):
        """The same figures with what the page says about them.

        `summary` has the sentences that say it all; `kinds` and `customers` have
        theirs, and the rows of a table, with cells for trial, others and difference;
        `contamination` what blurs the comparison.
        """
        words = PlainWords(self.env)
        kinds = [self._kind_with_texts(kind, words) for kind in figures["kinds"]]
        criteria = self._criteria_with_texts(figures["criteria"])
        contamination = dict(
            figures["contamination"],
            chosen=self._how_chosen_sentence(),
            sentences=self._contamination_sentences(figures, words),
        )
        headline = self._criteria_sentence(criteria)
        summary = [
            self._groups_sentence(figures, words),
            *([headline] if headline else []),
            *(
                self.env._(
                    "%(kind)s: %(text)s",
                    kind=kind["label"],
                    text=" ".join(kind["sentences"]),
                )
                for kind in kinds
            ),
        ]
        return {
            **figures,
            "state": self.state,
            "as_of": self._as_of_text(figures, words),
            "kinds": kinds,
            "criteria": criteria,
            "headline": headline,
            "contamination": contamination,
            "summary": summary,
            "customers": {
                "sentences": self._customers_sentences(figures, words),
                "rows": self._customers_rows(figures, words),
            },
        }

    def _as_of_text(self, figures, words):
        moment = words.moment(figures["measured_at"])
        if self.frozen_results:
            return self.env._("As known at the decision, %(moment)s", moment=moment)
        if figures["measured_at"] < figures["to"]:
            return self.env._(
                "As of %(moment)s. The trial goes on until %(end)s: whoever stops it "
                "at a lucky moment takes chance for success.",
                moment=moment,
                end=words.moment(figures["to"]),
            )
        return self.env._("As of %(moment)s", moment=moment)

    def _groups_sentence(self, figures, words):
        trial, others = figures["trial"], figures["others"]
        return self.env._(
            "Requests from %(begin)s to %(end)s: %(trial)s under the trial, of "
            "%(trial_customers)s customers; %(others)s others under the version in "
            "force, of %(others_customers)s customers.",
            begin=words.day(figures["from"]),
            end=words.day(min(figures["to"], figures["measured_at"]) - 1),
            trial=words.whole(trial["tickets"]),
            trial_customers=words.whole(trial["customers"]),
            others=words.whole(others["tickets"]),
            others_customers=words.whole(others["customers"]),
        )

    # === What was asked for ===

    def _criteria_with_texts(self, judged):
        Criterion = self.env["csp.pilot.criterion"]
        labels = {
            (REACHED, False): self.env._("Reached, not certain"),
            (REACHED, True): self.env._("Reached"),
            (NOT_REACHED, False): self.env._("Not reached, not certain"),
            (NOT_REACHED, True): self.env._("Not reached"),
            (TOO_FEW, True): self.env._("Too few to tell"),
        }
        criteria = [(Criterion.browse(each["criterion"]), each) for each in judged]
        return [
            {
                **each,
                "text": criterion.sentence,
                "label": labels[each["verdict"], each["sure"] is not False],
                "why": criterion._verdict_text(each),
            }
            for criterion, each in criteria
        ]

    def _criteria_sentence(self, criteria):
        if not criteria:
            return ""
        count = {
            verdict: sum(each["verdict"] == verdict for each in criteria)
            for verdict in (REACHED, NOT_REACHED, TOO_FEW)
        }
        if count[TOO_FEW] == len(criteria):
            return self.env._(
                "There are too few cases yet to tell whether what was asked for is "
                "reached."
            )
        if count[REACHED] == len(criteria):
            if any(each["sure"] is False for each in criteria):
                return self.env._(
                    "All that was asked for is reached, though not all of it beyond "
                    "doubt."
                )
            return self.env._("All that was asked for is reached.")
        return self.env._(
            "Of what was asked for: reached %(reached)s, not reached %(missed)s, too "
            "few cases to tell %(unknown)s.",
            reached=count[REACHED],
            missed=count[NOT_REACHED],
            unknown=count[TOO_FEW],
        )

    # === Promises ===

    def _kind_with_texts(self, compared, words):
        labels = dict(
            self.env["csp.commitment"]._fields["kind"]._description_selection(self.env)
        )
        label = labels.get(compared["kind"], dict(COMMITMENT_KINDS)[compared["kind"]])
        return {
            **compared,
            "label": label,
            "threshold": self._threshold_of_kept(compared["kind"]),
            "sentences": [
                self._kept_sentence(compared, words),
                *self._times_sentence(compared, words),
            ],
            "rows": self._kind_rows(compared, words),
        }

    def _threshold_of_kept(self, kind):
        """Per cent that a criterion asks for, to be drawn into the picture."""
        asked = self.criterion_ids.filtered(
            lambda each: (
                each.measure == "kept"
                and each.kind == kind
                and each.comparison == "at_least"
            )
        )
        return asked[:1].threshold or None

    def _share_text(self, side, number, words):
        return self.env._(
            "%(percent)s (%(number)s of %(cases)s)",
            percent=words.percent(side["percent"]),
            number=words.whole(side[number]),
            cases=words.whole(side["cases"]),
        )

    def _kept_sentence(self, compared, words):
        trial, others = compared["trial"], compared["others"]
        if not trial["cases"] and not others["cases"]:
            return self.env._("Nothing is decided yet.")
        if not trial["cases"]:
            return self.env._(
                "Nothing is decided in the trial yet; %(others)s kept of the others.",
                others=self._share_text(others, "kept", words),
            )
        if not others["cases"]:
            return self.env._(
                "%(trial)s kept in the trial; there are no others to compare with.",
                trial=self._share_text(trial, "kept", words),
            )
        text = self.env._(
            "%(trial)s kept in the trial, %(others)s of the others.",
            trial=self._share_text(trial, "kept", words),
            others=self._share_text(others, "kept", words),
        )
        said = self._difference_sentence(
            compared["difference"], words, "points", more_is_better=True
        )
        return f"{text} {said}"

    def _times_sentence(self, compared, words):
        trial, others = compared["trial"], compared["others"]
        if not trial["timed"] or not others["timed"]:
            return []
        text = self.env._(
            "Half of them took no longer than %(trial)s in the trial and %(others)s in "
            "the others.",
            trial=words.duration(trial["median"]),
            others=words.duration(others["median"]),
        )
        difference = compared["median_difference"]
        if difference and difference["enough"]:
            said = self._difference_sentence(
                difference, words, "duration", more_is_better=False
            )
            text = f"{text} {said}"
        return [text]

    def _difference_sentence(self, difference, words, unit, more_is_better):
        """What a difference of trial and others means.

        :param unit: points, duration or mark: how `PlainWords` writes it
        """
        if not difference or not difference["enough"]:
            return self.env._(
                "Too few cases to tell a difference from chance: it takes %s on either "
                "side.",
                words.whole(MINIMUM_CASES),
            )
        say = getattr(words, unit)
        value = difference["value"]
        # As gain: what is better counts upwards, whatever the figure.
        worst, best = sorted(
            bound if more_is_better else -bound
            for bound in (difference["low"], difference["high"])
        )
        if not difference["sure"]:
            values = {
                "value": say(abs(value)),
                "worse": say(abs(worst)),
                "better": say(abs(best)),
            }
            if not value:
                return self.env._(
                    "No difference; in truth between %(worse)s worse and %(better)s "
                    "better.",
                    **values,
                )
            if (value > 0) == more_is_better:
                return self.env._(
                    "Better by %(value)s, which may be chance: in truth between "
                    "%(worse)s worse and %(better)s better.",
                    **values,
                )
            return self.env._(
                "Worse by %(value)s, which may be chance: in truth between %(worse)s "
                "worse and %(better)s better.",
                **values,
            )
        least, most = sorted((abs(worst), abs(best)))
        say_first = words.bare_points if unit == "points" else say
        values = {
            "value": say(abs(value)),
            "least": say_first(least),
            "most": say(most),
        }
        if (value > 0) == more_is_better:
            return self.env._(
                "Better by %(value)s; in truth by %(least)s to %(most)s.", **values
            )
        return self.env._(
            "Worse by %(value)s; in truth by %(least)s to %(most)s.", **values
        )

    def _bounded_text(self, difference, words, unit):
        """A difference with its bounds, for a cell of the table."""
        if not difference:
            return ""
        if not difference["enough"]:
            return self.env._("too few")
        low, high = words.bounds(difference["low"], difference["high"], unit)
        return self.env._(
            "%(value)s (%(low)s to %(high)s)",
            value=words.signed(getattr(words, unit))(difference["value"]),
            low=low,
            high=high,
        )

    def _kind_rows(self, compared, words):
        def kept(side):
            return self._share_text(side, "kept", words) if side["cases"] else ""

        def figure(name, write):
            return lambda side: "" if side[name] is None else write(side[name])

        rows = [
            _row(
                self.env._("Kept"),
                compared,
                kept,
                self._bounded_text(compared["difference"], words, "points"),
            ),
            _row(
                self.env._("Half took no longer than"),
                compared,
                figure("median", words.duration),
                self._bounded_text(compared["median_difference"], words, "duration"),
            ),
            _row(
                self.env._("Nine of ten took no longer than"),
                compared,
                figure("p90", words.duration),
            ),
        ]
        rows += [
            _row(label, compared, figure(name, words.whole))
            for name, label in (
                ("late", self.env._("Open and late, counted as missed")),
                ("open", self.env._("Open and in time, not counted")),
                ("excused", self.env._("Excused, not counted")),
            )
            if compared["trial"][name] or compared["others"][name]
        ]
        return _table(rows)

    # === What customers say ===

    def _customers_sentences(self, figures, words):
        opinions, complaints = figures["opinions"], figures["complaints"]
        trial, others = opinions["trial"], opinions["others"]
        sentences = []
        if trial["cases"] and others["cases"]:
            text = self.env._(
                "Marks from 1 to 5: %(trial)s on average in the trial (%(answers)s "
                "answers), %(others)s by the others (%(other_answers)s answers).",
                trial=words.mark(trial["mean"]),
                answers=words.whole(trial["cases"]),
                others=words.mark(others["mean"]),
                other_answers=words.whole(others["cases"]),
            )
            said = self._difference_sentence(
                opinions["difference"], words, "mark", more_is_better=True
            )
            sentences.append(f"{text} {said}")
        elif not trial["cases"]:
            sentences.append(
                self.env._("No customer of the trial has given a mark yet.")
            )
        if complaints["trial"]["count"] or complaints["others"]["count"]:
            text = self.env._(
                "Complaints: %(trial)s of the requests in the trial, %(others)s of the "
                "others.",
                trial=self._complaints_text(complaints["trial"], words),
                others=self._complaints_text(complaints["others"], words),
            )
            said = self._difference_sentence(
                complaints["difference"], words, "points", more_is_better=False
            )
            sentences.append(f"{text} {said}")
        comments = figures["comments_from"]
        if figures["comments"]:
            sentences.append(
                self.env._(
                    "Comments on the trial: %(customers)s from customers, %(staff)s "
                    "from staff.",
                    customers=words.whole(comments["customer"]),
                    staff=words.whole(comments["staff"]),
                )
            )
        return sentences

    def _complaints_text(self, side, words):
        if not side["cases"]:
            return self.env._("none")
        return self._share_text(side, "count", words)

    def _marks_text(self, side, words):
        if not side["cases"]:
            return ""
        return self.env._(
            "%(mean)s (%(answers)s)",
            mean=words.mark(side["mean"]),
            answers=words.whole(side["cases"]),
        )

    def _customers_rows(self, figures, words):
        opinions, complaints = figures["opinions"], figures["complaints"]
        rows = [
            _row(
                self.env._("Requests"),
                figures,
                lambda side: words.whole(side["tickets"]),
            ),
            _row(
                self.env._("Complaints"),
                complaints,
                lambda side: self._complaints_text(side, words),
                self._bounded_text(complaints["difference"], words, "points"),
            ),
            _row(
                self.env._("Mean mark (answers)"),
                opinions,
                lambda side: self._marks_text(side, words),
                self._bounded_text(opinions["difference"], words, "mark"),
            ),
        ]
        return _table(rows)

    # === What blurs the comparison ===

    def _contamination_sentences(self, figures, words):
        found = figures["contamination"]
        trial, others = figures["trial"], figures["others"]
        sentences = []
        if found["trial_by_outsiders"]:
            sentences.append(
                self.env._(
                    "%(number)s of %(all)s requests of the trial were also worked on "
                    "by people who do not take part: they may have been treated like "
                    "the others.",
                    number=words.whole(found["trial_by_outsiders"]),
                    all=words.whole(trial["tickets"]),
                )
            )
        if found["others_by_staff"]:
            sentences.append(
                self.env._(
                    "People who take part also worked on %(number)s of %(all)s other "
                    "requests: these may have been treated like those of the trial.",
                    number=words.whole(found["others_by_staff"]),
                    all=words.whole(others["tickets"]),
                )
            )
        if found["trial_by_outsiders"] is None and found["people_in_both"]:
            sentences.append(
                self.env._(
                    "No staff were chosen for the trial: people who worked on both "
                    "groups: %s. What they do for one may change what they do for the "
                    "other.",
                    words.whole(found["people_in_both"]),
                )
            )
        if found["customers_in_both"]:
            sentences.append(
                self.env._(
                    "Customers with requests in both groups: %(number)s, with "
                    "%(tickets)s requests in the trial. What they say is about both.",
                    number=words.whole(found["customers_in_both"]),
                    tickets=words.whole(found["trial_tickets_of_both"]),
                )
            )
        share = _share_of_one_customer(trial)
        if share >= ONE_CUSTOMER:
            sentences.append(
                self.env._(
                    "One customer alone made %s of the trial's requests: they say less "
                    "about the others than their number.",
                    words.percent(100 * share),
                )
            )
        share = _share_of_one_customer(others)
        if share >= ONE_CUSTOMER:
            sentences.append(
                self.env._(
                    "One customer alone made %s of the other requests: they say less "
                    "than their number.",
                    words.percent(100 * share),
                )
            )
        return sentences or [
            self.env._(
                "Nothing found: no customer and nobody of the staff is on both sides."
            )
        ]

    def _how_chosen_sentence(self):
        """How far the groups can be compared at all."""
        if self.customer_mode == "share":
            return self.env._(
                "The customers of the trial were drawn by lot: apart from chance they "
                "are like the others."
            )
        if self.customer_mode == "everybody":
            return self.env._(
                "All customers take part with the chosen staff: the groups also differ "
                "in who works on them."
            )
        return self.env._(
            "The customers of the trial were chosen, not drawn by lot: they may differ "
            "from the others in more than the promise."
        )


def _share_of_one_customer(group):
    """Share of a group's requests that the one who asked most often made, 0 to 1."""
    if group["most"] < 2:
        return 0
    return group["most"] / group["tickets"]


def _row(label, compared, write, difference=""):
    """A row of a table: what `write` says of either side, and how they differ."""
    return {
        "label": label,
        "trial": write(compared["trial"]),
        "others": write(compared["others"]),
        "difference": difference,
    }


def _table(rows):
    """The rows for the page, without those that are empty on either side."""
    return [row for row in rows if row["trial"] or row["others"]]
