from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo.tests import new_test_user

from odoo.addons.base.tests.common import BaseCommon

#: Monday, 09:00 in Athens (UTC+2 in winter).
MONDAY = datetime(2026, 3, 2, 7, 0)


class CspCommon(BaseCommon):
    """A company with hours Monday to Friday 9–17 in Athens and one policy.

    Instants in the tests are UTC; `at(days, hours, minutes)` counts from Monday 9:00 in
    Athens.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Who approves a version has tests of its own.
        cls.env.company.write(
            {"csp_reopen_grace_days": 7, "csp_approval_required": False}
        )
        cls.env["ir.default"].set("res.company", "csp_approval_required", False)
        cls.hours = cls.env["csp.hours"].create(
            {
                "name": "Office hours",
                "tz": "Europe/Athens",
                "follow_company_closures": False,
                "line_ids": [
                    (0, 0, {"weekday": str(day), "minute_from": 540, "minute_to": 1020})
                    for day in range(5)
                ],
            }
        )
        cls.env.company.csp_hours_id = cls.hours
        cls.manager = new_test_user(
            cls.env, "csp_manager", groups="customer_service_plan.group_manager"
        )
        cls.agent = new_test_user(
            cls.env, "csp_agent", groups="helpdesk_mgmt.group_helpdesk_user"
        )
        cls.customer = cls.env["res.partner"].create(
            {"name": "Dimitra Customer", "email": "dimitra@example.com"}
        )
        cls.stage_new = cls.env.ref("helpdesk_mgmt.helpdesk_ticket_stage_new")
        cls.stage_progress = cls.env.ref(
            "helpdesk_mgmt.helpdesk_ticket_stage_in_progress"
        )
        cls.stage_waiting = cls.env.ref("helpdesk_mgmt.helpdesk_ticket_stage_awaiting")
        cls.stage_done = cls.env.ref("helpdesk_mgmt.helpdesk_ticket_stage_done")
        cls.stage_cancelled = cls.env.ref(
            "helpdesk_mgmt.helpdesk_ticket_stage_cancelled"
        )

    @classmethod
    def at(cls, days=0, hours=0, minutes=0, seconds=0):
        return MONDAY + timedelta(
            days=days, hours=hours, minutes=minutes, seconds=seconds
        )

    @classmethod
    def _create_policy(cls, lines, name="Standard", at=None, publish=True, **vals):
        """A policy whose version is published at `at` (default: a week before)."""
        with freeze_time(at or cls.at(days=-7)):
            policy = cls.env["csp.policy"].create({"name": name, **vals})
            version = policy.draft_version_id
            version.line_ids = [(0, 0, line) for line in lines]
            if publish:
                version.action_publish()
        return policy

    @classmethod
    def _create_ticket(cls, at=None, user=None, **vals):
        with freeze_time(at or cls.at()):
            Ticket = cls.env["helpdesk.ticket"].with_user(user or cls.env.user)
            return Ticket.create(
                {
                    "name": "The printer is on fire",
                    "description": "Smoke, too.",
                    "partner_id": cls.customer.id,
                    **vals,
                }
            )

    def _post(self, ticket, at, author, message_type="comment", **kwargs):
        with freeze_time(at):
            return ticket.message_post(
                body="Hello",
                author_id=author.id,
                message_type=message_type,
                subtype_xmlid=kwargs.pop("subtype_xmlid", "mail.mt_comment"),
                **kwargs,
            )

    def _reply(self, ticket, at, user=None):
        return self._post(ticket, at, (user or self.agent).partner_id)

    def _ask(self, ticket, at):
        return self._post(ticket, at, self.customer)

    def _move(self, ticket, at, stage):
        with freeze_time(at):
            ticket.stage_id = stage

    def _sweep(self, at):
        with freeze_time(at), self.enter_registry_test_mode():
            self.env.ref("customer_service_plan.ir_cron_sweep").method_direct_trigger()
        self.env.invalidate_all()

    def _row(self, ticket, kind):
        """The latest commitment of a kind."""
        rows = ticket.csp_commitment_ids.filtered(lambda row: row.kind == kind)
        return rows.sorted("started_at")[-1:]

    def _kinds(self, ticket):
        return ticket.csp_event_ids.sorted(lambda e: (e.at, e.id)).mapped("kind")

    def _snapshot(self, ticket):
        """Everything derived, for comparing two ways to it."""
        names = [
            "kind",
            "state",
            "target_seconds",
            "started_at",
            "consumed_seconds",
            "running_since",
            "deadline",
            "ended_at",
            "missed_at",
            "overrun_seconds",
            "next_step_at",
        ]
        rows = ticket.csp_commitment_ids.sorted(lambda row: (row.kind, row.started_at))
        return [tuple(row[name] for name in names) for row in rows] + [
            ticket.csp_next_deadline,
            ticket.csp_next_kind,
            ticket.csp_first_response_at,
            ticket.csp_unanswered_since,
            ticket.csp_last_contact_at,
            ticket.csp_waiting_on,
            ticket.csp_closed_as,
            ticket.csp_closed_at,
            ticket.csp_reopen_count,
        ]
