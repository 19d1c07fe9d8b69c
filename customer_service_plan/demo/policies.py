"""Policies at every point of their life: in force, in review, on trial, coming, due for
review; read and signed by half of the team."""

import random
from datetime import timedelta

from odoo import fields
from odoo.fields import Command

from ..tools import matching
from ..tools.epoch import from_epoch, to_epoch

#: Days ago.
WRITTEN, BEGAN = 24, 20
#: Days from now.
ENDS, TAKES_EFFECT = 8, 10
CASES = 108
SEED = 20260601
#: What customers ask in the weeks of the trial, how we answer, and what they say.
REQUESTS = (
    (
        "Receipt printer cuts off the last line",
        "A new driver does it, see here.",
    ),
    ("How do I print yesterday's report again?", "Menu, reports, choose the day."),
    ("Scale does not go back to zero", "Please press tare for three seconds."),
    ("Till asks for a password since the update", "We have set a new one for you."),
    ("Wrong price on the shelf label", "Sent again from here; look in ten minutes."),
    ("Card terminal is slow", "The line was changed; it is faster now."),
    ("Scanner beeps twice", "A setting; scan the code in the attachment."),
    ("Need a copy of the invoice of March", "Attached, with the one of April."),
    ("Drawer opens by itself", "A loose cable; here is a picture."),
    ("Can a second till share the printer?", "It can, here is how."),
    ("Article missing after the import", "It was in the wrong group, moved."),
    ("Display stays dark in the morning", "Energy saving was on; it is off now."),
)
OPINIONS = (
    (5, "Quick and clear."),
    (5, ""),
    (4, "Fine."),
    (3, "Took a while."),
    (1, ""),
)


class Policies:
    """The life of the demo company's policies; `company` is `company._Company`."""

    def __init__(self, company):
        self.company = company
        self.env = company.env
        self.manager = company.user("manager")
        self.approver = self.env.ref("base.user_admin")
        self.team = company.ref("helpdesk_ticket_team_service_demo")

    def begin(self):
        """Before anything is published: the plan, and who has to read what."""
        plan = self.company.ref("csp_plan_demo")
        plan.with_user(self.manager).action_put_in_force()
        for name in ("contract", "standard", "visits"):
            self.company.ref(f"csp_policy_{name}_demo").write(
                {
                    "plan_id": plan.id,
                    "audience_team_ids": [Command.set(self.team.ids)],
                    "sign_within_days": 14,
                }
            )

    def approve(self, version):
        """Have a draft of the manager approved by somebody else."""
        version.with_user(self.manager).action_submit()
        version.with_user(self.approver).action_approve()

    def sign(self):
        """Anna has signed both, Luc one of them, and nobody else any."""
        for name, logins in (
            ("contract", ["agent"]),
            ("standard", ["agent", "agent2"]),
        ):
            version = self.company.ref(f"csp_policy_{name}_demo").current_version_id
            for login in logins:
                self._sign(version, self.company.user(login))

    def _sign(self, version, user):
        mine = self.env["csp.acknowledgement"].search(
            [("version_id", "=", version.id), ("user_id", "=", user.id)]
        )
        mine = mine.with_user(user)
        opened_at = version.published_at + timedelta(days=2)
        with self.company.at(opened_at):
            token = mine.action_open()["token"]
        with self.company.at(opened_at + timedelta(minutes=9)):
            mine.action_read_to_end(token)
            mine.action_acknowledge()

    def try_faster(self):
        """Three weeks ago a faster first reply was put on trial with some customers."""
        company = self.company
        policy = company.ref("csp_policy_standard_demo").with_user(self.manager)
        with company.at(company.now - timedelta(days=WRITTEN)):
            policy.action_new_version()
            version = policy.draft_version_id
            version.change_summary = (
                "Everybody is answered within two hours instead of four."
            )
            version.line_ids.filtered("match_all").write(
                {"first_response_minutes": 120, "goal_percent": 90}
            )
            self.approve(version)
            pilot = (
                self.env["csp.pilot"]
                .with_user(self.manager)
                .create(
                    {
                        "version_id": version.id,
                        "customer_mode": "share",
                        "share_percent": 40,
                        "date_start": company.now - timedelta(days=BEGAN),
                        "date_end": company.now + timedelta(days=ENDS),
                        "responsible_id": self.manager.id,
                        "criterion_ids": [
                            Command.create(
                                {
                                    "measure": "kept",
                                    "kind": "first_response",
                                    "comparison": "at_least",
                                    "threshold": 90,
                                }
                            ),
                            Command.create(
                                {
                                    "measure": "kept",
                                    "kind": "resolution",
                                    "comparison": "not_worse",
                                    "threshold": 10,
                                }
                            ),
                        ],
                    }
                )
            )
            pilot.action_start()
        cases = self._tell_cases(pilot)
        with company.at(company.now - timedelta(days=BEGAN - 1)):
            pilot.sudo()._find_participants()
            waiting = pilot.sudo().participation_ids
            waiting.filtered(lambda row: row.state == "to_tell")._tell()
        for login, days, text in (
            ("agent", 12, "Two hours are fine in the morning; at four it gets tight."),
            ("agent2", 6, "I leave longer mails for later, so that these come first."),
        ):
            with company.at(company.now - timedelta(days=days)):
                pilot.with_user(company.user(login)).action_comment(text)
        return pilot, cases

    def _tell_cases(self, pilot):
        """Requests in the weeks of the trial, of customers in it and others."""
        draw = random.Random(SEED)
        customers = self.env["res.partner"].search(
            [
                ("email", "!=", False),
                ("is_company", "=", True),
                ("user_ids", "=", False),
            ],
            order="id",
        )
        trial = pilot.sudo()._compiled()
        inside = customers.filtered(
            lambda customer: trial.has_customer(matching.Facts(customer=customer.id))
        )
        groups = (inside or customers, customers - inside or customers)
        cases = self.env["helpdesk.ticket"]
        for number in range(CASES):
            days_ago = (BEGAN - 1) * (1 - number / CASES) + 0.2
            customer = draw.choice(groups[number % 2])
            cases += self._tell_case(pilot.version_id, draw, customer, days_ago)
        return cases

    def _tell_case(self, version, draw, customer, days_ago):
        """One request, from its receipt to the opinion on it."""
        company = self.company
        timeline = company.ref("csp_hours_office_demo")._timeline()

        def after(moment, hours):
            return timeline.plan_deadline(moment, int(hours * 3600))

        name, answer = draw.choice(REQUESTS)
        begun = to_epoch(company.now - timedelta(days=days_ago))
        received_at = after(begun, draw.uniform(0.1, 2))
        agent = company.user(draw.choice(("agent", "agent", "agent2")))
        channel = self.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_email")
        with company.at(from_epoch(received_at)):
            ticket = company.take_in(name, "Could you help?", customer, agent, channel)
        tried = ticket.csp_policy_version_id == version
        to_reply = draw.uniform(0.2, 2.1) if tried else draw.uniform(0.4, 4.6)
        replied_at = after(received_at, to_reply)
        solved_at = after(replied_at, draw.expovariate(1 / 6))
        now = to_epoch(company.now)
        for moment, act in ((replied_at, "reply"), (solved_at, "solve")):
            if moment < now:
                company.sweep(ticket, from_epoch(moment))
                with company.at(from_epoch(moment)):
                    if act == "reply":
                        company.reply(ticket, answer)
                    else:
                        company.solve(ticket)
                        if draw.random() < 0.5:
                            company.rate(ticket, *draw.choice(OPINIONS))
        company.sweep(ticket, company.now)
        return ticket

    def propose(self):
        """The next version for contract customers waits for its approval."""
        policy = self.company.ref("csp_policy_contract_demo").with_user(self.manager)
        with self.company.at(self.company.now - timedelta(days=2)):
            policy.action_new_version()
            draft = policy.draft_version_id
            draft.change_summary = "By telephone they are answered within half an hour."
            phone = self.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_phone")
            segment = self.company.ref("csp_segment_contract_demo")
            draft.line_ids = [
                Command.create(
                    {
                        "sequence": 15,
                        "segment_ids": [Command.set(segment.ids)],
                        "channel_ids": [Command.set(phone.ids)],
                        "first_response_minutes": 30,
                        "next_response_minutes": 60,
                        "resolution_minutes": 480,
                        "goal_percent": 90,
                    }
                )
            ]
            draft.action_submit()

    def announce(self):
        """The third policy begins in some days."""
        policy = self.company.ref("csp_policy_visits_demo").with_user(self.manager)
        version = policy.draft_version_id
        self.approve(version)
        coming = fields.Date.add(self.company.now.date(), days=TAKES_EFFECT)
        version.action_publish(
            reason="Two people stand at the counter all day.", effective_date=coming
        )

    def let_a_review_be_due(self):
        """Contract customers: their policy should have been looked at last week."""
        policy = self.company.ref("csp_policy_contract_demo")
        policy.next_review_date = fields.Date.add(self.company.now.date(), days=-9)
        self.env["csp.policy.review"]._cron_open()

    def look_back(self, pilot):
        """Both versions in preparation are tried on past tickets."""
        contract = self.company.ref("csp_policy_contract_demo")
        for version in pilot.version_id + contract.draft_version_id:
            version.with_user(self.manager)._backtest_now()
