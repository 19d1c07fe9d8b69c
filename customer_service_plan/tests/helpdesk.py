"""What tests of tickets share."""

from odoo.tests import new_test_user


class HelpdeskMixin:
    """Agents, stages and a promise for every ticket; below any test case of Odoo."""

    @classmethod
    def set_up_helpdesk(cls):
        # A database may have policies already; here only the test promises.
        cls.env["csp.policy"].search([]).active = False
        cls.agent = new_test_user(
            cls.env,
            login="csp-agent",
            name="Anna Agent",
            email="anna@test.mycompany.com",
            groups="helpdesk_mgmt.group_helpdesk_user",
            notification_type="inbox",
        )
        cls.manager = new_test_user(
            cls.env,
            login="csp-manager",
            groups="customer_service_plan.group_manager",
        )
        for name in ("new", "in_progress", "awaiting", "done", "cancelled"):
            stage = cls.env.ref(f"helpdesk_mgmt.helpdesk_ticket_stage_{name}")
            setattr(cls, f"stage_{name}", stage)
        cls.channel_email = cls.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_email")
        cls.team = cls.env["helpdesk.ticket.team"].create(
            {"name": "Service", "user_ids": cls.agent.ids, "alias_name": "service"}
        )
        cls.customer = cls.env["res.partner"].create(
            {"name": "Bakery Kalnas", "email": "office@kalnas.example"}
        )

    @classmethod
    def publish_promise(cls, **minutes):
        """Promise every ticket these minutes, day and night, from now on."""
        policy = cls.env["csp.policy"].create({"name": "For everybody"})
        version = policy.version_ids
        version.line_ids = [(0, 0, {"match_all": True, **minutes})]
        version.action_publish()
        return version.line_ids

    @classmethod
    def create_ticket(cls, **values):
        return cls.env["helpdesk.ticket"].create(
            {
                "name": "It leaks",
                "description": "<p>Since Monday</p>",
                "team_id": cls.team.id,
                "partner_id": cls.customer.id,
                "user_id": False,
                **values,
            }
        )

    @staticmethod
    def kinds(ticket):
        """Kinds of the ticket's events, oldest first."""
        events = ticket.csp_event_ids.sorted(lambda event: (event.at, event.id))
        return events.mapped("kind")

    @staticmethod
    def row(ticket, kind):
        """The ticket's only commitment of a kind."""
        return ticket.csp_commitment_ids.filtered(lambda row: row.kind == kind)
