"""What was escalated in the demo company: the steps of its lists are taken while its
tickets are told, by the sweep itself."""

from odoo.tools import SQL

MODULE = "customer_service_plan"


def begin(env):
    """Let the tickets of the demo company follow its lists from the beginning."""
    company = env.ref("base.main_company")
    company.csp_escalation_list_id = env.ref(f"{MODULE}.csp_escalation_list_late_demo")
    company.csp_complaint_list_id = env.ref(
        f"{MODULE}.csp_escalation_list_complaint_demo"
    )
    team = env.ref(f"{MODULE}.helpdesk_ticket_team_service_demo")
    team.user_id = env.ref(f"{MODULE}.res_users_manager_demo")


def tell(env):
    """Tell people what is due: in one message each, dated as it would have been."""
    Notice = env["csp.escalation.notice"]
    _act(env)
    waiting = Notice.search([("state", "=", "waiting")])
    for user in waiting.user_id:
        Notice._tell(user.id)
    env.flush_all()
    env.cr.execute(
        SQL(
            """
            UPDATE csp_escalation_notice SET sent_at = due_at
             WHERE id = ANY(%s) AND state = 'sent'
            """,
            waiting.ids,
        )
    )
    Notice.invalidate_model(["sent_at"])


def _act(env):
    """Let somebody take charge of one ticket, and somebody call for help on another."""
    tickets = env["helpdesk.ticket"].search(
        [
            ("csp_escalated_at", "!=", False),
            ("csp_closed_as", "=", False),
            ("csp_is_complaint", "=", False),
            ("user_id", "!=", False),
        ],
        order="id",
        limit=2,
    )
    manager = env.ref(f"{MODULE}.res_users_manager_demo")
    tickets[:1].with_user(manager).action_csp_take_charge()
    for ticket in tickets[1:]:
        ticket.with_user(ticket.user_id).action_csp_escalate(
            "They ask for a discount that I may not give."
        )
