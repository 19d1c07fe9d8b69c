"""What tests of reading and signing share."""

from datetime import timedelta

from freezegun import freeze_time

from odoo.tests import new_test_user

from ..tools import reading
from .common import CspCommon

#: A line that promises every ticket something.
LINE = {"match_all": True, "first_response_minutes": 60}


class AcknowledgementCommon(CspCommon):
    """A team with two agents and a leader, and a policy that they are to sign.

    Monday, 9:00 in Athens, is when it is published.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.anna, cls.luc, cls.chief = (
            new_test_user(
                cls.env,
                login,
                groups="helpdesk_mgmt.group_helpdesk_user_own",
                tz="Europe/Athens",
                notification_type="inbox",
            )
            for login in ("csp_anna", "csp_luc", "csp_chief")
        )
        cls.team = cls.env["helpdesk.ticket.team"].create(
            {
                "name": "Service",
                "user_id": cls.chief.id,
                "user_ids": (cls.anna + cls.luc).ids,
            }
        )
        cls.policy = cls._asking_policy()
        cls.version = cls.policy.current_version_id

    @classmethod
    def _asking_policy(cls, name="Standard", at=None, publish=True, **vals):
        with freeze_time(at or cls.at()):
            policy = cls.env["csp.policy"].create(
                {
                    "name": name,
                    "owner_id": cls.manager.id,
                    **(vals or {"audience_team_ids": cls.team.ids}),
                }
            )
            policy.draft_version_id.write(
                {"line_ids": [(0, 0, LINE)], "purpose": "<p>We answer fast.</p>"}
            )
            if publish:
                policy.draft_version_id.action_publish()
        return policy

    @classmethod
    def _next_version(cls, at, policy=None, **vals):
        with freeze_time(at):
            policy = policy or cls.policy
            policy.action_new_version()
            draft = policy.draft_version_id
            draft.write({"change_summary": "Faster", **vals})
            draft.action_publish()
        return draft

    @classmethod
    def _row(cls, user, version=None):
        return cls.env["csp.acknowledgement"].search(
            [
                ("user_id", "=", user.id),
                ("version_id", "=", (version or cls.version).id),
            ]
        )

    @classmethod
    def _states(cls, version=None):
        rows = (version or cls.version).acknowledgement_ids
        rows.invalidate_recordset()
        return {row.user_id.login: row.state for row in rows}

    @classmethod
    def _read(cls, user, at, version=None, lang=None):
        """Open the text and read it to its end; give the row as that user."""
        row = cls._row(user, version).with_user(user)
        if lang:
            row = row.with_context(lang=lang)
        with freeze_time(at):
            data = row.action_open()
        with freeze_time(at + timedelta(seconds=reading.LONGEST_WAIT)):
            row.action_read_to_end(data["token"])
        return row

    @classmethod
    def _sign(cls, user, at, version=None, lang=None):
        row = cls._read(user, at, version, lang)
        with freeze_time(at + timedelta(minutes=1)):
            row.action_acknowledge()
        return row

    def _run(self, at):
        """What the scheduler does at a moment."""
        with freeze_time(at), self.enter_registry_test_mode():
            self.env.ref(
                "customer_service_plan.ir_cron_acknowledgements"
            ).method_direct_trigger()
        self.env.invalidate_all()
