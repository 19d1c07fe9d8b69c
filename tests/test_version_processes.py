"""Versions of policies in the hands of several processes: people, crons, caches."""

import contextlib
import json
import textwrap
import xmlrpc.client

from .common import ProcessCase

#: Two managers, and versions of the first that the second has approved. Approved ones
#: need somebody who has not written in them, so a third person does it.
PREPARE = """
from odoo.fields import Command
def person(login):
    return env["res.users"].with_context(no_reset_password=True).create({{
        "name": login.title(), "login": login,
        "group_ids": [(4, env.ref("customer_service_plan.group_manager").id)],
    }})
writer, second, approver = map(person, ["writer", "second", "approver"])
policies = env["csp.policy"].with_user(writer).create([
    {{"name": f"Policy {{number}}"}} for number in range({number})
])
versions = policies.version_ids
versions.write({{"line_ids": [Command.create({{
    "match_all": True, "first_response_minutes": 60,
}})]}})
if {approve}:
    versions.action_submit()
    versions.with_user(approver).action_approve()
else:
    env.company.csp_approval_required = False
    env["res.company"].search([]).csp_approval_required = False
env.cr.commit()
result = versions.ids
"""
#: Calls as the server makes them: again after a conflict, and what was answered.
CALLING = """
import json, pathlib, random, time
from odoo.exceptions import AccessError, UserError
from odoo.service.model import retrying

folder = pathlib.Path({folder!r})
said = []

def user(login):
    return env["res.users"].search([("login", "=", login)])

def call(function):
    def work():
        answer = function()
        env.cr.flush()
        return answer
    try:
        retrying(work, env)
        env.cr.commit()
        said.append("done")
    except (AccessError, UserError) as error:
        env.cr.rollback()
        said.append(str(error))

def meet(name, others, number):
    (folder / f"{{name}}{{number}}").touch()
    while not all((folder / f"{{other}}{{number}}").exists() for other in others):
        time.sleep(0.002)
    time.sleep(random.random() / 50)

def wait_for(name):
    while not (folder / name).exists():
        time.sleep(0.01)
    time.sleep(0.5)

def tell(name):
    (folder / f"{{name}}.json").write_text(json.dumps(said))
"""
#: What is published, whether it is what the fingerprint and the document say.
OUTCOME = """
versions = env["csp.policy.version"].browse({ids})
result = [
    [v.state, v.line_ids.mapped("first_response_minutes"), v._is_as_bound(),
     len(env["mail.tracking.value"].search([
         ("mail_message_id.model", "=", v._name),
         ("mail_message_id.res_id", "=", v.id),
         ("new_value_char", "=", "Published"),
     ])), v.document or ""]
    for v in versions
]
"""


class VersionProcesses(ProcessCase):
    def prepare(self, number, approve=False):
        return self.shell(PREPARE.format(number=number, approve=approve))

    def calling(self, script):
        return CALLING.format(folder=str(self.folder)) + textwrap.dedent(script)

    def said(self, name):
        return json.loads((self.folder / f"{name}.json").read_text())


class TestPeopleAtOnce(VersionProcesses):
    def test_edited_while_another_publishes(self):
        """Whoever is first: what is published is what the fingerprint says, and what
        somebody was told to be saved is in it."""
        rounds = 6
        ids = self.prepare(rounds)
        publish = """
            for number, version_id in enumerate({ids}):
                mine = env["csp.policy.version"].with_user(user({who!r})).browse(
                    version_id
                )
                env.cr.commit()
                mine.state, mine.line_ids.mapped("first_response_minutes")
                meet({who!r}, ["writer", "second", "editor"], number)
                call(lambda: mine.action_publish("Because"))
            tell({who!r})
        """
        edit = """
            for number, version_id in enumerate({ids}):
                mine = env["csp.policy.version"].with_user(user("writer")).browse(
                    version_id
                )
                env.cr.commit()
                mine.line_ids.mapped("first_response_minutes")
                meet("editor", ["writer", "second"], number)
                call(lambda: mine.line_ids.write({{"first_response_minutes": 30}}))
            tell("editor")
        """
        self.together(
            [
                self.calling(publish.format(ids=ids, who="writer")),
                self.calling(publish.format(ids=ids, who="second")),
                self.calling(edit.format(ids=ids)),
            ]
        )
        publishers = list(zip(self.said("writer"), self.said("second"), strict=True))
        outcome = self.shell(OUTCOME.format(ids=ids))
        for both, edited, version in zip(
            publishers, self.said("editor"), outcome, strict=True
        ):
            with self.subTest(both=both, edited=edited):
                state, minutes, as_bound, times, document = version
                self.assertEqual(state, "published")
                self.assertEqual(times, 1)
                self.assertEqual(both.count("done"), 1)
                self.assertIn("is already published", "".join(both))
                self.assertTrue(as_bound)
                expected = 30 if edited == "done" else 60
                self.assertEqual(minutes, [expected])
                if edited != "done":
                    self.assertIn("is no draft any more", edited)
                if document:
                    words = "30 min" if expected == 30 else "1 h"
                    self.assertIn(words, document)

    def test_saved_at_the_last_moment(self):
        """The editor was first, and is slow; who publishes has looked before that."""
        (version_id,) = self.prepare(1)
        edit = f"""
            mine = env["csp.policy.version"].with_user(user("writer")).browse(
                {version_id}
            )
            mine.line_ids.write({{"first_response_minutes": 30}})
            env.flush_all()
            (folder / "edited").touch()
            wait_for("publishing")
            time.sleep(1)
            env.cr.commit()
        """
        publish = f"""
            mine = env["csp.policy.version"].with_user(user("second")).browse(
                {version_id}
            )
            wait_for("edited")
            assert mine.line_ids.first_response_minutes == 60
            (folder / "publishing").touch()
            call(lambda: mine.action_publish("Because"))
            tell("second")
        """
        self.together([self.calling(edit), self.calling(publish)])
        self.assertEqual(self.said("second"), ["done"])
        ((state, minutes, as_bound, times, document),) = self.shell(
            OUTCOME.format(ids=[version_id])
        )
        self.assertEqual(
            (state, minutes, as_bound, times), ("published", [30], True, 1)
        )
        if document:
            self.assertIn("30 min", document)

    def test_approved_and_taken_back_at_once(self):
        """Nothing is published that was taken back, or written in after approval."""
        rounds = 5
        ids = self.prepare(rounds, approve=True)
        publish = f"""
            for number, version_id in enumerate({ids}):
                mine = env["csp.policy.version"].with_user(user("second")).browse(
                    version_id
                )
                mine.state
                meet("second", ["writer"], number)
                call(lambda: mine.action_publish("Because"))
            tell("second")
        """
        take_back = f"""
            for number, version_id in enumerate({ids}):
                mine = env["csp.policy.version"].with_user(user("writer")).browse(
                    version_id
                )
                mine.state
                meet("writer", ["second"], number)
                call(mine.action_back_to_draft)
                call(lambda: mine.line_ids.write({{"first_response_minutes": 1}}))
            tell("writer")
        """
        self.together([self.calling(publish), self.calling(take_back)])
        said = self.said("writer")
        pairs = zip(
            self.said("second"),
            zip(said[::2], said[1::2], strict=True),
            self.shell(OUTCOME.format(ids=ids)),
            strict=True,
        )
        for published, (back, edited), version in pairs:
            with self.subTest(published=published, back=back):
                state, minutes, as_bound, _times, _document = version
                if published == "done":
                    self.assertIn("this step is not possible", back)
                    self.assertIn("is no draft any more", edited)
                    self.assertEqual((state, minutes), ("published", [60]))
                    self.assertTrue(as_bound)
                else:
                    self.assertIn("is not approved yet", published)
                    self.assertEqual((back, edited), ("done", "done"))
                    self.assertEqual((state, minutes), ("draft", [1]))


#: A version in force, and one that begins at the next midnight of Athens.
TOMORROW = """
from datetime import datetime, timedelta
from freezegun import freeze_time
from odoo.fields import Command
noon = datetime(2026, 7, 6, 9)
midnight = datetime(2026, 7, 6, 21)
env["res.company"].search([]).csp_approval_required = False
env.company.partner_id.tz = "Europe/Athens"
env["ir.cron.trigger"].search([]).unlink()
with freeze_time(noon):
    policy = env["csp.policy"].create({"name": "Standard"})
    first = policy.version_ids
    first.line_ids = [Command.create({"match_all": True, "first_response_minutes": 60})]
    first.action_publish()
    policy.action_new_version()
    second = policy.draft_version_id
    second.effective_date = "2026-07-07"
    second.line_ids.first_response_minutes = 30
    second.action_publish()
tickets = env["helpdesk.ticket"]
for moment in (midnight - timedelta(seconds=1), midnight, midnight + timedelta(days=1)):
    with freeze_time(moment):
        tickets |= tickets.create({"name": "x", "description": "x"})
cron = env.ref("customer_service_plan.ir_cron_policy_versions")
triggers = env["ir.cron.trigger"].search([("cron_id", "=", cron.id)]).mapped("call_at")
env["ir.cron"].search([("id", "!=", cron.id)]).active = False
cron.nextcall = datetime(2026, 1, 1)
env.cr.commit()
result = {
    "ids": [first.id, second.id],
    "states": [first.state, second.state],
    "asked_for": [str(moment) for moment in triggers],
    "promised": tickets.csp_policy_version_id.ids,
    "each": [ticket.csp_policy_version_id.id for ticket in tickets],
}
"""
#: A worker of the scheduler, three days late.
WORKER = """
from freezegun import freeze_time
registry = env.registry
name = env.cr.dbname
env.cr.commit()
with freeze_time("2026-07-09 20:00:00"):
    registry["ir.cron"]._process_jobs(name)
"""


class TestTakingOver(VersionProcesses):
    """A date in the future: tickets follow at the minute, whoever comes when."""

    def check_taken_over(self, ids):
        rows = self.sql(
            "SELECT id, state, retired_at FROM csp_policy_version ORDER BY id"
        )
        self.assertEqual(
            rows,
            [
                [str(ids[0]), "retired", "2026-07-06 21:00:00"],
                [str(ids[1]), "published", ""],
            ],
        )
        told = self.count("mail_tracking_value", "new_value_char = 'Retired'")
        self.assertEqual(told, 1)

    def test_late_at_once_and_killed(self):
        made = self.shell(TOMORROW)
        first, second = made["ids"]
        with self.subTest("before"):
            self.assertEqual(made["states"], ["published", "published"])
            self.assertIn("2026-07-06 21:00:00", made["asked_for"])
            # At the right minute, although no scheduled action has run.
            self.assertEqual(made["each"], [first, second, second])
        with self.subTest("killed in the middle"):
            written = self.folder / "written"
            process = self.start_shell(
                textwrap.dedent(f"""
                    import pathlib, time
                    Version = type(env["csp.policy.version"])
                    write = Version.write
                    def write_and_wait(self, vals):
                        write(self, vals)
                        self.flush_recordset()
                        pathlib.Path({str(written)!r}).touch()
                        time.sleep(600)
                    Version.write = write_and_wait
                """)
                + WORKER
            )
            self.wait_for_file(written, process)
            process.kill()
            process.wait()
            self.assertEqual(self.count("csp_policy_version", "state = 'published'"), 2)
        with self.subTest("several at once, late"):
            self.sql("UPDATE ir_cron SET nextcall = '2026-01-01' WHERE active")
            self.together([WORKER] * 3)
            self.check_taken_over(made["ids"])
        with self.subTest("twice"):
            self.sql("UPDATE ir_cron SET nextcall = '2026-01-01' WHERE active")
            state = (
                "SELECT md5(string_agg(v::text, '|' ORDER BY id))"
                " FROM csp_policy_version v"
            )
            before = self.sql(state)
            self.shell(WORKER)
            self.assertEqual(self.sql(state), before)
            self.check_taken_over(made["ids"])


class TestCachesOfVersions(VersionProcesses):
    """What one server binds or frees, the next ticket of another server follows."""

    @contextlib.contextmanager
    def servers(self):
        """Two servers of one database; gives a way to call each by name and login."""
        mute = "--log-handler=odoo.addons.rpc.controllers.xmlrpc:ERROR"
        arguments = ("--max-cron-threads=0", mute)
        with self.server(*arguments) as one, self.server(*arguments) as other:
            addresses = {"one": one, "other": other}
            uids = {}

            def call(server, login, model, method, *args, **kwargs):
                address = addresses[server]
                if login not in uids:
                    uids[login] = xmlrpc.client.ServerProxy(
                        f"{address}/xmlrpc/2/common", allow_none=True
                    ).authenticate(self.database, login, login, {})
                proxy = xmlrpc.client.ServerProxy(
                    f"{address}/xmlrpc/2/object", allow_none=True
                )
                return proxy.execute_kw(
                    self.database, uids[login], login, model, method, args, kwargs
                )

            yield call

    def test_ticket_of_the_other_server(self):
        with self.servers() as call:
            self.call = call
            (group,) = call(
                "one",
                "admin",
                "ir.model.data",
                "search_read",
                [
                    ("module", "=", "customer_service_plan"),
                    ("name", "=", "group_manager"),
                ],
                ["res_id"],
            )
            for login in ("writer", "approver"):
                call(
                    "one",
                    "admin",
                    "res.users",
                    "create",
                    {
                        "name": login,
                        "login": login,
                        "password": login,
                        "group_ids": [(4, group["res_id"])],
                    },
                )
            self.check_ticket(False)
            policy = call("one", "writer", "csp.policy", "create", {"name": "Standard"})
            first = self.approved(policy, 60)
            self.check_ticket(False)
            call("one", "writer", "csp.policy.version", "action_publish", [first], "x")
            self.check_ticket(first)
            call("one", "writer", "csp.policy", "action_new_version", [policy])
            tried = self.approved(policy, 30)
            pilot = call(
                "one",
                "writer",
                "csp.pilot",
                "create",
                {
                    "version_id": tried,
                    "customer_mode": "everybody",
                    "date_end": "2099-01-01 00:00:00",
                    "criterion_ids": [(0, 0, {"threshold": 90})],
                },
            )
            self.check_ticket(first)
            call("one", "writer", "csp.pilot", "action_start", [pilot])
            self.check_ticket(tried)
            wizard = call(
                "one",
                "writer",
                "csp.pilot.decide",
                "create",
                {"pilot_id": pilot, "decision": "stop", "reason": "Too soon to tell"},
            )
            call("one", "writer", "csp.pilot.decide", "action_decide", [wizard])
            self.check_ticket(first)
            call("one", "writer", "csp.policy.version", "action_retire", [first])
            self.check_ticket(False)

    def approved(self, policy, minutes):
        """The draft of a policy, with a promise to all customers, approved."""
        (draft,) = self.call(
            "one",
            "writer",
            "csp.policy.version",
            "search",
            [("policy_id", "=", policy), ("state", "=", "draft")],
        )
        lines = [
            (5,),
            (0, 0, {"match_all": True, "first_response_minutes": minutes}),
        ]
        model = "csp.policy.version"
        self.call("one", "writer", model, "write", [draft], {"line_ids": lines})
        self.call("one", "writer", model, "action_submit", [draft])
        self.call("one", "approver", model, "action_approve", [draft])
        return draft

    def check_ticket(self, version):
        """A ticket that comes in at the other server now is under this version."""
        ticket = self.call(
            "other",
            "admin",
            "helpdesk.ticket",
            "create",
            {
                "name": "x",
                "description": "x",
                "partner_id": self.customer(),
            },
        )
        (found,) = self.call(
            "other",
            "admin",
            "helpdesk.ticket",
            "read",
            [ticket],
            ["csp_policy_version_id"],
        )
        promised = found["csp_policy_version_id"]
        self.assertEqual(promised and promised[0], version)

    def customer(self):
        if not hasattr(self, "_customer"):
            self._customer = self.call(
                "other", "admin", "res.partner", "create", {"name": "Customer"}
            )
        return self._customer
