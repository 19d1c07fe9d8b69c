from datetime import timedelta

from freezegun import freeze_time

from odoo.fields import Command
from odoo.tests import new_test_user

from .common import CspCommon


class PilotCommon(CspCommon):
    """A policy in force that promises a reply in four hours, and an approved version
    that promises it in one, to be tried from Monday 9:00 for two weeks."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = cls._create_policy(
            [{"match_all": True, "first_response_minutes": 240}]
        )
        cls.in_force = cls.policy.current_version_id
        cls.version = cls._approve_next(cls.policy)
        cls.lead = new_test_user(
            cls.env, "csp_lead", groups="helpdesk_mgmt.group_helpdesk_user_own"
        )
        cls.other = cls.env["res.partner"].create(
            {"name": "Otto Other", "email": "otto@example.com"}
        )

    @classmethod
    def _approve_next(cls, policy, minutes=60):
        with freeze_time(cls.at(days=-1)):
            policy.action_new_version()
            version = policy.draft_version_id
            version.line_ids.first_response_minutes = minutes
            version.action_submit()
            # As another addon's approval would.
            version.sudo().action_approve()
        return version

    @classmethod
    def _create_pilot(cls, **vals):
        return cls.env["csp.pilot"].create(
            {
                "version_id": cls.version.id,
                "customer_mode": "list",
                "partner_ids": [Command.set(cls.customer.ids)],
                "responsible_id": cls.lead.id,
                "date_end": cls.at(days=14),
                "criterion_ids": [Command.create({"measure": "kept", "threshold": 80})],
                **vals,
            }
        )

    @classmethod
    def _start(cls, pilot=None, at=None, **vals):
        pilot = pilot or cls._create_pilot(**vals)
        with freeze_time(at or cls.at()):
            pilot.with_user(cls.manager).action_start()
        return pilot

    def _cron(self, at):
        with freeze_time(at), self.enter_registry_test_mode():
            self.env.ref("customer_service_plan.ir_cron_trials").method_direct_trigger()
        self.env.invalidate_all()

    def _decide(self, pilot, decision, at=None, user=None, **kwargs):
        with freeze_time(at or self.at(days=15)):
            pilot.with_user(user or self.lead).action_decide(
                decision, "The figures say so", **kwargs
            )

    def _promised(self, ticket):
        return ticket.csp_policy_version_id

    def _mails(self, pilot):
        return self.env["mail.mail"].search(
            [
                ("model", "=", "csp.pilot.participation"),
                ("res_id", "in", pilot.participation_ids.ids),
            ]
        )

    def _later(self, minutes=10):
        return self.at() + timedelta(minutes=minutes)
