from collections import defaultdict
from itertools import combinations

from odoo import fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import format_date
from odoo.tools.misc import formatLang

from ..tools import agreement, scoring
from .plain_words import PlainWords
from .protected import BY_ADDON

#: What does not apply, among the steps of a scale.
NOT_APPLICABLE = 0
#: Marks as far apart as this share of their scale are to be talked about.
FAR_APART = 0.5
#: So many earlier calibrations are shown beside this one.
TREND = 8


class CspQualityCalibration(models.Model):
    """What came out of a calibration: marks side by side, and how alike they are.

    Agreement counts pairs of people: the share of pairs that gave the same mark, where
    "does not apply" is a mark like any other; and Krippendorff's alpha of the steps,
    nominal for yes and no, ordinal for longer scales, where what does not apply is
    missing. See `tools/agreement.py`.
    """

    _inherit = "csp.quality.calibration"

    # === For the page ===

    def csp_results_data(self):
        """Everything the page of the results shows, in the user's language.

        Whoever's own work was marked does not find that ticket among `tickets`. Shares
        and scores are per cent, differences points of a hundred.

        :return: dict of plain values; False until it is compared
        """
        self.ensure_one()
        self.check_access("read")
        if self.state != "compared":
            return False
        may_agree = self.may_lead
        # sudo: csp.quality.calibration: compared, and of those who may read it
        calibration = self.sudo()
        marks = _Marks(calibration)
        words = PlainWords(self.env)
        criteria = calibration._criteria_data(marks, words)
        return {
            "id": self.id,
            "may_agree": may_agree,
            "headline": calibration._headline(marks, criteria, words),
            "left_out": calibration._left_out(marks.tickets.grouped(marks.agent.get)),
            "reviewers": calibration._reviewers_data(marks, words),
            "criteria": criteria,
            "tickets": calibration._tickets_data(marks, words),
            "trend": self._trend_data(words),
        }

    def _headline(self, marks, criteria, words):
        people, tickets = len(marks.reviewers), len(marks.tickets)
        sentences = [
            self.env._(
                "Reviewers: %(people)s, tickets: %(tickets)s. In %(share)s of all "
                "pairs of marks, two people gave the same. Two scores of the same "
                "ticket were %(gap)s apart on average.",
                people=people,
                tickets=tickets,
                share=words.percent(self.alike_percent),
                gap=words.points(self.score_gap),
            )
        ]
        together = [
            criterion["name"]
            for criterion in criteria
            if criterion["verdict"] == "together"
        ]
        if together:
            sentences.append(
                self.env._(
                    "Talk about these first: %s",
                    ", ".join(self.env._("“%s”", name) for name in together),
                )
            )
        elif all(criterion["verdict"] == "too_few" for criterion in criteria):
            sentences.append(
                self.env._(
                    "Each criterion was marked too seldom to tell how alike you mark "
                    "it: with %s tickets or more, figures begin to mean something.",
                    agreement.MINIMUM_UNITS,
                )
            )
        return sentences

    def _criteria_data(self, marks, words):
        verdicts = {
            "good": self.env._("Good"),
            "fair": self.env._("Fairly good"),
            "together": self.env._("Look at it together"),
            "too_few": self.env._("Too few to tell"),
        }
        step_names = self.scorecard_id.criterion_ids._step_names()
        found = []
        for criterion in marks.criteria:
            units = list(marks.steps[criterion].values())
            pairs = agreement.count_pairs([list(unit.values()) for unit in units])
            applying = [
                [step for step in unit.values() if step != NOT_APPLICABLE]
                for unit in units
            ]
            level = "nominal" if criterion.scale == "yes_no" else "ordinal"
            alpha = agreement.alpha(applying, level)
            verdict = agreement.judge([list(unit.values()) for unit in units], alpha)
            names = step_names[criterion.scale]
            found.append(
                {
                    "id": criterion.id,
                    "name": criterion.name,
                    "section": criterion.section_id.name or "",
                    "allow_na": criterion.allow_na,
                    "steps": [
                        {
                            "step": step,
                            "name": name,
                            "text": criterion[f"step_{step}"] or "",
                        }
                        for step, name in enumerate(names, 1)
                    ],
                    "pairs": pairs.count,
                    "share": float(100 * (pairs.share or 0)),
                    "share_text": words.percent(float(100 * pairs.share))
                    if pairs.count
                    else "",
                    "alpha_text": self._coefficient_text(alpha),
                    "kappa_text": self._kappa_text(marks, criterion),
                    "verdict": verdict,
                    "verdict_label": verdicts[verdict],
                }
            )
        return found

    def _coefficient_text(self, value):
        return "" if value is None else formatLang(self.env, float(value), digits=2)

    def _kappa_text(self, marks, criterion):
        """Cohen's kappa, where two people alone have marked."""
        if len(marks.reviewers) != 2:
            return ""
        kappa = agreement.kappa(
            tuple(unit[reviewer] for reviewer in marks.reviewers)
            for unit in marks.steps[criterion].values()
            if len(unit) == 2 and NOT_APPLICABLE not in unit.values()
        )
        return self._coefficient_text(kappa)

    def _reviewers_data(self, marks, words):
        found = agreement.strictness(marks.points_by_ticket())
        labels = {
            "strict": self.env._("Stricter than the others"),
            "lenient": self.env._("More lenient than the others"),
            "alike": self.env._("No clear difference"),
            "too_few": self.env._("Too few tickets to tell"),
        }
        agreed = marks.agreed
        data = []
        for reviewer in marks.reviewers:
            row = found.get(reviewer)
            own = [
                (step, agreed[ticket, criterion])
                for criterion, units in marks.steps.items()
                for ticket, unit in units.items()
                for who, step in unit.items()
                if who == reviewer and (ticket, criterion) in agreed
            ]
            as_agreed = sum(step == mark.step for step, mark in own)
            data.append(
                {
                    "id": reviewer.id,
                    "name": reviewer.name,
                    "tickets": row.tickets if row else 0,
                    # False where there is none: programs get no None by XML-RPC.
                    "mean": 100 * row.mean if row else False,
                    "low": 100 * row.low if row and row.low is not None else False,
                    "high": 100 * row.high if row and row.high is not None else False,
                    "leaning": row.leaning if row else "too_few",
                    "label": labels[row.leaning if row else "too_few"],
                    "text": self._strictness_text(row, words),
                    "agreed_text": own
                    and self.env._(
                        "%(same)s of %(all)s marks as agreed",
                        same=as_agreed,
                        all=len(own),
                    )
                    or "",
                }
            )
        return data

    def _strictness_text(self, row, words):
        if not row:
            return self.env._("Nobody else has marked the same tickets.")
        mean = words.signed(words.points)(100 * row.mean)
        if row.low is None:
            return self.env._("%s against the others", mean)
        low, high = words.bounds(
            max(-100, 100 * row.low), min(100, 100 * row.high), "points"
        )
        return self.env._(
            "%(mean)s against the others, in truth between %(low)s and %(high)s",
            mean=mean,
            low=low,
            high=high,
        )

    def _tickets_data(self, marks, words):
        # An agent never reads what was marked of his own work.
        return [
            self._ticket_data(ticket, marks, words)
            for ticket in marks.tickets
            if marks.agent[ticket] != self.env.user
        ]

    def _ticket_data(self, ticket, marks, words):
        reviews = marks.reviews[ticket]
        rows = []
        for criterion in marks.criteria:
            unit = marks.steps[criterion].get(ticket, {})
            mark = marks.agreed.get((ticket, criterion))
            rows.append(
                {
                    "criterion_id": criterion.id,
                    "cells": {
                        str(reviewer.id): self._cell_data(
                            marks, ticket, criterion, reviewer
                        )
                        for reviewer in unit
                    },
                    "is_alike": len(set(unit.values())) < 2,
                    "is_far_apart": marks.is_far_apart(criterion, unit),
                    "agreed": bool(mark) and self._agreed_data(marks, mark),
                }
            )
        agreed_score = marks.agreed_score(ticket)
        return {
            "id": ticket.id,
            "name": " · ".join(filter(None, [ticket.number, ticket.name])),
            "rows": rows,
            "scores": {
                str(review.reviewer_id.id): words.percent(review.score)
                for review in reviews
                if review.is_scored
            },
            "agreed_score": ""
            if agreed_score is None
            else words.percent(float(agreed_score)),
            "comments": [
                {"reviewer": review.reviewer_id.name, "text": review.comment}
                for review in reviews
                if review.comment
            ],
        }

    def _agreed_data(self, marks, mark):
        return {
            "step": mark.step,
            "name": marks.name(mark.criterion_id, mark.step),
            "note": mark.note or "",
            "text": self.env._(
                "Agreed by %(who)s on %(day)s",
                who=mark.agreed_by_id.name,
                day=format_date(self.env, mark.agreed_at),
            ),
        }

    def _cell_data(self, marks, ticket, criterion, reviewer):
        line = marks.lines[ticket, criterion, reviewer]
        step = marks.steps[criterion][ticket][reviewer]
        return {
            "step": step,
            "name": marks.name(criterion, step),
            "is_bad": line.is_bad,
            "comment": line.comment or "",
            "causes": ", ".join(line.cause_ids.mapped("name")),
        }

    def _trend_data(self, words):
        """This calibration and those before it, which the user may read, the oldest
        first."""
        before = self.search(
            self._family_domain()
            & Domain("state", "=", "compared")
            & Domain("compared_at", "<=", self.compared_at),
            order="compared_at desc, id desc",
            limit=TREND,
        )
        return [
            {
                "id": one.id,
                "name": one.name,
                "date": format_date(self.env, one.compared_at),
                "share": one.alike_percent,
                "share_text": words.percent(one.alike_percent),
                "gap_text": words.points(one.score_gap),
                "is_this": one == self,
            }
            for one in reversed(before)
        ]

    def _count_pairs(self):
        """All pairs of marks for the same criterion of the same ticket."""
        self.ensure_one()
        marks = _Marks(self)
        return agreement.count_pairs(
            list(unit.values())
            for units in marks.steps.values()
            for unit in units.values()
        )

    # === The agreed mark ===

    def action_agree(self, ticket_id, criterion_id, step, note=None):
        """Write down what the mark for a criterion of a ticket should have been.

        :param int step: step of the scale; 0 where it does not apply; False takes back
            what was agreed on
        :param str note: why, for those who come later
        :raises AccessError: for everybody but managers and who leads it, and for whose
            work it is
        :raises UserError: before it is compared, for a ticket or a criterion that was
            not marked here, and for a step that the scale does not have
        """
        self.ensure_one()
        self._check_may_agree()
        # sudo: csp.quality.calibration: checked above; marks by this addon only
        calibration = self.sudo()
        reviews = calibration._done_reviews().filtered(
            lambda review: review.ticket_id.id == ticket_id
        )
        criterion = calibration.scorecard_id.criterion_ids.filtered(
            lambda one: one.id == criterion_id
        )
        if not reviews or not criterion:
            raise UserError(self.env._("That was not marked in this calibration."))
        if self.env.user in reviews.agent_id:
            raise AccessError(self.env._("Others agree on marks of your own work."))
        is_step = step is False or (type(step) is int and step >= NOT_APPLICABLE)
        if not is_step or step is not False and step > criterion._step_count():
            raise UserError(self.env._("“%s” has no such step.", criterion.name))
        if step is not False and not step and not criterion.allow_na:
            raise UserError(self.env._("“%s” always applies: mark it.", criterion.name))
        calibration._agree([(ticket_id, criterion, step, note)])
        return True

    def action_agree_where_alike(self):
        """Agree on the marks that all gave alike, where nothing is agreed on yet.

        :return: how many
        :raises AccessError: for everybody but managers and who leads it
        :raises UserError: before it is compared
        """
        self.ensure_one()
        self._check_may_agree()
        # sudo: csp.quality.calibration: checked above; marks by this addon only
        calibration = self.sudo()
        marks = _Marks(calibration)
        alike = [
            (ticket.id, criterion, next(iter(unit.values())), None)
            for criterion, units in marks.steps.items()
            for ticket, unit in units.items()
            if len(unit) > 1
            and len(set(unit.values())) == 1
            and (ticket, criterion) not in marks.agreed
            and marks.agent[ticket] != self.env.user
        ]
        calibration._agree(alike)
        return len(alike)

    def _check_may_agree(self):
        self.check_access("read")
        if not self.may_lead:
            raise AccessError(
                self.env._("Managers write down what was agreed on, or who leads it.")
            )
        if self.state != "compared":
            raise UserError(self.env._("First compare, then agree."))

    def _agree(self, agreed):
        """Write down agreed marks: ticket id, criterion, step or False, note."""
        # sudo: csp.quality.calibration.mark: whoever calls has checked the user
        Mark = self.env["csp.quality.calibration.mark"].sudo()
        Mark = Mark.with_context(csp_by_addon=BY_ADDON)
        known = {
            (mark.ticket_id.id, mark.criterion_id): mark
            for mark in self.mark_ids.with_env(Mark.env)
        }
        agents = {review.ticket_id.id: review.agent_id.id for review in self.review_ids}
        new = []
        for ticket_id, criterion, step, note in agreed:
            mark = known.get((ticket_id, criterion), Mark)
            if step is False:
                mark.unlink()
                continue
            values = {
                "step": step,
                "not_applicable": step == NOT_APPLICABLE,
                "note": note.strip() or False if isinstance(note, str) else False,
                "agreed_by_id": self.env.uid,
                "agreed_at": fields.Datetime.now(),
            }
            if mark:
                mark.write(values)
            else:
                new.append(
                    {
                        "calibration_id": self.id,
                        "ticket_id": ticket_id,
                        "agent_id": agents[ticket_id],
                        "criterion_id": criterion.id,
                        **values,
                    }
                )
        Mark.create(new)
        self.invalidate_recordset(["mark_ids"])


class _Marks:
    """Marks of a calibration that are done, read at once.

    `steps` has for each criterion and ticket the step that each reviewer gave, 0 where
    he said that it does not apply.
    """

    def __init__(self, calibration):
        reviews = calibration._done_reviews().sorted("id")
        self.reviewers = reviews.reviewer_id.sorted("name")
        self.tickets = reviews.ticket_id
        self.reviews = {
            ticket: own.sorted(lambda one: one.reviewer_id.name or "")
            for ticket, own in reviews.grouped("ticket_id").items()
        }
        self.agent = {review.ticket_id: review.agent_id for review in reviews}
        self.criteria = calibration.scorecard_id._criteria_in_order()
        self.step_names = self.criteria._step_names()
        self.steps = {criterion: defaultdict(dict) for criterion in self.criteria}
        self.lines = {}
        for line in reviews.line_ids:
            ticket, reviewer = line.review_id.ticket_id, line.review_id.reviewer_id
            self.lines[ticket, line.criterion_id, reviewer] = line
            self.steps[line.criterion_id][ticket][reviewer] = (
                NOT_APPLICABLE if line.not_applicable else line.step
            )
        self.agreed = {
            (mark.ticket_id, mark.criterion_id): mark for mark in calibration.mark_ids
        }

    def name(self, criterion, step):
        if step == NOT_APPLICABLE:
            return criterion.env._("Does not apply")
        return self.step_names[criterion.scale][step - 1]

    def points_by_ticket(self):
        """For each ticket its criteria, with the share of the scale each one gave."""
        by_ticket = defaultdict(list)
        for criterion, units in self.steps.items():
            for ticket, unit in units.items():
                by_ticket[ticket].append(
                    {
                        reviewer: scoring.points(step, criterion._step_count())
                        for reviewer, step in unit.items()
                        if step != NOT_APPLICABLE
                    }
                )
        return by_ticket.values()

    def is_far_apart(self, criterion, unit):
        """Whether two of these marks are half of the scale apart, or one says that it
        does not apply."""
        steps = set(unit.values())
        if NOT_APPLICABLE in steps:
            return len(steps) > 1
        return any(
            abs(one - other) >= FAR_APART * (criterion._step_count() - 1)
            for one, other in combinations(steps, 2)
        )

    def agreed_score(self, ticket):
        """What the agreed marks of this ticket are worth, once all are there."""
        if not all((ticket, criterion) in self.agreed for criterion in self.criteria):
            return None
        return scoring.score(
            scoring.Mark(
                weight=criterion.weight,
                steps=criterion._step_count(),
                step=self.agreed[ticket, criterion].step or None,
                section=criterion.section_id.id or 0,
                critical=criterion.critical or "",
            )
            for criterion in self.criteria
        ).value
