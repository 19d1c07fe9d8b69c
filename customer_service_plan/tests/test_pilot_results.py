"""What came out of a trial, beside the others of the same weeks."""

from datetime import timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user

from ..models.protected import BY_ADDON
from .common import CspCommon

HOUR = 3600
#: How the promises of a group came out: state, number, opening seconds used.
GOOD = [("met", 61, HOUR), ("missed", 4, 5 * HOUR)]
WORSE = [("met", 70, 2 * HOUR), ("missed", 30, 9 * HOUR)]
FEW = [("met", 16, HOUR), ("missed", 1, 5 * HOUR)]


class PilotResultsCase(CspCommon):
    """A policy with a version in force and one on trial, for one customer, from Monday
    9:00 on for four weeks."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = cls._create_policy(
            [{"match_all": True, "first_response_minutes": 240}]
        )
        cls.in_force = cls.policy.current_version_id
        cls.approver = new_test_user(
            cls.env, "csp_approver", groups="customer_service_plan.group_manager"
        )
        cls.tester = cls.env["res.partner"].create(
            {"name": "Tessa Tester", "email": "tessa@example.com"}
        )
        with freeze_time(cls.at(days=-1)):
            cls.policy.action_new_version()
            cls.version = cls.policy.draft_version_id
            cls.version.line_ids.first_response_minutes = 120
            cls.version.with_user(cls.manager).action_submit()
            cls.version.with_user(cls.approver).action_approve()
        cls.responsible = new_test_user(
            cls.env, "csp_responsible", groups="helpdesk_mgmt.group_helpdesk_user_own"
        )
        cls.pilot = cls._create_pilot()
        with freeze_time(cls.at()):
            cls.pilot.action_start()

    @classmethod
    def _create_pilot(cls, **vals):
        return cls.env["csp.pilot"].create(
            {
                "version_id": cls.version.id,
                "customer_mode": "list",
                "partner_ids": [(6, 0, cls.tester.ids)],
                "responsible_id": cls.responsible.id,
                "date_end": cls.at(days=28),
                "criterion_ids": [
                    (0, 0, {"measure": "kept", "threshold": 80}),
                    (
                        0,
                        0,
                        {
                            "measure": "kept",
                            "comparison": "not_worse",
                            "threshold": 5,
                        },
                    ),
                    (0, 0, {"measure": "median", "threshold": 90}),
                    (0, 0, {"measure": "opinion", "threshold": 4}),
                    (0, 0, {"measure": "complaints", "threshold": 2}),
                    (0, 0, {"measure": "comments", "threshold": 1}),
                ],
                **vals,
            }
        )

    @classmethod
    def _create_group(cls, version, outcomes, kind="first_response", **vals):
        """Tickets of Tuesday whose promises of that version came out like this."""
        count = sum(number for _state, number, _used in outcomes)
        with freeze_time(cls.at(days=1)):
            tickets = cls.env["helpdesk.ticket"].create(
                [
                    {
                        "name": "Case",
                        "description": "Case",
                        "partner_id": cls.customer.id,
                        **vals,
                    }
                ]
                * count
            )
        tickets.csp_commitment_ids.with_context(csp_by_addon=BY_ADDON).unlink()
        by_addon = cls.env["csp.commitment"].with_context(csp_by_addon=BY_ADDON)
        states = [
            (state, used)
            for state, number, used in outcomes
            for _number in range(number)
        ]
        by_addon.create(
            [
                {
                    "ticket_id": ticket.id,
                    "kind": kind,
                    "policy_version_id": version.id,
                    "policy_line_id": version.line_ids.id,
                    "target_seconds": 4 * HOUR,
                    "started_at": cls.at(days=1),
                    "state": state,
                    "consumed_seconds": used,
                    "ended_at": state in ("met", "missed") and cls.at(days=3),
                }
                for ticket, (state, used) in zip(tickets, states, strict=True)
            ]
        )
        cls.env.flush_all()
        cls.env.cr.execute(
            "UPDATE helpdesk_ticket SET csp_policy_version_id = %s WHERE id = ANY(%s)",
            [version.id, tickets.ids],
        )
        cls.env.invalidate_all()
        return tickets

    def _rate(self, tickets, mark, consumed=True):
        self.env["rating.rating"].create(
            [
                {
                    "res_model_id": self.env["ir.model"]._get_id("helpdesk.ticket"),
                    "res_id": ticket.id,
                    "rating": mark,
                    "consumed": consumed,
                }
                for ticket in tickets
            ]
        )

    def _results(self, days=10, user=None, **context):
        with freeze_time(self.at(days=days)):
            pilot = self.pilot.with_user(user or self.manager)
            return pilot.with_context(lang="en_US", **context).csp_results_data()

    def _kind(self, results, kind="first_response"):
        [found] = [each for each in results["kinds"] if each["kind"] == kind]
        return found


class TestFigures(PilotResultsCase):
    def test_kept_with_bounds_and_difference(self):
        self._create_group(self.version, GOOD, partner_id=self.tester.id)
        self._create_group(self.in_force, WORSE)
        results = self._results()
        self.assertEqual(results["trial"]["tickets"], 65)
        self.assertEqual(results["others"]["tickets"], 100)
        kind = self._kind(results)
        trial, others = kind["trial"], kind["others"]
        self.assertEqual((trial["kept"], trial["cases"]), (61, 65))
        self.assertEqual((others["kept"], others["cases"]), (70, 100))
        self.assertAlmostEqual(trial["percent"], 93.846, 3)
        # Wilson's and Newcombe's bounds, worked out by hand.
        self.assertAlmostEqual(trial["low"], 85.22, 2)
        self.assertAlmostEqual(trial["high"], 97.58, 2)
        difference = kind["difference"]
        self.assertAlmostEqual(difference["value"], 23.846, 3)
        self.assertTrue(difference["sure"])
        self.assertEqual(trial["median"], HOUR)
        self.assertEqual(others["p90"], 9 * HOUR)
        self.assertEqual(kind["median_difference"]["value"], -HOUR)
        self.assertEqual(
            kind["sentences"],
            [
                "94 % (61 of 65) kept in the trial, 70 % (70 of 100) of the others. "
                "Better by 24 points; in truth by 12 to 34 points.",
                "Half of them took no longer than 1 h in the trial and 2 h in the "
                "others. Better by 1 h; in truth by 1 h to 1 h.",
            ],
        )
        self.assertEqual(
            results["summary"][-1], "First reply: " + " ".join(kind["sentences"])
        )

    def test_real_tickets_of_both_groups(self):
        tested = self._create_ticket(self.at(hours=1), partner_id=self.tester.id)
        other = self._create_ticket(self.at(hours=1))
        self.assertEqual(tested.csp_policy_version_id, self.version)
        self.assertEqual(other.csp_policy_version_id, self.in_force)
        self._reply(tested, self.at(hours=2))
        # Nobody answers the other one, and nobody has swept: it is late all the same.
        early = self._kind(self._results(days=0.2))
        self.assertEqual(early["others"]["open"], 1)
        self.assertEqual(early["others"]["cases"], 0)
        late = self._kind(self._results(days=2))
        self.assertEqual(late["trial"]["kept"], 1)
        self.assertEqual(late["trial"]["median"], HOUR)
        self.assertEqual((late["others"]["cases"], late["others"]["kept"]), (1, 0))
        self.assertEqual(late["others"]["late"], 1)
        self._sweep(self.at(days=2))
        self.assertEqual(self._kind(self._results(days=2)), late)

    def test_excused_and_cancelled_count_neither_way(self):
        outcomes = [("met", 2, HOUR), ("excused", 3, HOUR), ("cancelled", 5, HOUR)]
        self._create_group(self.version, outcomes, partner_id=self.tester.id)
        trial = self._kind(self._results())["trial"]
        self.assertEqual((trial["cases"], trial["excused"]), (2, 3))
        self.assertEqual(trial["timed"], 2)

    def test_only_the_same_weeks_company_and_policy(self):
        before = self._create_ticket(self.at(days=-2))
        after = self._create_ticket(self.at(days=29), partner_id=self.tester.id)
        self.assertEqual(before.csp_policy_version_id, self.in_force)
        self.assertEqual(after.csp_policy_version_id, self.in_force)
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        self._create_ticket(self.at(days=1), company_id=elsewhere.id)
        # More urgent ones have a policy of their own.
        self._create_policy(
            [{"priority_from": "3", "first_response_minutes": 15}],
            name="Urgent",
            sequence=1,
        )
        self._create_ticket(self.at(days=1), priority="3")
        results = self._results(days=30)
        self.assertEqual(results["trial"]["tickets"], 0)
        self.assertEqual(results["others"]["tickets"], 0)

    def test_too_few_is_said_so(self):
        self._create_group(self.version, FEW, partner_id=self.tester.id)
        self._create_group(self.in_force, WORSE)
        results = self._results()
        kind = self._kind(results)
        self.assertFalse(kind["difference"]["enough"])
        self.assertFalse(kind["difference"]["sure"])
        self.assertIn("Too few cases to tell", kind["sentences"][0])
        self.assertEqual(kind["rows"][0]["difference"], "too few")

    def test_may_be_chance(self):
        same = [("met", 31, HOUR), ("missed", 9, 5 * HOUR)]
        self._create_group(self.version, same, partner_id=self.tester.id)
        self._create_group(self.in_force, WORSE)
        kind = self._kind(self._results())
        self.assertTrue(kind["difference"]["enough"])
        self.assertFalse(kind["difference"]["sure"])
        self.assertIn("may be chance", kind["sentences"][0])

    def test_nothing_yet(self):
        results = self._results()
        self.assertFalse(results["kinds"])
        self.assertEqual({each["verdict"] for each in results["criteria"]}, {"too_few"})

    def test_no_results_before_it_begins(self):
        self.assertIs(self._results(days=-0.5), False)

    def test_opinions_and_complaints(self):
        tested = self._create_group(self.version, GOOD, partner_id=self.tester.id)
        others = self._create_group(self.in_force, WORSE)
        self._rate(tested[:40], 5)
        self._rate(tested[40:42], 1, consumed=False)
        self._rate(others[:20], 4)
        self._rate(others[20:40], 2)
        tested[:2].csp_is_complaint = True
        results = self._results()
        opinions = results["opinions"]
        self.assertEqual(
            (opinions["trial"]["cases"], opinions["trial"]["mean"]), (40, 5)
        )
        self.assertEqual(opinions["others"]["mean"], 3)
        self.assertTrue(opinions["difference"]["sure"])
        complaints = results["complaints"]
        self.assertEqual(complaints["trial"]["count"], 2)
        self.assertEqual(complaints["others"]["count"], 0)
        said = "\n".join(results["customers"]["sentences"])
        self.assertIn("5.0 on average in the trial (40 answers)", said)
        self.assertIn("Complaints: 3 % (2 of 65)", said)

    def test_queries_do_not_grow_with_the_tickets(self):
        self._create_group(self.version, [("met", 1, HOUR)], partner_id=self.tester.id)
        self._create_group(self.in_force, [("met", 1, HOUR)])
        self._results()

        def count():
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self._results()
            return self.env.cr.sql_log_count - before

        few = count()
        self._create_group(self.version, GOOD, partner_id=self.tester.id)
        self._create_group(self.in_force, GOOD)
        self.assertEqual(count(), few)


class TestVerdictsOfTrial(PilotResultsCase):
    def test_each_criterion(self):
        tested = self._create_group(self.version, GOOD, partner_id=self.tester.id)
        self._create_group(self.in_force, WORSE)
        self._rate(tested[:40], 5)
        tested[:2].csp_is_complaint = True
        results = self._results()
        kept, not_worse, median, opinion, complaints, comments = results["criteria"]
        self.assertEqual((kept["verdict"], kept["sure"]), ("reached", True))
        self.assertEqual(not_worse["verdict"], "reached")
        self.assertTrue(not_worse["sure"])
        self.assertEqual((median["verdict"], median["value"]), ("reached", 60))
        self.assertEqual((opinion["verdict"], opinion["value"]), ("reached", 5))
        self.assertEqual(complaints["verdict"], "not_reached")
        self.assertFalse(complaints["sure"])
        self.assertEqual(complaints["label"], "Not reached, not certain")
        self.assertIn("the other side of 2.0", complaints["why"])
        self.assertEqual(comments["verdict"], "not_reached")
        self.assertIn("reached 4, not reached 2", " ".join(results["summary"]))

    def test_fewer_cases_than_were_asked_for(self):
        self._create_group(self.version, FEW, partner_id=self.tester.id)
        self._create_group(self.in_force, WORSE)
        kept = self._results()["criteria"][0]
        self.assertEqual(kept["verdict"], "too_few")
        self.assertEqual(kept["why"], "17 cases so far, 30 are needed.")


class TestContamination(PilotResultsCase):
    def test_customers_on_both_sides(self):
        # Given to the trial by hand, or with another contact at that time.
        self._create_group(self.version, [("met", 3, HOUR)])
        self._create_group(self.version, [("met", 2, HOUR)], partner_id=self.tester.id)
        self._create_group(self.in_force, [("met", 4, HOUR)])
        results = self._results()
        found = results["contamination"]
        self.assertEqual(found["customers_in_both"], 1)
        self.assertEqual(found["trial_tickets_of_both"], 3)
        self.assertIn("both groups: 1", "\n".join(found["sentences"]))
        self.assertEqual(results["trial"]["customers"], 2)

    def test_without_chosen_staff_everybody_works_on_both(self):
        for partner in (self.tester, self.customer):
            ticket = self._create_ticket(
                self.at(hours=1), partner_id=partner.id, user_id=False
            )
            self._reply(ticket, self.at(hours=2))
        found = self._results()["contamination"]
        self.assertEqual(found["people_in_both"], 1)
        self.assertIsNone(found["trial_by_outsiders"])
        self.assertIn("No staff were chosen", "\n".join(found["sentences"]))

    def test_nothing_found(self):
        self._create_group(self.version, [("met", 3, HOUR)], partner_id=self.tester.id)
        found = self._results()["contamination"]
        self.assertIn("One customer alone", "\n".join(found["sentences"]))
        self.assertIn("not drawn by lot", found["chosen"])


class TestContaminationByStaff(PilotResultsCase):
    @classmethod
    def _create_pilot(cls, **vals):
        cls.colleague = new_test_user(
            cls.env, "csp_colleague", groups="helpdesk_mgmt.group_helpdesk_user"
        )
        cls.team = cls.env["helpdesk.ticket.team"].create(
            {"name": "Trial team", "user_ids": [(6, 0, cls.agent.ids)]}
        )
        return super()._create_pilot(
            customer_mode="everybody",
            partner_ids=False,
            team_ids=[(6, 0, cls.team.ids)],
            **vals,
        )

    def test_people_on_the_other_side(self):
        tested = [
            self._create_ticket(self.at(hours=1), team_id=self.team.id, user_id=False)
            for _number in range(3)
        ]
        self._reply(tested[0], self.at(hours=2), self.agent)
        self._reply(tested[1], self.at(hours=2), self.agent)
        self._reply(tested[1], self.at(hours=3), self.colleague)
        tested[2].user_id = self.colleague
        others = [
            self._create_ticket(self.at(hours=1), user_id=False) for _number in range(2)
        ]
        self._reply(others[0], self.at(hours=2), self.agent)
        self._reply(others[1], self.at(hours=2), self.colleague)
        results = self._results()
        self.assertEqual(results["trial"]["tickets"], 3)
        self.assertEqual(results["others"]["tickets"], 2)
        found = results["contamination"]
        self.assertEqual(found["trial_by_outsiders"], 2)
        self.assertEqual(found["others_by_staff"], 1)
        self.assertIn("2 of 3 requests of the trial", "\n".join(found["sentences"]))

    def test_nobody_is_named(self):
        ticket = self._create_ticket(self.at(hours=1), team_id=self.team.id)
        self._reply(ticket, self.at(hours=2), self.colleague)
        said = str(self._results())
        for person in (self.agent, self.colleague, self.customer):
            self.assertNotIn(person.name, said)


class TestWhoSeesResults(PilotResultsCase):
    def test_managers_and_who_is_responsible(self):
        self.assertTrue(self._results(user=self.manager))
        self.assertTrue(self._results(user=self.responsible))
        for user in (
            self.agent,
            new_test_user(
                self.env, "csp_head", groups="helpdesk_mgmt.group_helpdesk_manager"
            ),
        ):
            with self.assertRaises(AccessError):
                self._results(user=user)

    def test_not_of_another_company(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = new_test_user(
            self.env,
            "csp_stranger",
            groups="customer_service_plan.group_manager",
            company_id=elsewhere.id,
            company_ids=[(6, 0, elsewhere.ids)],
        )
        with self.assertRaises(AccessError):
            self._results(user=stranger)

    def test_in_the_language_of_the_reader(self):
        self.env["res.lang"]._activate_lang("lt_LT")
        self.env["res.lang"]._lang_get("lt_LT").decimal_point = ","
        tested = self._create_group(self.version, GOOD, partner_id=self.tester.id)
        self._rate(tested[:30], 5)
        self._rate(tested[30:40], 4)
        with freeze_time(self.at(days=10)):
            pilot = self.pilot.with_user(self.manager).with_context(lang="lt_LT")
            results = pilot.csp_results_data()
        self.assertIn("4,8", str(results["customers"]["rows"]))


class TestFrozenResults(PilotResultsCase):
    def test_kept_with_the_decision(self):
        tested = self._create_group(self.version, GOOD, partner_id=self.tester.id)
        self._create_group(self.in_force, WORSE)
        known = self._results(days=20)
        with freeze_time(self.at(days=20)):
            self.pilot.with_user(self.responsible).action_decide("stop", "Too dear")
        self.assertEqual(self.pilot.state, "stopped")
        # What happens to the tickets afterwards changes nothing any more.
        self._rate(tested, 1)
        tested[:30].unlink()
        results = self._results(days=40)
        self.assertEqual(results["trial"], known["trial"])
        self.assertEqual(results["kinds"], known["kinds"])
        self.assertEqual(results["opinions"]["trial"]["cases"], 0)
        self.assertIn("As known at the decision", results["as_of"])

    def test_cannot_be_forged(self):
        pilot = self.pilot.with_user(self.manager)
        with self.assertRaises(UserError):
            pilot.write({"frozen_results": {"trial": {"tickets": 1000}}})
        with self.assertRaises(UserError):
            pilot.copy({"frozen_results": {"trial": {}}})
        with self.assertRaises(UserError):
            pilot.with_context(csp_by_addon=True).write({"frozen_results": {}})
        new = (
            self.env["csp.pilot"]
            .with_user(self.manager)
            .with_context(default_frozen_results={"trial": {}})
            .create(
                {
                    "version_id": self.version.id,
                    "date_end": self.pilot.date_end + timedelta(days=90),
                }
            )
        )
        self.assertFalse(new.frozen_results)
        self.assertFalse(self.pilot.copy().frozen_results)
