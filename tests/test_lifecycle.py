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
result = sorted(env["ir.model.data"].search(
    [("module", "=", "customer_service_plan")]).mapped("complete_name"))
""")
        self.odoo("-u", ADDON)
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


class TestUninstall(ProcessCase):
    def test_uninstall_leaves_nothing(self):
        tickets = self.shell(TICKETS)
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
