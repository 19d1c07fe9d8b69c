"""Several processes on one database: sweeps, replies, publishing, caches."""

import contextlib
import json
import textwrap
import time
import xmlrpc.client

from .common import MARK, ProcessCase, databases

#: A policy that promises an answer within an hour, day and night, and tickets whose
#: hour has been over since three days ago.
PREPARE = """
version = env["csp.policy"].create({{"name": "For everybody"}}).version_ids
version.line_ids = [(0, 0, {{
    "match_all": True, "first_response_minutes": 60, "resolution_minutes": 600000,
}})]
version.action_publish()
tickets = env["helpdesk.ticket"].with_context(tracking_disable=True).create([
    {{"name": f"Request {{number}}", "description": "x"}} for number in range({number})
])
env.cr.commit()
for table, columns in {{
    "csp_ticket_event": ["at"],
    "csp_commitment": ["started_at", "running_since", "deadline", "next_step_at"],
    "helpdesk_ticket": ["csp_received_at", "csp_next_deadline"],
}}.items():
    aged = ", ".join(f"{{c}} = {{c}} - interval '3 days'" for c in columns)
    env.cr.execute(f"UPDATE {{table}} SET {{aged}}")
env.invalidate_all()
result = tickets.ids
"""
SWEEP = 'env["csp.commitment"]._cron_sweep(batch_size={size})\n'
#: Whether what is stored is what a replay gives, on all tickets.
REPLAYED = """
def snapshot():
    env.invalidate_all()
    env.cr.execute('''
        SELECT ticket_id, kind, state, target_seconds, started_at, consumed_seconds,
               running_since, deadline, ended_at, missed_at, overrun_seconds
          FROM csp_commitment ORDER BY 1, 2, 5''')
    return env.cr.fetchall()
before = snapshot()
env["helpdesk.ticket"].search([])._csp_replay()
result = before == snapshot()
env.cr.rollback()
"""


class TestSweeps(ProcessCase):
    """Whoever sweeps, how many at once and how often: missed once, nothing lost."""

    def prepare(self, number):
        return self.shell(PREPARE.format(number=number))

    def assertAllMissedOnce(self, number):
        first = "kind = 'first_response'"
        self.assertEqual(self.count("csp_commitment", first), number)
        self.assertEqual(
            self.count(
                "csp_commitment",
                f"{first} AND state = 'missed' AND missed_at = deadline"
                " AND next_step_at IS NULL AND ended_at IS NULL",
            ),
            number,
        )
        events = self.sql(
            "SELECT count(*), count(DISTINCT ticket_id) FROM csp_ticket_event"
            " WHERE kind = 'missed'"
        )
        self.assertEqual(events, [[str(number), str(number)]])

    def test_four_sweeps_at_once(self):
        self.prepare(2000)
        self.together([SWEEP.format(size=50)] * 4)
        self.assertAllMissedOnce(2000)
        self.assertTrue(self.shell(REPLAYED))

    def test_twice_and_late(self):
        self.prepare(30)
        self.shell(SWEEP.format(size=7))
        self.assertAllMissedOnce(30)
        state = "SELECT md5(string_agg(c::text, '|' ORDER BY id)) FROM csp_commitment c"
        before = self.sql(state)
        cron = 'env.ref("customer_service_plan.ir_cron_sweep").method_direct_trigger()'
        self.shell(f"{cron}\n{cron}\n")
        self.assertEqual(self.sql(state), before)
        self.assertAllMissedOnce(30)

    def test_reply_and_sweep_at_the_same_moment(self):
        ids = self.prepare(120)
        reply = textwrap.dedent(f"""
            from odoo.service.model import retrying
            agent = env.ref("base.user_admin")
            for ticket_id in {ids}:
                def answer():
                    env["helpdesk.ticket"].with_user(agent).browse(
                        ticket_id
                    ).message_post(
                        body="Hello", message_type="comment",
                        subtype_xmlid="mail.mt_comment",
                    )
                retrying(answer, env)
                env.cr.commit()
        """)
        self.together([reply, SWEEP.format(size=3) * 20])
        self.assertEqual(self.count("csp_ticket_event", "kind = 'staff_reply'"), 120)
        self.assertEqual(self.count("csp_ticket_event", "kind = 'missed'"), 120)
        self.assertEqual(
            self.count(
                "csp_commitment",
                "kind = 'first_response' AND state = 'missed'"
                " AND ended_at IS NOT NULL AND overrun_seconds > 0",
            ),
            120,
        )
        self.assertTrue(self.shell(REPLAYED))

    def test_two_agents_at_the_same_moment(self):
        """A customer's message and a reply: whichever comes first, it is one story."""
        ids = self.prepare(40)
        self.shell(SWEEP.format(size=100))
        script = textwrap.dedent("""
            from odoo.service.model import retrying
            author = env.ref("base.user_admin").partner_id
            if {customer}:
                author = env["res.partner"].create({{"name": "Customer"}})
            env.cr.commit()
            for ticket_id in {ids}:
                def write():
                    env["helpdesk.ticket"].browse(ticket_id).message_post(
                        body="Hello", author_id=author.id, message_type="comment",
                        subtype_xmlid="mail.mt_comment",
                    )
                retrying(write, env)
                env.cr.commit()
        """)
        self.together([script.format(ids=ids, customer=who) for who in (True, False)])
        self.assertEqual(self.count("csp_ticket_event", "kind = 'staff_reply'"), 40)
        self.assertEqual(
            self.count("csp_ticket_event", "kind = 'customer_message'"), 40
        )
        self.assertTrue(self.shell(REPLAYED))

    def test_killed_in_the_middle_of_a_batch(self):
        self.prepare(100)
        written = self.folder / "written"
        process = self.start_shell(
            textwrap.dedent(f"""
                import pathlib, time
                Commitment = type(env["csp.commitment"])
                close = Commitment._close_dossiers
                batches = []
                def close_and_wait(self, *args, **kwargs):
                    close(self, *args, **kwargs)
                    batches.append(1)
                    if len(batches) == 2:
                        pathlib.Path({str(written)!r}).touch()
                        time.sleep(600)
                Commitment._close_dossiers = close_and_wait
                env["csp.commitment"]._cron_sweep(batch_size=30)
            """)
        )
        self.wait_for_file(written, process)
        process.kill()
        process.wait()
        # The first batch was saved, of the second one nothing.
        self.assertEqual(self.count("csp_ticket_event", "kind = 'missed'"), 30)
        self.assertEqual(self.count("csp_commitment", "state = 'missed'"), 30)
        self.shell(SWEEP.format(size=30))
        self.assertAllMissedOnce(100)

    def poison(self, ids):
        """Give the promises of these tickets hours that cannot be built."""
        ((hours,),) = self.sql(
            "INSERT INTO csp_hours (name, tz, active, always_open, revision) VALUES"
            " ('{\"en_US\": \"Broken\"}', 'Mars/Olympus', true, false, 1) RETURNING id"
        )
        listed = ", ".join(map(str, ids))
        self.sql(
            f"UPDATE csp_commitment SET hours_id = {hours}, hours_revision = 1"
            f" WHERE ticket_id IN ({listed})"
        )
        return hours

    def run_noisy(self, script):
        """Run a script that is expected to log errors; give its log."""
        code, text = databases.odoo(
            self.database,
            "--no-http",
            log=self._testMethodName,
            program=("-m", "odoo", "shell"),
            script=f"exec({script!r})\nenv.cr.commit()\nprint({MARK!r} + 'done')\n",
        )
        self.assertEqual(code, 0)
        self.assertIn(f"{MARK}done", text, text[-3000:])
        return text

    def test_broken_record_does_not_stop_the_others(self):
        ids = self.prepare(50)
        broken = ids[10:13]
        hours = self.poison(broken)
        text = self.run_noisy(SWEEP.format(size=20))
        self.assertEqual(text.count("could not be brought up to date"), 3)
        self.assertEqual(self.count("csp_commitment", "state = 'missed'"), 47)
        postponed = (
            "state = 'running' AND kind = 'first_response' AND next_step_at"
            " > now() AT TIME ZONE 'UTC' + interval '50 minutes'"
        )
        self.assertEqual(self.count("csp_commitment", postponed), 3)
        self.assertNotIn("could not be", self.run_noisy(SWEEP.format(size=20)))
        # Mended: they are missed at their deadline, as if nothing had been.
        self.sql(
            f"UPDATE csp_hours SET tz = 'UTC', always_open = true WHERE id = {hours};"
            f"UPDATE csp_commitment SET next_step_at = deadline WHERE {postponed}"
        )
        self.shell(SWEEP.format(size=20))
        self.assertAllMissedOnce(50)

    def test_broken_hours_do_not_keep_the_replanning_busy(self):
        ids = self.prepare(50)
        broken = self.poison(ids[:25])
        ((good,),) = self.sql(
            "INSERT INTO csp_hours (name, tz, active, always_open, revision) VALUES"
            " ('{\"en_US\": \"Good\"}', 'UTC', true, true, 2) RETURNING id"
        )
        listed = ", ".join(map(str, ids[25:]))
        self.sql(
            f"UPDATE csp_commitment SET hours_id = {good}, hours_revision = 1"
            f" WHERE ticket_id IN ({listed});"
            f"UPDATE csp_hours SET revision = 2 WHERE id = {broken}"
        )
        triggers = (
            "SELECT count(*) FROM ir_cron_trigger t JOIN ir_model_data d"
            " ON d.res_id = t.cron_id AND d.name = 'ir_cron_replan'"
        )
        before = self.sql(triggers)
        text = self.run_noisy('env["csp.commitment"]._cron_replan(batch_size=10)\n')
        self.assertEqual(text.count("could not be brought up to date"), 25)
        self.assertEqual(
            self.count("csp_commitment", f"hours_id = {good} AND hours_revision = 2"),
            50,
        )
        self.assertEqual(self.sql(triggers), before)


class TestCaches(ProcessCase):
    """What one process publishes, the next ticket of another one is promised."""

    @contextlib.contextmanager
    def program(self):
        """A program that talks to a server of its own, as the administrator."""
        mute = "--log-handler=odoo.addons.rpc.controllers.xmlrpc:ERROR"
        with self.server("--max-cron-threads=0", mute) as address:
            uid = xmlrpc.client.ServerProxy(
                f"{address}/xmlrpc/2/common", allow_none=True
            ).authenticate(self.database, "admin", "admin", {})
            proxy = xmlrpc.client.ServerProxy(
                f"{address}/xmlrpc/2/object", allow_none=True
            )

            def call(model, method, *args, **kwargs):
                return proxy.execute_kw(
                    self.database, uid, "admin", model, method, args, kwargs
                )

            yield call

    def new_ticket(self, call):
        ticket_id = call("helpdesk.ticket", "create", {"name": "x", "description": "x"})
        names = ["csp_received_at", "csp_next_deadline", "csp_policy_line_id"]
        (found,) = call("helpdesk.ticket", "read", [ticket_id], names)
        self.assertTrue(found["csp_received_at"])
        return found

    def minutes(self, ticket):
        """Minutes from receipt to the deadline, None without a promise."""
        if not ticket["csp_next_deadline"]:
            return None
        read = "%Y-%m-%d %H:%M:%S"
        begin, end = (
            time.mktime(time.strptime(ticket[name], read))
            for name in ("csp_received_at", "csp_next_deadline")
        )
        return (end - begin) / 60

    def test_published_elsewhere(self):
        with self.program() as call:
            self.assertIsNone(self.minutes(self.new_ticket(call)))
            self.shell("""
version = env["csp.policy"].create({"name": "For everybody"}).version_ids
version.line_ids = [(0, 0, {"match_all": True, "first_response_minutes": 60})]
version.action_publish()
""")
            self.assertEqual(self.minutes(self.new_ticket(call)), 60)
            self.shell("""
policy = env["csp.policy"].search([])
policy.action_new_version()
policy.draft_version_id.line_ids.first_response_minutes = 30
policy.draft_version_id.action_publish()
""")
            self.assertEqual(self.minutes(self.new_ticket(call)), 30)
            self.shell('env["csp.policy"].search([]).active = False')
            self.assertIsNone(self.minutes(self.new_ticket(call)))

    def test_hours_changed_elsewhere(self):
        self.shell("""
env.company.csp_hours_id = env["csp.hours"].create({
    "name": "Always", "tz": "UTC", "always_open": True,
})
version = env["csp.policy"].create({"name": "For everybody"}).version_ids
version.line_ids = [(0, 0, {"match_all": True, "first_response_minutes": 60})]
version.action_publish()
""")
        with self.program() as call:
            self.assertEqual(self.minutes(self.new_ticket(call)), 60)
            self.shell("""
env.company.csp_hours_id.always_open = False
""")
            self.assertIsNone(self.minutes(self.new_ticket(call)))
            self.shell("""
env.company.csp_hours_id.line_ids = [
    (0, 0, {"weekday": str(day), "minute_from": 0, "minute_to": 1440})
    for day in range(7)
]
""")
            self.assertEqual(self.minutes(self.new_ticket(call)), 60)

    def test_two_managers_at_once(self):
        """Of two who publish, and of one who still edits, one is told so."""
        result = self.shell(
            textwrap.dedent("""
                import threading, time
                from odoo.service.model import retrying
                version = env["csp.policy"].create({"name": "Both"}).version_ids
                version.line_ids = [(0, 0, {
                    "match_all": True, "first_response_minutes": 60,
                })]
                env.cr.commit()
                said = {}

                def act(name, function):
                    with env.registry.cursor() as cr:
                        mine = version.with_env(env(cr=cr))
                        mine.state  # the snapshot of before
                        ready.wait(30)
                        try:
                            retrying(lambda: function(mine), mine.env)
                            cr.commit()
                            said[name] = "done"
                        except Exception as error:
                            said[name] = str(error)

                ready = threading.Barrier(4)
                threads = [
                    threading.Thread(target=act, args=args) for args in (
                        ("publish", lambda mine: mine.action_publish()),
                        ("edit", lambda mine: mine.line_ids.write(
                            {"first_response_minutes": 1})),
                        ("add", lambda mine: mine.write({"line_ids": [
                            (0, 0, {"priority_from": "3", "sequence": 1})]})),
                    )
                ]
                for thread in threads:
                    thread.start()
                version.action_publish()
                ready.wait(30)
                time.sleep(2)
                env.cr.commit()
                for thread in threads:
                    thread.join(60)
                env.invalidate_all()
                result = [said, version.line_ids.mapped("first_response_minutes")]
            """)
        )
        said, minutes = result
        self.assertIn("already published", said["publish"], json.dumps(said))
        self.assertIn("no draft any more", said["edit"], json.dumps(said))
        self.assertIn("no draft any more", said["add"], json.dumps(said))
        self.assertEqual(minutes, [60])
