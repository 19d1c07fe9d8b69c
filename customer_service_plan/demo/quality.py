"""Two months of quality reviews: a sample each week, a colleague who writes over the
customers' heads and learns not to, reviewers who mark differently and talk about it."""

import random
from datetime import timedelta
from typing import NamedTuple

from odoo import fields
from odoo.fields import Command

from ..tools.epoch import from_epoch, to_epoch

SEED = 20260907
WEEKS = 8
#: Contacts of the two months that nothing else tells of, by agent and week.
CONTACTS = 5
#: How many weeks ago Luc was coached, and reviewers compared their marks.
COACHED, CALIBRATED = 4, 3
#: In which week he was blamed for what he had not quite done.
BLAMED = 3
AGENTS = ("agent", "agent2")
#: What was asked, what Anna answered, what Luc answered before he was coached.
CONTACT_TEXTS = (
    (
        "Bill is higher than last month",
        "We pay forty euro more than in spring, and nobody told us why.",
        "You are right, and I am sorry that our letter did not say it: since May the "
        "second scanner is on your contract. The page with both prices is on its way "
        "to you. If you give it back before the 30th, June is free of charge.",
        "Pos. 2 (SCN-X2) was added per CR 4471. See T&C 8.3.",
    ),
    (
        "The new till is slow in the morning",
        "The first customer waits two minutes every day.",
        "Two minutes are long with a queue in front of you. The till loads its prices "
        "at eight; I have moved that to six. Please tell me on Thursday whether the "
        "mornings are better, I have put it in my diary.",
        "Sync job collides with cold boot. Rescheduled the cron, should be OK.",
    ),
    (
        "How do I take an article back?",
        "A customer stands here with shoes of last week.",
        "Press Return, scan the receipt, choose the shoes, then Cash. If he has lost "
        "the receipt, press Without receipt and ask for his name. I stay on the line "
        "until it is done.",
        "RTN > scan > CSH. Without receipt: NR flow, see wiki.",
    ),
    (
        "Label printer out of paper signal does not stop",
        "There is paper in it, and it still beeps.",
        "That beep is no fun in a quiet shop. Open the flap and wipe the little glass "
        "eye on the left with a dry cloth: it thinks the roll is empty. If it beeps "
        "on, a new printer is with you tomorrow before ten.",
        "Clean the gap sensor. Otherwise RMA.",
    ),
    (
        "Two deliveries on one day",
        "Our man had to come twice for what fits in one box.",
        "Thank you for telling us: that was our planning, not the driver's. From now "
        "on your orders of one day leave together. You find this on your page under "
        "Deliveries.",
        "Split shipment because of stock allocation. Set your account to consolidate.",
    ),
    (
        "Access for our bookkeeper",
        "She needs the invoices, and nothing else.",
        "Ms Alvarez can see the invoices of all your shops from today, and nothing "
        "else. Her link is on its way; it holds for a week. Who is to be asked when "
        "she is on leave?",
        "Created user w/ role BK-RO. Pwd by mail.",
    ),
    (
        "Gift card is refused",
        "The balance is there, we looked twice.",
        "You looked right: the balance is there. The card was sold in our old system, "
        "which the till asks at night only. I have moved it over, please try again.",
        "Legacy GC. Migrated.",
    ),
)
THANKS = (
    "It works, thank you!",
    "Thank you, that helped.",
    "All is well again.",
    "Good to know, thanks.",
)
WHAT_WAS_GOOD = (
    "Calm, complete, and the customer knows what happens next.",
    "Took the customer's word seriously and mended the cause.",
    "Answered what was asked, and what would have been asked next.",
)
WHAT_TO_DO_BETTER = (
    "Right, but only for somebody who works here. Say it as you would at a counter.",
    "The abbreviations are ours, not the customer's. A sentence more would have done.",
    "It was solved quickly; the customer does not know it, since nobody told him.",
)
REMARKS = (
    "Thank you, I had not seen it that way.",
    "Agreed. I have put the sentence among my answers.",
    "",
)
PRIVACY_BREACH = "The invoice of another customer was attached to the answer."
BREACH_OBJECTION = (
    "The attachment was from the customer's own file: our system had put it there. I "
    "reported that on the same day."
)
BREACH_DECISION = (
    "The file was mixed up before Luc opened it, and he reported it. That is no breach "
    "of his. The rest of the mark stays: two sentences would have told the customer."
)
TONE_OBJECTION = (
    "The customer writes like this himself, we have known each other for years. I "
    "would not write so to anybody else."
)
COACHING_NOTES = (
    "Luc solves quickly and rightly; customers do not always understand how. We look "
    "at three answers together and write them again."
)
#: Kind, what is agreed on, and days until then.
COACHING_ACTIONS = (
    ("exercise", "Write three answers again without a single abbreviation", 7),
    ("agreement", "Read every answer aloud once before it is sent", 14),
    ("training", "Half a day at the counter with Anna", 32),
)


class Person(NamedTuple):
    """How somebody is reviewed, or reviews: chances of steps below the best."""

    before: float
    after: float


#: Chance that a mark is below the best, before and after the coaching.
SLIPS = {"agent": Person(0.12, 0.1), "agent2": Person(0.55, 0.22)}
#: How much more often a reviewer marks a step less, before and after they compared.
STRICTNESS = {
    "senior": Person(0, 0),
    "reviewer": Person(0.25, 0.05),
    "manager": Person(-0.05, 0),
}


#: Standards that Luc had to learn.
WEAK = ("csp_standard_expression", "csp_standard_friendly")
#: What he is blamed for, and what the others are.
TONE, HURRY = "csp_quality_cause_tone", "csp_quality_cause_hurry"


class Quality:
    """Reviews of the demo company; `company` is `company.Company`."""

    def __init__(self, company):
        self.company = company
        self.env = company.env
        self.manager = company.user("manager")
        self.draw = random.Random(SEED)
        today = company.now.date()
        #: Monday of the first week.
        self.first_day = fields.Date.start_of(today, "week") - timedelta(weeks=WEEKS)

    def tell_contacts(self):
        """Everyday requests of the two months, solved in their week.

        :return: the tickets
        """
        tickets = self.env["helpdesk.ticket"]
        customers = self.env["res.partner"].search(
            [
                ("email", "!=", False),
                ("is_company", "=", True),
                ("user_ids", "=", False),
            ],
            order="id",
        )
        for week in range(WEEKS):
            for place in range(CONTACTS * len(AGENTS)):
                login = AGENTS[place % len(AGENTS)]
                customer = self.draw.choice(customers)
                tickets += self._tell_contact(week, login, customer)
        return tickets

    def _tell_contact(self, week, login, customer):
        company, draw = self.company, self.draw
        timeline = company.ref("csp_hours_office_demo")._timeline()
        monday = fields.Datetime.to_datetime(self.first_day + timedelta(weeks=week))

        def after(moment, hours):
            return timeline.plan_deadline(moment, int(hours * 3600))

        name, question, good, bad = draw.choice(CONTACT_TEXTS)
        learned = login == "agent" or week >= WEEKS - COACHED
        received_at = after(to_epoch(monday), draw.uniform(0.2, 26))
        replied_at = after(received_at, draw.uniform(0.3, 3))
        thanked_at = after(replied_at, draw.uniform(0.5, 2))
        solved_at = after(thanked_at, draw.uniform(0.1, 1))
        agent = company.user(login)
        channel = self.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_email")
        with company.at(from_epoch(received_at)):
            ticket = company.take_in(name, question, customer, agent, channel)
        for moment, act, *details in (
            (replied_at, company.reply, good if learned else bad),
            (thanked_at, company.customer, draw.choice(THANKS)),
            (solved_at, company.solve),
        ):
            company.sweep(ticket, from_epoch(moment))
            with company.at(from_epoch(moment)):
                act(ticket, *details)
        with company.at(from_epoch(solved_at + 7200)):
            if draw.random() < 0.6:
                company.rate(
                    ticket, draw.choice((5, 5, 4) if learned else (4, 3, 1)), ""
                )
        return ticket

    def review(self):
        """A sample of each week, and what the reviewers made of it."""
        plan = (
            self.env["csp.quality.sampling"]
            .with_user(self.manager)
            .create(
                {
                    "name": "Four of each agent every week",
                    "period": "week",
                    "date_start": self.first_day,
                    "per_agent": 4,
                    "random_percent": 50,
                    "missed_promise": True,
                    "team_ids": [
                        Command.set(
                            self.company.ref("helpdesk_ticket_team_service_demo").ids
                        )
                    ],
                    "reviewer_ids": [
                        Command.create(
                            {"user_id": self.company.user(login).id, "capacity": 6}
                        )
                        for login in ("senior", "reviewer")
                    ],
                }
            )
        )
        with self.company.at(fields.Datetime.to_datetime(self.first_day)):
            plan.action_start()
        for week in range(1, WEEKS + 1):
            drawn_at = fields.Datetime.to_datetime(
                self.first_day + timedelta(weeks=week)
            ) + timedelta(hours=5)
            with self.company.at(drawn_at):
                run = plan.sudo()._make_run()
            self._do(run.review_ids.sorted("id"), drawn_at, week)
        return plan

    def _do(self, reviews, drawn_at, week):
        """Mark what was drawn, in the days after; some of the last are not done yet."""
        luc = reviews.filtered(
            lambda review: review.agent_id == self.company.user("agent2")
        )
        blamed = luc[:1] if week == BLAMED else luc.browse()
        # A week ago he objects to the first mark that is not the best.
        objects = week == WEEKS - 1
        # Of the latest reviews each agent has one still to answer.
        read = self.env["res.users"]
        for place, review in enumerate(reviews):
            moment = drawn_at + timedelta(
                days=1 + place % 4, hours=4, minutes=13 * place
            )
            if moment > self.company.now or (week == WEEKS and place % 3 == 2):
                continue
            self._mark(review, moment, review == blamed)
            answered_at = moment + timedelta(days=1, hours=2)
            if review == blamed:
                self._dispute(review, answered_at, True)
            elif objects and review in luc and self._has_less_than_best(review):
                self._dispute(review, answered_at, False)
                objects = False
            elif week < WEEKS or review.agent_id in read:
                self._confirm(review, answered_at)
            read |= review.agent_id

    def _has_less_than_best(self, review):
        marks = review.line_ids.filtered("is_counted")
        return any(mark.points < 100 for mark in marks)

    def _mark(self, review, moment, blamed=False):
        draw = self.draw
        reviewer = review.reviewer_id
        mine = review.with_user(reviewer)
        coached_at = self.company.now - timedelta(weeks=COACHED)
        compared_at = self.company.now - timedelta(weeks=CALIBRATED)
        slips = SLIPS.get(self._login(review.agent_id), SLIPS["agent"])
        strict = STRICTNESS[self._login(reviewer)]
        chance = slips.before if moment < coached_at else slips.after
        more = strict.before if moment < compared_at else strict.after
        weak = self.env["csp.standard"].union(*map(self.company.ref, WEAK))
        with self.company.at(moment):
            for line in mine.line_ids.sorted("id"):
                criterion = line.criterion_id
                step = criterion._step_count()
                is_weak = criterion.standard_id in weak
                likely = chance + more if is_weak else min(chance, 0.12) + more / 2
                if criterion.critical:
                    step -= blamed
                elif draw.random() < likely:
                    step -= 1
                    if is_weak and step > 1 and draw.random() < likely:
                        step -= 1
                line.step = step
                if line.is_bad:
                    line.comment = (
                        PRIVACY_BREACH
                        if criterion.critical
                        else draw.choice(WHAT_TO_DO_BETTER)
                    )
                    line.cause_ids = self.company.ref(TONE if is_weak else HURRY)
            better = mine.line_ids.filtered("is_bad")
            mine.comment = draw.choice(WHAT_TO_DO_BETTER if better else WHAT_WAS_GOOD)
            mine.action_done()

    def _login(self, user):
        """How the stories call this user, if they do."""
        for login in (*AGENTS, *STRICTNESS):
            if user == self.company.user(login):
                return login
        return None

    def _confirm(self, review, moment):
        """Most reviews are confirmed by the agent a day later."""
        if moment < self.company.now and self.draw.random() > 0.1:
            with self.company.at(moment):
                mine = review.with_user(review.agent_id)
                mine.action_acknowledge(self.draw.choice(REMARKS))

    def _dispute(self, review, moment, blamed):
        """Luc objects twice: to the breach of privacy, decided in part, and to a tone
        that nobody has decided on yet."""
        mine = review.with_user(review.agent_id)
        lines = mine.line_ids.sorted("points")
        critical = lines.filtered(lambda line: line.criterion_id.critical)
        disputed = critical + (lines - critical)[:1] if blamed else lines[:1]
        with self.company.at(moment):
            dispute = mine.action_dispute(
                BREACH_OBJECTION if blamed else TONE_OBJECTION,
                {line.id: "" for line in disputed},
            )
        if not blamed:
            return
        with self.company.at(moment + timedelta(days=2)):
            decided = dispute.with_user(self.manager)
            decided.action_decide(
                BREACH_DECISION,
                {
                    line.id: {
                        "accepted": bool(line.review_line_id.criterion_id.critical),
                        "step": 2,
                        "not_applicable": False,
                        "answer": "",
                    }
                    for line in decided.line_ids
                },
            )

    def coach(self):
        """Maria and Luc agree on what he does about it, and look again soon."""
        agent, coach = self.company.user("agent2"), self.manager
        agreed_at = self.company.now - timedelta(weeks=COACHED)
        reviews = self.env["csp.quality.review"].search(
            [
                ("agent_id", "=", agent.id),
                ("done_at", "<", agreed_at),
                ("state", "in", ("acknowledged", "final")),
                ("calibration_id", "=", False),
            ],
            order="done_at desc, id desc",
            limit=6,
        )
        weak = self.env["csp.standard"].union(*map(self.company.ref, WEAK))
        criteria = reviews.line_ids.criterion_id.filtered(
            lambda criterion: criterion.standard_id in weak
        )
        today = agreed_at.date()
        with self.company.at(agreed_at - timedelta(days=1)):
            coaching = (
                self.env["csp.coaching"]
                .with_user(coach)
                .create(
                    {
                        "agent_id": agent.id,
                        "coach_id": coach.id,
                        "review_ids": [Command.set(reviews.ids)],
                        "criterion_ids": [Command.set(criteria.ids)],
                        "notes": COACHING_NOTES,
                        "meeting_at": agreed_at,
                        "follow_up_date": fields.Date.add(
                            self.company.now.date(), days=3
                        ),
                        "action_ids": [
                            Command.create(
                                {
                                    "sequence": place,
                                    "kind": kind,
                                    "what": what,
                                    "due_date": fields.Date.add(today, days=days),
                                }
                            )
                            for place, (kind, what, days) in enumerate(COACHING_ACTIONS)
                        ],
                    }
                )
            )
            coaching.action_show()
        mine = coaching.with_user(agent)
        with self.company.at(agreed_at):
            mine.action_agree("I read my answers aloud now. It helps.")
        for place, action in enumerate(mine.action_ids.sorted("sequence")[:2]):
            with self.company.at(agreed_at + timedelta(days=5 + 8 * place)):
                action.action_done()

    def compare(self, tickets):
        """Three people mark the same contacts and find that one of them is strict."""
        started_at = self.company.now - timedelta(weeks=CALIBRATED, days=4)
        ended_at = started_at + timedelta(days=4)
        reviewed = self.env["csp.quality.review"].search([]).ticket_id
        closed = (tickets - reviewed).filtered(
            lambda ticket: ticket.csp_closed_at and ticket.csp_closed_at < started_at
        )
        people = self.env["res.users"].union(*map(self.company.user, STRICTNESS))
        calibration = (
            self.env["csp.quality.calibration"]
            .with_user(self.manager)
            .create(
                {
                    "name": "What is friendly, what is plain?",
                    "scorecard_id": self.company.ref("csp_scorecard_rules_written").id,
                    "ticket_ids": [Command.set(closed[-4:].ids)],
                    "reviewer_ids": [Command.set(people.ids)],
                    "due_date": ended_at.date(),
                }
            )
        )
        with self.company.at(started_at):
            calibration.action_start()
        for place, review in enumerate(calibration.sudo().review_ids.sorted("id")):
            self._mark(review, started_at + timedelta(days=1, minutes=11 * place))
        if calibration.state == "running":
            with self.company.at(ended_at):
                calibration.action_compare()
        return calibration
