from contextlib import ExitStack
from unittest.mock import patch

from .common import CspCommon

MANY = 50


class TestQueryCounts(CspCommon):
    """What promises cost: the queries with them, less those without.

    As many for fifty tickets as for one, and few for one ticket with nothing in the
    cache. Times depend on the machine (`make bench`), queries do not.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        times = {
            "first_response_minutes": 60,
            "next_response_minutes": 120,
            "resolution_minutes": 480,
        }
        cls.tags = cls.env["helpdesk.ticket.tag"].create([{"name": "A"}, {"name": "B"}])
        cls._create_policy(
            [
                {"priority_from": "3", "tag_ids": cls.tags[0].ids, **times},
                {**times, "priority_from": "3", "resolution_minutes": 240},
                {"match_all": True, **times},
            ]
        )
        cls.customers = cls.env["res.partner"].create(
            [
                {"name": f"Customer {index}", "email": f"customer{index}@example.com"}
                for index in range(5)
            ]
        )

    @classmethod
    def _values(cls, count):
        return [
            {
                "name": f"Ticket {index}",
                "description": "<p>Please help.</p>",
                "partner_id": cls.customers[index % 5].id,
                "priority": str(index % 3),
                "tag_ids": [(4, cls.tags[index % 2].id)],
            }
            for index in range(count)
        ]

    def _switched_off(self):
        """While this lasts, nothing is recorded and nothing promised."""
        stack = ExitStack()
        tickets = self.env.registry["helpdesk.ticket"]
        for name, value in (
            ("_csp_blank_facts", {}),
            ("_csp_message_kind", ""),
            ("_csp_sync", None),
        ):
            stack.enter_context(patch.object(tickets, name, return_value=value))
        return stack

    def _queries(self, work, count, **context):
        """Queries of `work` on new tickets, with nothing of records in the cache."""
        tickets = self.env["helpdesk.ticket"].create(self._values(count))
        tickets = tickets.with_user(self.agent).with_context(**context)
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        work(tickets)
        self.env.flush_all()
        return self.cr.sql_log_count - before

    def _added(self, work, count, **context):
        """Queries that promises add to `work`.

        Of three rounds the least counts: one that fills a cache of the process asks
        more.
        """
        with_promises, without = [], []
        for _round in range(3):
            with_promises.append(self._queries(work, count, **context))
            with self._switched_off():
                without.append(self._queries(work, count, **context))
        return min(with_promises) - min(without)

    def assertAdded(self, work, at_most, **context):
        one, many = (self._added(work, count, **context) for count in (1, MANY))
        self.assertEqual(one, many, f"queries added for 1 and for {MANY} tickets")
        self.assertLessEqual(one, at_most)
        self.assertTrue(one, "the addon was not switched on and off at all")

    def test_create(self):
        def work(tickets):
            tickets.create(self._values(len(tickets)))

        self.assertAdded(work, 3)

    def test_stage_write(self):
        for stage in (self.stage_progress, self.stage_waiting, self.stage_done):
            with self.subTest(stage.name):
                self.assertAdded(
                    lambda tickets, to=stage: tickets.write({"stage_id": to.id}), 7
                )

    def test_archive(self):
        self.assertAdded(lambda tickets: tickets.action_archive(), 7)

    def test_priority(self):
        """Matched again: another promise, measured from the events."""
        self.assertAdded(lambda tickets: tickets.write({"priority": "3"}), 7)

    def test_priority_in_the_chatter(self):
        """The same, and one line in each chatter."""
        self.assertAdded(
            lambda tickets: tickets.write({"priority": "3"}), 20, tracking_disable=False
        )

    def test_public_message(self):
        def work(ticket):
            ticket.message_post(
                body="Done.", message_type="comment", subtype_xmlid="mail.mt_comment"
            )

        self.assertLessEqual(self._added(work, 1), 7)

    def test_mail_to_many(self):
        """A reply to the contacts of many tickets at once."""

        def work(tickets):
            composer = self.env["mail.compose.message"].with_user(self.agent)
            composer = composer.with_context(
                **tickets.env.context,
                active_ids=tickets.ids,
                default_composition_mode="mass_mail",
                default_model="helpdesk.ticket",
                default_res_ids=tickets.ids,
                default_subject="News",
                default_body="<p>We are on it.</p>",
                default_auto_delete=False,
            ).create({})
            composer._action_send_mail()

        self.assertAdded(work, 12)
        event = self.env["csp.ticket.event"].search([], order="id desc", limit=1)
        self.assertEqual(event.kind, "staff_reply")
