from freezegun import freeze_time

from odoo.tests import new_test_user

from . import test_query_counts
from .common import CspCommon

MANY = test_query_counts.MANY
#: Pairs of tickets with less than a hundred steps that are due.
SOME = 8
STEPS = [
    {"trigger": "before", "offset_percent": 50, "recipients": "assignee"},
    {"trigger": "after", "recipients": "team_leader"},
    {"trigger": "unassigned", "offset_minutes": 30, "recipients": "team_leader"},
]


def use_list(case):
    """The company's tickets follow a list with steps before, after and for nobody's."""
    case.env.company.csp_escalation_list_id = case.env["csp.escalation.list"].create(
        {
            "name": "Late",
            "last_resort_id": case.manager.id,
            "step_ids": [(0, 0, step) for step in STEPS],
        }
    )


class TestQueryCountsWithList(test_query_counts.TestQueryCounts):
    """The same, within the same bounds, where tickets follow an escalation list."""

    allow_inherited_tests_method = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        use_list(cls)


class TestSweepQueryCounts(CspCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        use_list(cls)
        cls._create_policy(
            [
                {
                    "match_all": True,
                    "first_response_minutes": 60,
                    "resolution_minutes": 120,
                }
            ]
        )
        leader = new_test_user(
            cls.env, "csp_leader", groups="helpdesk_mgmt.group_helpdesk_user"
        )
        cls.team = cls.env["helpdesk.ticket.team"].create(
            {"name": "Team", "user_id": leader.id, "user_ids": cls.agent.ids}
        )

    def _queries(self, count, at):
        """Queries of one batch of the sweep with so many tickets, without the telling,
        which grows with the people told."""
        with freeze_time(self.at()):
            self.env["helpdesk.ticket"].create(
                [
                    {
                        "name": f"Ticket {number}",
                        "description": "x",
                        "team_id": self.team.id,
                        "user_id": self.agent.id if with_user else False,
                    }
                    for number in range(count)
                    for with_user in (True, False)
                ]
            )
        Commitment = self.env["csp.commitment"]
        Concern = self.env["csp.escalation.concern"]
        self.env.flush_all()
        self.env.invalidate_all()
        with freeze_time(at):
            before = self.cr.sql_log_count
            self.assertTrue(Commitment._work_batch(Commitment._take_due, 1000))
            Commitment._work_batch(Concern._take_due, 1000)
            queries = self.cr.sql_log_count - before
        return queries

    def test_sweep(self):
        for what, at in (
            ("before and unassigned", self.at(minutes=31)),
            ("all at once", self.at(hours=3)),
        ):
            with self.subTest(what):
                counts = []
                for count in (1, 1, SOME, MANY):
                    savepoint = self.cr.savepoint()
                    counts.append(self._queries(count, at))
                    savepoint.close(rollback=True)
                    self.env.invalidate_all()
                self.assertEqual(counts[2], counts[1])
                # Odoo writes a hundred records in one statement.
                self.assertLessEqual(counts[3], counts[1] + 12)
                self.assertLessEqual(counts[1], 50)
