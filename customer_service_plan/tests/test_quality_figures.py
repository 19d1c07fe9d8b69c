import json
from datetime import datetime

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import HttpCase, new_test_user, tagged

from ..models.protected import BY_ADDON
from .quality import QualityCommon

#: The day on which figures are looked at; reviews are of the months before.
TODAY = datetime(2026, 6, 17, 12, 0)


class FiguresCommon(QualityCommon):
    """One criterion with five steps: scores of 0, 25, 50, 75 and 100."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scorecard.active = False
        cls.simple = cls._create_scorecard(
            [{"name": "Attentive", "weight": 10, "scale": "5"}], name="Simple"
        )
        cls.third = new_test_user(
            cls.env, "csp_third", groups="helpdesk_mgmt.group_helpdesk_user_own"
        )
        cls.team.user_ids += cls.third
        cls.email = cls.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_email")

    @classmethod
    def _done(cls, *scores, agent=None, at=None, picked="by_hand", **vals):
        """Reviews with these scores of one agent's tickets, done at a moment."""
        agent = agent or cls.agent
        company = vals.pop("company", cls.env.company)
        vals = {"team_id": cls.team.id, "channel_id": cls.email.id, **vals}
        # sudo: csp.quality.review: as a sampling makes them
        Review = cls.env["csp.quality.review"].sudo()
        with freeze_time(at or datetime(2026, 5, 12, 10, 0)):
            tickets = cls.env["helpdesk.ticket"].create(
                [
                    {
                        "name": f"Ticket {place}",
                        "description": "x",
                        "user_id": agent.id,
                        "company_id": company.id,
                        **vals,
                    }
                    for place in range(len(scores))
                ]
            )
            reviews = Review.with_context(csp_by_addon=BY_ADDON).create(
                [
                    {
                        "ticket_id": ticket.id,
                        "reviewer_id": cls.reviewer.id,
                        "picked": picked,
                    }
                    for ticket in tickets
                ]
            )
            reviews = reviews.with_user(cls.reviewer)
            for review, score in zip(reviews, scores, strict=True):
                cls._mark(review, score // 25 + 1)
            reviews.action_done()
        return reviews

    @classmethod
    def _figures(cls, user=None, **filters):
        Figures = cls.env["csp.quality.figures"].with_user(user or cls.manager)
        with freeze_time(TODAY):
            return Figures.csp_figures_data(filters)

    @classmethod
    def _names(cls, data, dimension):
        return [row["name"] for row in data["by"][dimension]]


class TestQualityFigures(FiguresCommon):
    """What is counted."""

    def test_average_with_bounds(self):
        self._done(100, 75, 75, 50, 100)
        total = self._figures()["total"]
        self.assertEqual((total["count"], total["mean"]), (5, 80))
        # Student's t of 4 degrees: 2.776 × 20.917 / √5
        self.assertEqual((total["low"], total["high"]), (54.0, 100))

    def test_all_alike_proves_little(self):
        self._done(100, 100, 100, 100, 100)
        total = self._figures()["total"]
        # Wilson's bounds of five of five
        self.assertEqual((total["low"], total["high"]), (56.6, 100))

    def test_too_few_to_tell(self):
        self._done(100, 75, 75, 50)
        total = self._figures()["total"]
        self.assertTrue(total["few"])
        self.assertEqual(total["count"], 4)
        self.assertNotIn("mean", total)

    def test_only_what_counts(self):
        self._done(100, 100, 100, 100, 100)
        self._begin(ticket=self._create_ticket(user_id=self.agent.id))
        calibration = self.env["csp.quality.calibration"].create(
            {"name": "Together", "scorecard_id": self.simple.id}
        )
        marked = self._done(0, 0)
        # sudo: csp.quality.review: as if they had been of a calibration
        marked.sudo().with_context(csp_by_addon=BY_ADDON).calibration_id = calibration
        without = self._done(0)
        # sudo: csp.quality.review.line: nothing applies
        line = without.line_ids.sudo().with_context(csp_by_addon=BY_ADDON)
        line.write({"step": 0, "not_applicable": True})
        self.assertFalse(without.is_scored)
        for user in (self.manager, self.lead, self.agent):
            data = self._figures(user)
            self.assertEqual((data["count"], data["total"]["mean"]), (5, 100))
            self.assertEqual([row["count"] for row in data["criteria"]], [5])

    def test_what_was_drawn_at_random_tells(self):
        self._done(0, 0, 0, 0, 0)
        data = self._figures()
        self.assertFalse(data["is_random"])
        self.assertEqual(data["total"]["mean"], 0)
        self._done(100, 100, 100, 100, 100, picked="random")
        data = self._figures()
        self.assertTrue(data["is_random"])
        self.assertEqual((data["count"], data["drawn"]), (10, 5))
        self.assertEqual(data["total"]["mean"], 100)
        self.assertEqual([row["mean"] for row in data["criteria"]], [100])
        data = self._figures(picks="all")
        self.assertFalse(data["is_random"])
        self.assertEqual((data["total"]["count"], data["total"]["mean"]), (10, 50))

    def test_by_agent_team_channel_and_scorecard(self):
        phone = self.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_phone")
        other = self.env["helpdesk.ticket.team"].create({"name": "Second line"})
        self._done(100, 100, 100, 100, 100)
        self._done(50, 50, 50, 50, 50, agent=self.colleague, team_id=other.id)
        self._done(0, agent=self.third, team_id=False, channel_id=phone.id)
        data = self._figures()
        means = {
            dimension: {row["name"]: row.get("mean") for row in rows}
            for dimension, rows in data["by"].items()
        }
        self.assertEqual(
            means["agent"],
            {self.agent.name: 100, self.colleague.name: 50, self.third.name: None},
        )
        self.assertEqual(
            means["team"], {"First line": 100, "Second line": 50, "": None}
        )
        self.assertEqual(self._names(data, "team")[-1], "")
        self.assertEqual(means["channel"][self.email.name], 75)
        self.assertEqual(set(means["scorecard"]), {"Simple"})
        self.assertEqual(self._figures(team_id=other.id)["total"]["mean"], 50)
        self.assertEqual(self._figures(channel_id=phone.id)["count"], 1)
        self.assertEqual(self._figures(scorecard_id=self.simple.id)["count"], 11)
        self.assertEqual(self._figures(scorecard_id=self.scorecard.id)["count"], 0)

    def test_teams_below_are_part_of_a_team(self):
        below = self.env["helpdesk.ticket.team"].create(
            {"name": "Night shift", "parent_id": self.team.id}
        )
        self._done(100, team_id=below.id)
        self.assertEqual(self._figures(team_id=self.team.id)["count"], 1)
        self.assertEqual(self._figures(self.lead)["count"], 1)

    def test_course_by_week_and_by_month(self):
        self._done(100, 100, 100, 100, 100, at=datetime(2026, 4, 8, 10, 0))
        self._done(50, 50, 50, 50, 50, at=datetime(2026, 4, 22, 10, 0))
        data = self._figures()
        self.assertEqual(data["choice"]["step"], "week")
        self.assertEqual(
            [(point["from"], point.get("mean")) for point in data["course"]],
            [("2026-04-06", 100), ("2026-04-13", None), ("2026-04-20", 50)],
        )
        data = self._figures(period="twelve_months")
        self.assertEqual(data["choice"]["step"], "month")
        self.assertEqual(
            [(point["from"], point["mean"]) for point in data["course"]],
            [("2026-04-01", 75)],
        )

    def test_days_are_those_of_the_reader(self):
        # Half past midnight of 1 May in Athens.
        self._done(100, at=datetime(2026, 4, 30, 21, 30))
        may = {"period": "own", "date_from": "2026-05-01", "date_to": "2026-05-31"}
        april = {"period": "own", "date_from": "2026-04-30", "date_to": "2026-04-30"}
        Figures = self.env["csp.quality.figures"].with_user(self.manager)
        for tz, in_may in (("Europe/Athens", 1), ("Europe/Lisbon", 0)):
            local = Figures.with_context(tz=tz)
            with self.subTest(tz=tz):
                self.assertEqual(local.csp_figures_data(may)["count"], in_may)
                self.assertEqual(local.csp_figures_data(april)["count"], 1 - in_may)

    def test_causes_of_bad_marks(self):
        tool, habit = self.env["csp.quality.cause"].create(
            [{"name": "Tool"}, {"name": "Habit"}]
        )
        reviews = self._done(0, 25, 75, 100, 100)
        # sudo: csp.quality.review.line: causes as the reviewer chose them
        lines = reviews.sudo().line_ids.with_context(csp_by_addon=BY_ADDON)
        lines[0].cause_ids = tool | habit
        lines[1].cause_ids = tool
        # A mark that a dispute has made good needs no cause any more.
        lines[2].cause_ids = habit
        data = self._figures()
        self.assertEqual(
            [(row["name"], row["count"], row["marks"]) for row in data["causes"]],
            [("Tool", 2, 2), ("Habit", 1, 1)],
        )
        share = data["causes"][0]["share"]
        self.assertEqual(share["percent"], 40)
        # Wilson's bounds of 2 of 5
        self.assertEqual((share["low"], share["high"]), (11.8, 76.9))

    def test_criteria_of_versions_are_told_apart(self):
        second = self.simple.copy({"name": "Simple, again", "state": "in_use"})
        self._done(100, 100, 100, 100, 100)
        self.simple.active = False
        self._done(50, 50, 50, 50, 50)
        self.assertEqual(
            [(row["of"], row["mean"]) for row in self._figures()["criteria"]],
            [(second.display_name, 50), ("Simple", 100)],
        )

    def test_failed_and_errors(self):
        critical = self._create_scorecard(
            [
                {
                    "name": "Private",
                    "critical": "all",
                    "error_kind": "compliance",
                    "scale": "5",
                }
            ],
            name="Critical",
            sequence=1,
        )
        reviews = self._done(0, 100)
        self.assertEqual(reviews.scorecard_id, critical)
        total = self._figures()["total"]
        self.assertEqual(total["failed"], 1)
        self.assertEqual(total["errors"]["compliance"], 1)
        self.assertEqual(total["errors"]["customer"], 0)
        self.assertEqual(self._opened(self.manager, "failed"), reviews[0])

    def test_beside_promises_and_opinions(self):
        self._create_policy([{"match_all": True, "first_response_minutes": 60}])
        tickets = self.env["helpdesk.ticket"]
        for place in range(6):
            ticket = self._create_ticket(
                user_id=self.agent.id, team_id=self.team.id, at=self.at()
            )
            # One of six is late.
            self._reply(ticket, self.at(minutes=5 if place else 90), user=self.agent)
            tickets += ticket
        self._done(100, 100, 100, 100, 100, at=self.at(days=1))
        Rating = self.env["rating.rating"].sudo()
        model = self.env["ir.model"]._get_id("helpdesk.ticket")
        with freeze_time(self.at(days=1)):
            Rating.create(
                [
                    {
                        "res_model_id": model,
                        "res_id": ticket.id,
                        "rating": 5 if place < 4 else 1,
                        "consumed": True,
                        "rated_on": self.at(days=1),
                    }
                    for place, ticket in enumerate(tickets)
                ]
            )
        march = {"period": "own", "date_from": "2026-03-01", "date_to": "2026-03-31"}
        for user in (self.manager, self.lead, self.agent):
            with self.subTest(user=user.login):
                data = self._figures(user, **march)
                promises, opinions = data["promises"], data["opinions"]
                self.assertEqual((promises["good"], promises["count"]), (5, 6))
                self.assertEqual((opinions["good"], opinions["count"]), (4, 6))
        for dimension in ("agent", "team"):
            [row] = self._figures(**march)["by"][dimension]
            self.assertEqual(row["promises"]["mean"], 83.3)
            self.assertEqual(row["opinions"]["mean"], 66.7)
        other = self._figures(self.colleague, **march)
        self.assertEqual(other["promises"], {"count": 0, "few": True})
        self.assertEqual(other["opinions"], {"count": 0, "few": True})
        april = {"period": "own", "date_from": "2026-04-01", "date_to": "2026-04-30"}
        self.assertEqual(self._figures(**april)["promises"]["count"], 0)

    def test_as_many_queries_for_many_reviews(self):
        self._done(100, 75, 50)
        Figures = self.env["csp.quality.figures"].with_user(self.manager)
        counts = []
        for _time in range(2):
            self.env.invalidate_all()
            with freeze_time(TODAY):
                Figures.csp_figures_data({})
                self.env.invalidate_all()
                before = self.env.cr.sql_log_count
                Figures.csp_figures_data({})
            counts.append(self.env.cr.sql_log_count - before)
            for agent in (self.agent, self.colleague, self.third):
                self._done(*[100] * 10, agent=agent)
        self.assertEqual(*counts)

    def _opened(self, user, dimension=None, value=None, **filters):
        """Reviews that a click on a figure shows to a user."""
        Figures = self.env["csp.quality.figures"].with_user(user)
        with freeze_time(TODAY):
            action = Figures.csp_figures_reviews(filters, dimension, value)
        domain = json.loads(json.dumps(action["domain"], default=str))
        Review = self.env[action["res_model"]].with_user(user)
        return Review.search(domain).with_env(self.env)

    def test_what_is_behind_a_figure(self):
        first = self._done(0, 100, picked="random")
        second = self._done(50, agent=self.colleague, at=datetime(2026, 4, 8, 10, 0))
        cause = self.env["csp.quality.cause"].create({"name": "Tool"})
        # sudo: csp.quality.review.line: a cause as the reviewer chose it
        line = first[0].sudo().line_ids.with_context(csp_by_addon=BY_ADDON)
        line.cause_ids = cause
        criterion = self.simple.criterion_ids.id
        manager = self.manager
        self.assertEqual(self._opened(manager), first)
        self.assertEqual(self._opened(manager, picks="all"), first | second)
        everything = {"picks": "all"}
        for dimension, value, expected in (
            ("agent", self.colleague.id, second),
            ("team", self.team.id, first | second),
            ("channel", self.email.id, first | second),
            ("policy_version", 0, first | second),
            ("scorecard", self.simple.id, first | second),
            ("criterion", criterion, first | second),
            ("cause", cause.id, first[0]),
            ("course", "2026-04-06", second),
        ):
            with self.subTest(dimension=dimension):
                found = self._opened(manager, dimension, value, **everything)
                self.assertEqual(found, expected)
        self.assertEqual(self._opened(self.colleague, **everything), second)
        with self.assertRaises(UserError):
            self._opened(manager, "reviewer", self.reviewer.id)


class TestWhoSeesFigures(FiguresCommon):
    """Nobody learns of others what is not his."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_lead = new_test_user(
            cls.env, "csp_lead2", groups="helpdesk_mgmt.group_helpdesk_user_team"
        )
        cls.other_agent = new_test_user(
            cls.env,
            "csp_elsewhere",
            name="Somebody Elsewhere",
            groups="helpdesk_mgmt.group_helpdesk_user_own",
        )
        cls.other_team = cls.env["helpdesk.ticket.team"].create(
            {
                "name": "Second line",
                "user_id": cls.other_lead.id,
                "user_ids": [(6, 0, cls.other_agent.ids)],
            }
        )
        cls._done(100, 100, 100, 100, 100)
        cls._done(50, 50, 50, 50, 50, agent=cls.colleague)
        cls._done(0, 0, 0, 0, 0, agent=cls.other_agent, team_id=cls.other_team.id)

    def test_each_his_own(self):
        for user, scopes, mean in (
            (self.manager, ["all"], 50),
            (self.lead, ["teams"], 75),
            (self.other_lead, ["teams"], 0),
            (self.agent, ["mine"], 100),
            (self.colleague, ["mine"], 50),
        ):
            with self.subTest(user=user.login):
                data = self._figures(user)
                self.assertEqual(data["scopes"], scopes)
                self.assertEqual(data["total"]["mean"], mean)

    def test_what_is_not_theirs_is_refused(self):
        portal = new_test_user(self.env, "csp_portal", groups="base.group_portal")
        clerk = new_test_user(self.env, "csp_clerk", groups="base.group_user")
        Figures = self.env["csp.quality.figures"]
        for user, scope in (
            (self.agent, "all"),
            (self.agent, "teams"),
            (self.reviewer, "all"),
            (self.reviewer, "teams"),
            (self.lead, "all"),
            (portal, "mine"),
            (clerk, "mine"),
            (portal, None),
        ):
            for method in ("csp_figures_data", "csp_figures_reviews"):
                with self.subTest(user=user.login, scope=scope, method=method):
                    with self.assertRaises(AccessError):
                        call_kw(Figures.with_user(user), method, [{"scope": scope}], {})

    def test_an_agent_reads_no_colleague(self):
        """Neither by the page nor by filters of his own making."""
        others = self.colleague | self.other_agent | self.lead | self.reviewer
        for filters in (
            {},
            {"team_id": self.other_team.id},
            {"team_id": self.team.id, "picks": "all"},
            {"period": "own", "date_from": "2026-01-01", "date_to": "2026-12-31"},
        ):
            data = self._figures(self.agent, **filters)
            self.assertEqual((data["count"], data["total"]["mean"]), (5, 100))
            self.assertEqual(
                set(data["by"]), {"channel", "policy_version", "scorecard"}
            )
            text = json.dumps(data)
            for name in others.mapped("name"):
                self.assertNotIn(name, text)

    def test_a_reviewer_sees_no_figures_of_those_he_reviews(self):
        data = self._figures(self.reviewer)
        self.assertEqual((data["scopes"], data["count"]), (["mine"], 0))
        self.assertEqual(data["team_averages"], [])

    def test_a_leader_sees_his_teams_only(self):
        data = self._figures(self.lead, team_id=self.other_team.id)
        self.assertEqual(data["count"], 0)
        self.assertEqual(data["promises"]["count"], 0)
        data = self._figures(self.lead)
        self.assertEqual(self._names(data, "team"), ["First line"])
        self.assertNotIn("Somebody Elsewhere", json.dumps(data))

    def test_own_figures_of_a_leader(self):
        self.assertEqual(self._figures(self.lead, scope="mine")["count"], 10)
        self._done(25, agent=self.lead, team_id=self.other_team.id)
        data = self._figures(self.lead)
        self.assertEqual((data["scopes"], data["count"]), (["teams", "mine"], 10))
        self.assertEqual(self._figures(self.lead, scope="mine")["count"], 1)

    def test_other_companies(self):
        branch = self.env["res.company"].create({"name": "Branch"})
        head = new_test_user(
            self.env,
            "csp_head",
            groups="customer_service_plan.group_manager",
            company_id=branch.id,
            company_ids=[(6, 0, branch.ids)],
        )
        data = self._figures(head)
        self.assertEqual((data["count"], data["promises"]["count"]), (0, 0))
        self.assertEqual(data["by"]["agent"], [])
        self.assertNotIn("First line", json.dumps(data["options"]))
        self.reviewer.company_ids += branch
        self._done(
            75, agent=head, company=branch, team_id=False, at=datetime(2026, 5, 4)
        )
        self.assertEqual(self._figures(head)["count"], 1)
        self.assertEqual(self._figures()["count"], 15)

    def test_average_of_the_team_tells_of_nobody(self):
        """Less than three people: it would tell what one of them has."""
        self._done(0, 0, agent=self.third, at=datetime(2026, 6, 10, 10, 0))
        [average] = self._figures(self.agent)["team_averages"]
        self.assertEqual((average["count"], average["few"]), (0, True))
        # The month must be over, too: the third is of June.
        self._done(0, agent=self.third)
        [average] = self._figures(self.agent)["team_averages"]
        self.assertEqual((average["name"], average["count"]), ("First line", 11))
        # 5 × 100, 5 × 50, 1 × 0, in whole per cents
        self.assertEqual(average["mean"], 68)
        self.assertEqual(average["low"], round(average["low"]))
        self.assertEqual(self._figures(self.lead)["team_averages"], [])

    def test_no_difference_of_team_averages_tells_of_anybody(self):
        """Filters and parts of months give the same average, or none."""
        self._done(0, agent=self.third)
        # April with two people would tell of the other one.
        self._done(0, agent=self.third, at=datetime(2026, 4, 7, 10, 0))
        self._done(100, at=datetime(2026, 4, 7, 10, 0))
        averages = self._figures(self.agent)["team_averages"]
        self.assertEqual(averages[0]["count"], 11)
        for filters in (
            {"picks": "all"},
            {"channel_id": self.email.id},
            {"scorecard_id": self.scorecard.id},
            {"team_id": self.other_team.id},
            {"period": "last_month"},
            {"period": "own", "date_from": "2026-04-08", "date_to": "2026-06-11"},
            {"period": "own", "date_from": "2026-05-01", "date_to": "2026-05-31"},
        ):
            with self.subTest(filters=filters):
                data = self._figures(self.agent, **filters)
                self.assertEqual(data["team_averages"], averages)
        for day in ("2026-05-30", "2026-05-12"):
            data = self._figures(
                self.agent, period="own", date_from="2026-05-01", date_to=day
            )
            self.assertEqual(data["team_averages"][0]["count"], 0)

    def test_team_average_of_those_drawn_at_random(self):
        self._done(75, 75, 75, picked="random")
        self._done(75, 75, 75, agent=self.colleague, picked="random")
        [average] = self._figures(self.agent)["team_averages"]
        self.assertEqual(average["count"], 0)
        self._done(75, 75, 75, agent=self.third, picked="random")
        [average] = self._figures(self.agent)["team_averages"]
        self.assertEqual((average["count"], average["mean"]), (9, 75))

    def test_filters_that_make_no_sense(self):
        for filters in (
            "all",
            ["scope"],
            {"scope": "everybody"},
            {"period": "ever"},
            {"picks": "best"},
            {"period": "own"},
            {"period": "own", "date_from": "yesterday", "date_to": "today"},
            {"period": "own", "date_from": "2026-05-02", "date_to": "2026-05-01"},
            {"period": "own", "date_from": "1950-05-02", "date_to": "2026-05-01"},
            {"period": "own", "date_from": "0001-01-01", "date_to": "0001-01-02"},
            {"channel_id": "1 OR 1=1"},
            {"channel_id": [1]},
            {"scorecard_id": -1},
            {"scorecard_id": 2**40},
        ):
            with self.subTest(filters=filters):
                with self.assertRaises(UserError):
                    self.env["csp.quality.figures"].with_user(
                        self.manager
                    ).csp_figures_data(filters)
        Figures = self.env["csp.quality.figures"].with_user(self.manager)
        for dimension, value in (("course", "x"), ("agent", "x"), ("agent", -1)):
            with self.assertRaises(UserError):
                Figures.csp_figures_reviews({}, dimension, value)

    def test_strange_time_zones(self):
        Figures = self.env["csp.quality.figures"].with_user(self.manager)
        for tz in ("Nowhere/Land", "'; DROP TABLE", "Pacific/Apia"):
            with freeze_time(TODAY):
                data = Figures.with_context(tz=tz).csp_figures_data({})
            self.assertEqual(data["count"], 15)

    def test_days_back_end_where_the_month_begins(self):
        self.assertEqual(
            [
                (choice["date_from"], choice["date_to"])
                for choice in (
                    self._figures(period=period)["choice"]
                    for period in (
                        "this_month",
                        "last_month",
                        "three_months",
                        "twelve_months",
                    )
                )
            ],
            [
                ("2026-06-01", "2026-06-17"),
                ("2026-05-01", "2026-05-31"),
                ("2026-04-01", "2026-06-17"),
                ("2025-07-01", "2026-06-17"),
            ],
        )


@tagged("post_install", "-at_install")
class TestQualityFiguresTour(FiguresCommon, HttpCase):
    def test_manager_goes_from_a_figure_to_its_reviews(self):
        now = fields.Datetime.now()
        self._done(100, 75, 75, 50, 100, at=now)
        self._done(0, at=now, agent=self.colleague, picked="random")
        self.start_tour(
            "/odoo/quality-figures", "csp_quality_figures_tour", login="csp_manager"
        )

    def test_agent_looks_at_his_own(self):
        self._done(100, 75, 75, 50, 100, at=fields.Datetime.now())
        self.start_tour("/odoo/my-quality", "csp_my_quality_tour", login="csp_agent")
