"""Install, update and uninstall, as an administrator does it."""

from .common import ADDON, ProcessCase

TICKETS = """
team = env["helpdesk.ticket.team"].create({"name": "Service"})
stages = env["helpdesk.ticket.stage"].search([])
tickets = env["helpdesk.ticket"].create([
    {"name": f"Old request {number}", "description": "<p>It leaks</p>",
     "team_id": team.id}
    for number in range(5)
])
tickets[0].message_post(body="Called back", subtype_xmlid="mail.mt_comment")
tickets[1].stage_id = stages.filtered("closed")[0]
result = tickets.ids
"""
OURS = r"(name LIKE 'csp\_%' OR name LIKE '%\_csp\_%')"


class TestInstallOverTickets(ProcessCase):
    installed = False

    def test_install_over_tickets(self):
        tickets = self.shell(TICKETS)
        self.odoo("-i", ADDON)
        with self.subTest("old tickets get no promise"):
            self.assertEqual(self.sql("SELECT count(*) FROM csp_commitment"), [["0"]])
            promised = self.sql(
                "SELECT id FROM helpdesk_ticket WHERE csp_next_deadline IS NOT NULL"
            )
            self.assertEqual(promised, [])
        with self.subTest("stages get their meaning"):
            self.check_stages()
        with self.subTest("old tickets work as before"):
            names = self.shell(f"""
tickets = env["helpdesk.ticket"].browse({tickets})
awaiting = env.ref("helpdesk_mgmt.helpdesk_ticket_stage_awaiting")
tickets.write({{"stage_id": awaiting.id}})
tickets[0].message_post(body="Any news?", subtype_xmlid="mail.mt_comment")
result = tickets.mapped("name")
""")
            self.assertEqual(len(names), 5)
        with self.subTest("whatever happens to them, they are promised nothing"):
            self.check_old_tickets(tickets)

    def check_old_tickets(self, tickets):
        """Their story is kept from now on; only new ones come under a promise."""
        kinds, promised, new = self.shell(f"""
version = env["csp.policy"].create({{"name": "For everybody"}}).version_ids
version.line_ids = [(0, 0, {{
    "match_all": True, "first_response_minutes": 60, "next_response_minutes": 60,
    "resolution_minutes": 60,
}})]
version.action_publish()
tickets = env["helpdesk.ticket"].browse({tickets})
stage = lambda name: env.ref(f"helpdesk_mgmt.helpdesk_ticket_stage_{{name}}")
customer = env["res.partner"].create({{"name": "Customer"}})
tickets.write({{"priority": "3", "partner_id": customer.id}})
tickets.write({{"stage_id": stage("in_progress").id}})
tickets[2].stage_id = stage("done")
tickets[3].active = False
tickets[2].stage_id = stage("in_progress")
tickets[4].stage_id = stage("cancelled")
env["csp.commitment"]._cron_sweep()
env.invalidate_all()
new = env["helpdesk.ticket"].create({{"name": "New", "description": "x"}})
result = [
    [t.csp_event_ids.sorted(lambda e: (e.at, e.id)).mapped("kind") for t in tickets],
    bool(tickets.csp_commitment_ids or tickets.csp_policy_line_id),
    len(new.csp_commitment_ids),
]
""")
        self.assertEqual(
            kinds,
            [
                ["paused", "resumed"],
                # Closed before the addon came
                ["reopened", "paused", "resumed"],
                ["paused", "resumed", "closed", "reopened"],
                ["paused", "resumed", "closed"],
                ["paused", "resumed", "closed"],
            ],
        )
        self.assertFalse(promised)
        self.assertEqual(new, 2)

    def check_stages(self):
        found = self.shell("""
names = ["new", "in_progress", "awaiting", "done", "cancelled", "rejected"]
stages = {
    name: env.ref(f"helpdesk_mgmt.helpdesk_ticket_stage_{name}") for name in names
}
result = {
    name: [stage.csp_waiting_on, stage.csp_outcome] for name, stage in stages.items()
}
""")
        expected = {
            "new": ["none", False],
            "in_progress": ["none", False],
            "awaiting": ["customer", False],
            "done": ["none", "solved"],
            "cancelled": ["none", "cancelled"],
            "rejected": ["none", "cancelled"],
        }
        self.assertEqual(found, expected)


class TestUpdate(ProcessCase):
    def test_update_changes_nothing_of_the_user(self):
        before = self.shell("""
stage = env.ref("helpdesk_mgmt.helpdesk_ticket_stage_awaiting")
stage.csp_waiting_on = "third_party"
version = env["csp.policy"].create({"name": "For everybody"}).version_ids
version.line_ids = [(0, 0, {"match_all": True, "first_response_minutes": 60})]
version.action_publish()
result = sorted(env["ir.model.data"].search(
    [("module", "=", "customer_service_plan")]).mapped("complete_name"))
""")
        versions = (
            "SELECT md5(string_agg(v::text, '|' ORDER BY v.id) ||"
            " string_agg(l::text, '|' ORDER BY l.id)) FROM csp_policy_version v"
            " JOIN csp_policy_line l ON l.version_id = v.id"
        )
        published = self.sql(versions)
        self.odoo("-u", ADDON)
        self.assertEqual(self.sql(versions), published)
        after = self.shell("""
result = sorted(env["ir.model.data"].search(
    [("module", "=", "customer_service_plan")]).mapped("complete_name"))
""")
        self.assertEqual(before, after)
        kept = self.sql(
            "SELECT DISTINCT csp_waiting_on FROM helpdesk_ticket_stage "
            "WHERE csp_waiting_on = 'third_party'"
        )
        self.assertEqual(kept, [["third_party"]])

    def test_tickets_learn_when_they_were_last_spoken_on(self):
        """From their events; without any, when they came in."""
        tickets = self.shell(f"""
{TICKETS}
tickets[0].message_post(
    body="Done", message_type="comment", subtype_xmlid="mail.mt_comment",
    author_id=env.ref("base.user_admin").partner_id.id,
)
""")
        self.sql(
            "UPDATE csp_ticket_event SET at = at + interval '1 hour' "
            "WHERE kind = 'staff_reply';"
            f"DELETE FROM csp_ticket_event WHERE ticket_id = {tickets[1]};"
            "ALTER TABLE helpdesk_ticket DROP COLUMN csp_last_contact_at;"
            "UPDATE ir_module_module SET latest_version = '19.0.1.0.0' "
            f"WHERE name = '{ADDON}'"
        )
        self.odoo("-u", ADDON)
        later = self.sql(
            "SELECT csp_last_contact_at - csp_received_at >= interval '1 hour', "
            "csp_last_contact_at = csp_received_at "
            f"FROM helpdesk_ticket WHERE id >= {tickets[0]} ORDER BY id"
        )
        self.assertEqual(later, [["t", "f"]] + [["f", "t"]] * 4)


#: Policies in several states, a trial, and settings that name what goes with us.
IN_USE = """
from odoo.fields import Command
line = {"match_all": True, "first_response_minutes": 60}
policies = env["csp.policy"].create([{"name": name} for name in ("A", "B", "C")])
policies.version_ids.write({"line_ids": [Command.create(line)]})
procedure = env["csp.procedure"].create({
    "version_id": policies[0].draft_version_id.id, "name": "Call",
    "standard_ids": env["csp.standard"].search([], limit=2).ids,
    "step_ids": [Command.create({"name": "Greet"})],
})
policies[0].draft_version_id.action_publish()
version = policies[1].draft_version_id
version.action_submit()
version.action_approve()
env["csp.pilot"].create({
    "version_id": version.id, "customer_mode": "everybody",
    "date_end": "2099-01-01 00:00:00", "responsible_id": env.ref("base.user_admin").id,
    "criterion_ids": [Command.create({"threshold": 90})],
}).action_start()
env.company.csp_approver_group_id = env.ref("customer_service_plan.group_manager")
tickets = env["helpdesk.ticket"].create([{"name": "x", "description": "x"}])
env["ir.model.data"]._update_xmlids([
    {"xml_id": f"customer_service_plan.{record._table}_{record.id}", "record": record}
    for record in (*policies, *policies.version_ids, *policies.version_ids.line_ids)
])
"""


class TestUninstall(ProcessCase):
    def test_uninstall_leaves_nothing(self):
        tickets = self.shell(TICKETS)
        self.shell(IN_USE)
        self.shell(f"""
module = env["ir.module.module"].search([("name", "=", "{ADDON}")])
module.button_immediate_uninstall()
""")
        tables = self.sql(
            r"SELECT table_name FROM information_schema.tables "
            r"WHERE table_name LIKE 'csp\_%' OR table_name LIKE '%\_csp\_%'"
        )
        self.assertEqual(tables, [])
        columns = self.sql(
            r"SELECT table_name, column_name FROM information_schema.columns "
            r"WHERE column_name LIKE 'csp\_%'"
        )
        self.assertEqual(columns, [])
        for table, column in (
            ("ir_model", "model"),
            ("ir_model_fields", "name"),
            ("ir_config_parameter", "key"),
        ):
            rows = self.sql(
                rf"SELECT {column} FROM {table} "
                rf"WHERE {column} LIKE 'csp\_%' OR {column} LIKE 'csp.%' "
                rf"OR {column} LIKE '{ADDON}%'"
            )
            self.assertEqual(rows, [], table)
        left = self.sql(f"SELECT name FROM ir_model_data WHERE module = '{ADDON}'")
        self.assertEqual(left, [])
        ticket = self.shell(f"""
ticket = env["helpdesk.ticket"].browse({tickets[0]})
form = env["helpdesk.ticket"].get_view(
    env.ref("helpdesk_mgmt.ticket_view_form").id, "form")
ticket.message_post(body="Still here", subtype_xmlid="mail.mt_comment")
ticket.stage_id = env.ref("helpdesk_mgmt.helpdesk_ticket_stage_done")
result = [ticket.read([])[0]["name"], "csp_" in form["arch"]]
""")
        self.assertEqual(ticket, ["Old request 0", False])
