"""Escalation by several processes: killed, poisoned, without mail, with odd clocks.

Whatever happens to whoever carries it out: no step twice, none lost, none by half.
"""

import textwrap

from aiosmtpd.controller import Controller

from .common import MARK, ProcessCase, databases, free_port
from .test_smtp import PostOffice

#: A leader and a chief who may be told day and night, a list, and tickets whose
#: promises ended three days ago. Those of the highest priority have a solution to be
#: late with, too; nobody has taken one in ten.
PREPARE = """
from datetime import datetime
def colleague(login, **values):
    return env["res.users"].with_context(no_reset_password=True).create({{
        "name": login.title(), "login": login, "email": login + "@office.example",
        "notification_type": "inbox",
        "group_ids": [(4, env.ref("helpdesk_mgmt.group_helpdesk_user_team").id)],
        **values,
    }})
env.company.write({{"csp_notify_from": 0, "csp_notify_to": 1440}})
leader, chief = colleague("leader"), colleague("chief", notification_type="email")
agent = colleague("agent")
Team = env["helpdesk.ticket.team"]
division = Team.create({{"name": "Division", "user_id": chief.id}})
team = Team.create({{
    "name": "Service", "user_id": leader.id, "parent_id": division.id,
    "user_ids": [(6, 0, (leader | agent).ids)],
}})
env.company.csp_escalation_list_id = env["csp.escalation.list"].create({{
    "name": "Late", "last_resort_id": chief.id, "step_ids": [(0, 0, step) for step in [
        {{"trigger": "before", "offset_percent": 50, "recipients": "assignee",
          "kinds": "first_response"}},
        {{"trigger": "after", "recipients": "team_leader", "sequence": 20,
          "kinds": "first_response"}},
        {{"trigger": "after", "offset_minutes": 30, "sequence": 30,
          "recipients": "parent_team_leader", "action": "todo", "kinds": "resolution"}},
        {{"trigger": "after", "offset_minutes": 60, "sequence": 40,
          "recipients": "team_leader", "action": "reassign", "kinds": "resolution"}},
        {{"trigger": "unassigned", "offset_minutes": 15, "sequence": 50,
          "recipients": "team_leader"}},
        *{steps},
    ]],
}}).id
version = env["csp.policy"].create({{"name": "For everybody"}}).version_ids
version.line_ids = [(0, 0, line) for line in [
    {{"priority_from": "3", "first_response_minutes": 60, "resolution_minutes": 60}},
    {{"match_all": True, "first_response_minutes": 60, "resolution_minutes": 600000}},
]]
version.action_publish()
env.cr.commit()
tickets = env["helpdesk.ticket"].with_context(tracking_disable=True).create([
    {{"name": f"Request {{number}}", "description": "x", "team_id": team.id,
      "user_id": agent.id if number % 10 != 5 else False,
      "priority": "3" if number % {special} == 0 else "1"}}
    for number in range({number})
])
env.cr.commit()
for table, columns in {{
    "csp_ticket_event": ["at"],
    "csp_commitment": ["started_at", "running_since", "deadline", "next_step_at"],
    "csp_escalation_concern": ["started_at", "next_step_at"],
    "helpdesk_ticket": ["csp_received_at", "csp_next_deadline", "csp_last_contact_at"],
}}.items():
    aged = ", ".join(f"{{c}} = {{c}} - interval '3 days'" for c in columns)
    env.cr.execute(f"UPDATE {{table}} SET {{aged}}")
env["ir.cron.trigger"].search([]).unlink()
env.invalidate_all()
result = tickets.ids
"""
SWEEP = 'env["csp.commitment"]._cron_sweep(batch_size={size})\n'
CRON = 'env.ref("customer_service_plan.ir_cron_sweep").method_direct_trigger()\n'
#: What a sweep may change.
TABLES = (
    "csp_commitment",
    "csp_ticket_event",
    "csp_escalation",
    "csp_escalation_notice",
    "csp_escalation_concern",
    "mail_message",
    "mail_mail",
    "mail_activity",
    "helpdesk_ticket",
)
#: A message that tells somebody about tickets.
TELLING = "message_type = 'user_notification'"


class EscalationProcesses(ProcessCase):
    #: One ticket in so many has the highest priority.
    special = 20

    def prepare(self, number, steps=()):
        self.number = number
        return self.shell(
            PREPARE.format(number=number, special=self.special, steps=list(steps))
        )

    def state(self):
        return {
            table: self.sql(
                f"SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM {table} t"
            )
            for table in TABLES
        }

    def user(self, login):
        return int(self.sql(f"SELECT id FROM res_users WHERE login = '{login}'")[0][0])

    def assertNothingTwice(self):
        for table, what in (
            ("csp_escalation", "commitment_id, concern_id, step_id"),
            ("csp_escalation_notice", "escalation_id, user_id, way"),
            ("mail_activity", "res_model, res_id, user_id, activity_type_id"),
            (
                "csp_ticket_event",
                "ticket_id, kind, data->>'commitment', data->>'concern'",
            ),
            (
                "(SELECT m.model, m.res_id, r.res_partner_id, m.message_type"
                " FROM mail_message m JOIN mail_notification r"
                f" ON r.mail_message_id = m.id WHERE m.res_id <> 0 AND m.{TELLING}) m",
                "model, res_id, res_partner_id",
            ),
        ):
            with self.subTest(table):
                twice = self.sql(
                    f"SELECT {what}, count(*) FROM {table} WHERE true"
                    f" {'AND kind IN (' + EVENTS + ')' if 'event' in table else ''}"
                    f" GROUP BY {what} HAVING count(*) > 1"
                )
                self.assertFalse(twice)

    def assertAllCarriedOut(self):
        """Every step on every ticket, and everybody told of it."""
        number, special = self.number, len(range(0, self.number, self.special))
        nobody = len(range(5, self.number, 10))
        self.assertNothingTwice()
        self.assertEqual(
            self.count("csp_commitment", "state = 'missed' AND missed_at = deadline"),
            number + special,
        )
        kinds = dict(
            self.sql("SELECT kind, count(*) FROM csp_ticket_event GROUP BY kind")
        )
        self.assertEqual(int(kinds["missed"]), number + special)
        self.assertEqual(int(kinds["escalated"]), number + special + nobody)
        steps = self.sql(
            "SELECT s.sequence, count(*), count(DISTINCT e.ticket_id)"
            "  FROM csp_escalation e JOIN csp_escalation_step s ON s.id = e.step_id"
            " WHERE e.state = 'told' GROUP BY 1 ORDER BY 1"
        )
        expected = [
            (10, number),
            (20, number),
            (30, special),
            (40, special),
            (50, nobody),
        ]
        self.assertEqual(
            steps[:5], [[str(each), str(n), str(n)] for each, n in expected]
        )
        self.assertEqual(self.count("csp_escalation_notice", "state <> 'sent'"), 0)
        self.assertEqual(
            self.count("mail_activity", f"user_id = {self.user('chief')}"), special
        )
        self.assertEqual(
            self.count("helpdesk_ticket", f"user_id = {self.user('leader')}"), special
        )
        self.assertEqual(
            self.count(
                "csp_commitment",
                "next_step_at <= now() AT TIME ZONE 'UTC'"
                " OR state = 'missed' AND next_step_at IS NOT NULL",
            ),
            0,
        )

    def digests(self, login):
        return self.count(
            "mail_message m JOIN mail_notification n ON n.mail_message_id = m.id"
            " JOIN res_users u ON u.partner_id = n.res_partner_id",
            f"m.{TELLING} AND COALESCE(m.res_id, 0) = 0 AND u.login = '{login}'",
        )

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

    def start_and_kill(self, patch):
        """Start a sweep that comes to a place and stays there, and kill it."""
        reached = self.folder / "reached"
        reached.unlink(missing_ok=True)
        process = self.start_shell(
            textwrap.dedent(f"""
                import pathlib, time
                def stay():
                    env.cr.flush()
                    pathlib.Path({str(reached)!r}).touch()
                    time.sleep(600)
            """)
            + textwrap.dedent(patch)
            + SWEEP.format(size=40)
        )
        self.wait_for_file(reached, process)
        process.kill()
        process.wait()


EVENTS = "'missed', 'escalated'"


class TestManyProcesses(EscalationProcesses):
    def test_four_sweeps_at_once(self):
        """Nothing twice, nothing lost, one message for a person; `make bench` tells
        how much faster they are than one."""
        self.prepare(1200)
        self.together([SWEEP.format(size=50) + "\nenv.cr.commit()\n"] * 4)
        self.assertAllCarriedOut()
        self.assertEqual((self.digests("leader"), self.digests("agent")), (1, 1))
        before = self.state()
        self.shell(CRON * 2)
        self.assertEqual(self.state(), before)

    def test_killed_in_the_middle(self):
        """In a batch, then while people are told: another one goes on from there."""
        self.prepare(100)
        self.start_and_kill("""
            Escalation = type(env["csp.escalation"])
            carry_out, batches = Escalation._carry_out, []
            def carry_out_and_stay(self, due):
                carry_out(self, due)
                batches.append(1)
                if len(batches) == 2:
                    stay()
            Escalation._carry_out = carry_out_and_stay
        """)
        # The first batch was saved, of the second one nothing.
        missed = self.count("csp_commitment", "state = 'missed'")
        self.assertIn(missed, range(40, 46))
        self.assertEqual(self.count("csp_ticket_event", "kind = 'missed'"), missed)
        self.assertEqual(
            self.count(
                "csp_ticket_event",
                "data->>'commitment' IS NOT NULL AND kind = 'escalated'",
            ),
            missed,
        )
        told = "state = 'sent' AND way <> 'assigned'"
        self.assertEqual(self.count("csp_escalation_notice", told), 0)
        self.start_and_kill("""
            Notice = type(env["csp.escalation.notice"])
            deliver = Notice._deliver
            def deliver_and_stay(self):
                deliver(self)
                stay()
            Notice._deliver = deliver_and_stay
        """)
        self.assertEqual((self.digests("leader"), self.digests("agent")), (0, 0))
        self.assertEqual(self.count("csp_escalation_notice", told), 0)
        self.shell(SWEEP.format(size=40))
        self.assertAllCarriedOut()
        self.assertEqual((self.digests("leader"), self.digests("agent")), (1, 1))


class TestBroken(EscalationProcesses):
    """What cannot be done is written down, tried again, and stops nothing else."""

    special = 4

    def test_poisoned(self):
        ids = self.prepare(40)
        ((hours,),) = self.sql(
            "INSERT INTO csp_hours (name, tz, active, always_open, revision) VALUES"
            " ('{\"en_US\": \"Broken\"}', 'Mars/Olympus', true, false, 1) RETURNING id"
        )
        self.sql(
            f"UPDATE csp_commitment SET hours_id = {hours}, hours_revision = 1"
            f" WHERE ticket_id = {ids[3]}"
        )
        poison = textwrap.dedent(f"""
            Escalation = type(env["csp.escalation"])
            Notice = type(env["csp.escalation.notice"])
            find_told, deliver = Escalation._find_told, Notice._deliver
            def find_told_or_fail(self, ticket, *args):
                if ticket.id == {ids[7]}:
                    raise ValueError("Poisoned ticket")
                return find_told(self, ticket, *args)
            def deliver_or_fail(self):
                deliver(self)
                if self.user_id.login == "leader":
                    raise ValueError("Poisoned leader")
            Escalation._find_told = find_told_or_fail
            Notice._deliver = deliver_or_fail
        """)
        text = self.run_noisy(poison + SWEEP.format(size=15) * 2)
        self.assertEqual(text.count("could not be brought up to date"), 2)
        self.assertEqual(text.count("could not be told of escalations"), 1)
        self.assertNothingTwice()
        self.assertEqual(self.count("csp_escalation", f"ticket_id = {ids[7]}"), 0)
        self.assertEqual(
            self.count(
                "csp_commitment", "state = 'missed' AND kind = 'first_response'"
            ),
            38,
        )
        leader, later = self.user("leader"), "interval '50 minutes'"
        waiting = f"user_id = {leader} AND state = 'waiting' AND error LIKE '%leader%'"
        self.assertEqual(
            self.count(
                "csp_escalation_notice",
                f"user_id = {leader} AND way <> 'assigned' AND NOT ({waiting}"
                f" AND due_at > now() AT TIME ZONE 'UTC' + {later})",
            ),
            0,
        )
        self.assertEqual(
            self.count(
                "csp_escalation_notice", f"user_id <> {leader} AND state <> 'sent'"
            ),
            0,
        )
        # Mended, an hour later.
        self.sql(
            f"UPDATE csp_hours SET tz = 'UTC', always_open = true WHERE id = {hours};"
            "UPDATE csp_commitment SET next_step_at = started_at"
            f" WHERE ticket_id IN ({ids[3]}, {ids[7]}) AND next_step_at < now() AT"
            " TIME ZONE 'UTC' + interval '2 hours';"
            "UPDATE csp_escalation_notice SET due_at = due_at - interval '2 hours'"
            " WHERE state = 'waiting'"
        )
        self.shell(SWEEP.format(size=15))
        self.assertAllCarriedOut()
        self.assertEqual(self.digests("leader"), 1)

    def test_server_action_that_fails(self):
        """Also one that fails only when its values are saved."""
        self.prepare(20)
        self.shell("""
model = env.ref("helpdesk_mgmt.model_helpdesk_ticket").id
codes = (
    "if record.name in ('Request 4', 'Request 5'):\\n    raise UserError('No.')\\n"
    "record['description'] = 'Seen'",
    "if record.name == 'Request 6':\\n    record['category_id'] = 99999999\\n",
)
env.company.csp_escalation_list_id.step_ids = [(0, 0, {
    "trigger": "after", "sequence": 60, "action": "server_action",
    "kinds": "first_response",
    "server_action_id": env["ir.actions.server"].create({
        "name": "Act", "model_id": model, "state": "code", "code": code,
    }).id,
}) for code in codes]
""")
        text = self.run_noisy(
            'env["csp.commitment"]._cron_replan()\n' + SWEEP.format(size=15) * 2
        )
        self.assertEqual(text.count("the escalation step"), 3)
        self.assertNotIn("could not be brought", text)
        self.assertAllCarriedOut()
        failed = self.sql(
            "SELECT t.name, e.error LIKE '%No.%' FROM csp_escalation e JOIN"
            " helpdesk_ticket t ON t.id = e.ticket_id WHERE e.state = 'failed'"
            " ORDER BY 1"
        )
        self.assertEqual(
            failed, [["Request 4", "t"], ["Request 5", "t"], ["Request 6", "f"]]
        )
        self.assertEqual(self.count("helpdesk_ticket", "description LIKE '%Seen%'"), 18)

    def test_mail_server_that_is_down(self):
        """Log, to-dos and inbox are there; mails leave when the server is back."""
        self.prepare(40)
        port = free_port(8370)
        self.shell(f"""
env["ir.mail_server"].search([]).active = False
env["ir.mail_server"].create({{
    "name": "Post office", "smtp_host": "127.0.0.1", "smtp_port": {port},
    "smtp_encryption": "none", "smtp_authentication": "login",
}})
env["res.users"].search([("login", "=", "leader")]).notification_type = "email"
env["mail.mail"].search([]).unlink()
""")
        queue = 'env["mail.mail"].process_email_queue()\nenv.cr.commit()\n'
        sweep = SWEEP.format(size=20)
        self.run_noisy(sweep + queue + sweep)
        self.assertNothingTwice()
        leader, chief = self.user("leader"), self.user("chief")
        by_mail = f"user_id = {leader} AND way = 'preference'"
        self.assertEqual(
            self.count(
                "csp_escalation_notice",
                f"{by_mail} AND state = 'failed' AND error IS NOT NULL",
            ),
            self.count("csp_escalation_notice", by_mail),
        )
        self.assertEqual(self.count("mail_activity", f"user_id = {chief}"), 10)
        self.assertEqual(self.digests("agent"), 1)
        # Those by which Odoo says who was given a ticket are not ours.
        ours = "mail_message_id IN (SELECT message_id FROM csp_escalation_notice)"
        waiting = self.count("mail_mail", f"{ours} AND state = 'exception'")
        self.assertTrue(waiting)
        # An hour later, the server is still down, then it is back.
        age = "UPDATE mail_mail SET write_date = write_date - interval '2 hours'"
        self.sql(age)
        self.run_noisy(sweep + queue + sweep)
        self.assertEqual(
            self.count("mail_mail", f"{ours} AND state = 'exception'"), waiting
        )
        office = PostOffice()
        controller = Controller(office, hostname="127.0.0.1", port=port)
        controller.start()
        self.addCleanup(controller.stop)
        self.sql(age)
        self.shell(sweep + queue + sweep + CRON + queue)
        self.assertEqual(self.count("mail_mail", f"{ours} AND state <> 'sent'"), 0)
        self.assertEqual(len(office.mails), waiting)
        receivers = sorted(to for to, _mail in office.mails)
        self.assertEqual(
            receivers, [["chief@office.example"], ["leader@office.example"]]
        )
        self.assertAllCarriedOut()


class TestClocks(EscalationProcesses):
    special = 4

    def test_clock_that_jumps(self):
        """A day ahead and back again."""
        ids = self.prepare(30)
        self.shell(f"""
# Half of them are not yet due: they will be in two hours.
env.cr.execute('''UPDATE csp_commitment SET {
            ", ".join(
                f"{column} = now() AT TIME ZONE 'UTC' + interval '{minutes} minutes'"
                for column, minutes in (
                    ("started_at", 60),
                    ("running_since", 60),
                    ("deadline", 120),
                    ("next_step_at", 90),
                )
            )
        } WHERE kind = 'first_response' AND ticket_id = ANY(%s)''', [{ids[15:]}])
""")
        run = textwrap.dedent(f"""
            from freezegun import freeze_time
            from datetime import datetime, timedelta
            sweep = lambda: env["csp.commitment"]._cron_sweep(batch_size=10)
            now = datetime.utcnow().replace(microsecond=0)
            sweep()
            with freeze_time(now + timedelta(days=1), ignore=["psycopg2"]):
                sweep()
                sweep()
            with freeze_time(now, tick=True):
                sweep()
                sweep()
                tickets = env["helpdesk.ticket"].browse({ids[20:25]})
                tickets.message_post
                for ticket in tickets:
                    ticket.with_user(env.ref("base.user_admin")).message_post(
                        body="Hello", message_type="comment",
                        subtype_xmlid="mail.mt_comment",
                    )
                later = env["helpdesk.ticket"].create({{
                    "name": "Later", "description": "x", "priority": "1",
                    "user_id": env.ref("base.user_admin").id,
                }})
                env.cr.commit()
                sweep()
                moment = later.csp_commitment_ids.filtered(
                    lambda row: row.kind == "first_response").next_step_at
                planned = env["ir.cron.trigger"].search([
                    ("cron_id", "=", env.ref(
                        "customer_service_plan.ir_cron_sweep").id),
                ]).mapped("call_at")
                result = [
                    abs(moment - now - timedelta(minutes=30)) < timedelta(minutes=2),
                    any(now <= at <= moment + timedelta(minutes=1) for at in planned),
                ]
        """)
        sane, woken = self.shell(run)
        self.assertTrue(sane)
        self.assertTrue(woken, "nobody will look at what is promised now")
        self.assertNothingTwice()
        self.assertEqual(
            self.count(
                "csp_escalation e JOIN csp_escalation_step s ON s.id = e.step_id",
                "s.sequence = 20",
            ),
            30,
        )
        self.shell(CRON)
        self.assertNothingTwice()

    def test_slept_over_the_weekend(self):
        """One message for each, and the same outcome as with punctual sweeps."""
        self.number = 0
        self.prepare(1)
        self.shell("""
from freezegun import freeze_time
hours = env["csp.hours"].create({
    "name": "Office", "tz": "Europe/Athens", "follow_company_closures": False,
    "line_ids": [(0, 0, {
        "weekday": str(day), "minute_from": 540, "minute_to": 1020,
    }) for day in range(5)],
})
env["helpdesk.ticket"].search([]).unlink()
env.company.csp_hours_id = hours
policy = env["csp.policy"].search([("name", "=", "For everybody")])
leader = env["res.users"].search([("login", "=", "leader")])
agent = env["res.users"].search([("login", "=", "agent")])
for number in range(24):
    # Thursday and Friday, 10:00 to 15:50 in Athens
    at = f"2027-01-{7 + number // 12:02} {8 + number % 12 // 2}:{number % 2 * 50:02}:00"
    with freeze_time(at):
        env["helpdesk.ticket"].with_context(tracking_disable=True).create({
            "name": str(number), "description": "x",
            "priority": "3" if number % 3 == 0 else "1",
            "team_id": leader.helpdesk_team_ids.id if "helpdesk_team_ids" in leader
            else env["helpdesk.ticket.team"].search([("name", "=", "Service")]).id,
            "user_id": agent.id if number % 4 else False,
        })
env.cr.commit()
""")
        punctual = f"{self.database}_punctual"
        databases.copy(self.database, punctual)
        self.addCleanup(databases.drop, punctual)
        read = """
from datetime import datetime, timedelta
from freezegun import freeze_time
def found():
    env.invalidate_all()
    env.cr.execute('''
        SELECT ticket_id, kind, state, missed_at, deadline, escalated_to, next_step_at
          FROM csp_commitment ORDER BY 1, 2''')
    rows = env.cr.fetchall()
    env.cr.execute('''
        SELECT ticket_id, commitment_id, concern_id, step_id, state
          FROM csp_escalation ORDER BY 1, 2, 3, step_id''')
    steps = env.cr.fetchall()
    env.cr.execute('SELECT id, user_id FROM helpdesk_ticket ORDER BY id')
    return [rows, steps, env.cr.fetchall()]
sweep = lambda: env["csp.commitment"]._cron_sweep()
end = datetime(2027, 1, 11, 6, 0)
"""
        late = self.shell(f"""{read}
with freeze_time(end):
    sweep()
    sweep()
result = found()
""")
        for login in ("leader", "agent"):
            self.assertEqual(self.digests(login), 1)
        self.assertNothingTwice()
        self.assertTrue(self.count("csp_escalation", "joined_into_id IS NOT NULL"))
        self.database = punctual
        self.assertEqual(
            self.shell(f"""{read}
now, times = datetime(2027, 1, 7, 8, 0), 0
while now < end:
    with freeze_time(now):
        sweep()
    times += 1
    env.cr.execute('''SELECT least(
        (SELECT min(next_step_at) FROM csp_commitment),
        (SELECT min(next_step_at) FROM csp_escalation_concern))''')
    moment = env.cr.fetchone()[0]
    assert moment >= now, (moment, now)
    now = min(moment + timedelta(seconds=1), end)
with freeze_time(end):
    sweep()
assert times > 30, times
result = found()
"""),
            late,
        )
        self.assertFalse(self.count("csp_escalation", "joined_into_id IS NOT NULL"))
