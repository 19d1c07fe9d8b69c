from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.service.model import call_kw, get_public_method
from odoo.tests import new_test_user

from .acknowledging import AcknowledgementCommon

SIGNED = {
    "state": "signed",
    "signed_at": "2026-03-03 08:00:00",
    "content_hash": "0" * 64,
    "lang": "en_US",
}


class TestAcknowledgementDoors(AcknowledgementCommon):
    """Nobody forges a signature, by whatever door, whatever his rights."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.system = new_test_user(
            cls.env,
            "csp_system",
            groups="base.group_system,customer_service_plan.group_manager",
        )
        cls.row = cls._row(cls.anna)
        cls.everybody = cls.anna | cls.luc | cls.chief | cls.manager | cls.system

    def _unchanged(self):
        self.env.invalidate_all()
        self.assertRecordValues(
            self.row,
            [
                {
                    "state": "to_read",
                    "signed_at": False,
                    "content_hash": False,
                    "user_id": self.anna.id,
                    "version_id": self.version.id,
                }
            ],
        )
        self.assertEqual(len(self.version.acknowledgement_ids), 2)

    def _rpc(self, user, method, args, kwargs=None, model="csp.acknowledgement"):
        """As a program calls it: by name, with plain data."""
        Model = self.env[model].with_user(user)
        return call_kw(Model, method, args, kwargs or {})

    def test_create(self):
        values = {
            "version_id": self.version.id,
            "company_id": self.env.company.id,
            "due_date": "2026-03-10",
            "asked_at": "2026-03-02 08:00:00",
            **SIGNED,
        }
        for user in self.everybody:
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self._rpc(user, "create", [{**values, "user_id": user.id}])
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self._rpc(user, "name_create", ["Standard"])
        # Not even for who has every right on the model
        with self.assertRaises(AccessError):
            self.env["csp.acknowledgement"].sudo().create(
                {**values, "user_id": self.chief.id}
            )
        self._unchanged()

    def test_context_of_a_program(self):
        """What a program sends along as context is no key, and sets no defaults."""
        context = {
            "csp_by_addon": True,
            "default_state": "signed",
            "default_signed_at": "2026-03-03 08:00:00",
        }
        for user in self.everybody:
            with self.assertRaises(AccessError):
                self._rpc(user, "write", [self.row.ids, SIGNED], {"context": context})
        self._unchanged()
        draft = self._asking_policy(name="Another", publish=False).draft_version_id
        with freeze_time(self.at()):
            draft.with_context(**context).sudo().action_publish()
        rows = draft.acknowledgement_ids
        self.assertEqual(set(rows.mapped("state")), {"to_read"})
        self.assertFalse(any(rows.mapped("signed_at")))

    def test_write_and_unlink(self):
        row = self._row(self.luc)
        for user in self.everybody:
            for values in (
                SIGNED,
                {"state": "read"},
                {"due_date": "2027-01-01"},
                {"user_id": user.id},
                {"opened_at": "2026-03-02 08:00:00"},
                {"activity_ids": [Command.clear()]},
            ):
                with self.subTest(user=user.login, values=values):
                    with self.assertRaises(AccessError):
                        self._rpc(user, "write", [self.row.ids, values])
                    with self.assertRaises(AccessError):
                        self._rpc(
                            user, "web_save", [self.row.ids, values, {"state": {}}]
                        )
            for method in ("unlink", "copy"):
                with self.subTest(user=user.login, method=method):
                    with self.assertRaises(UserError):
                        self._rpc(user, method, [row.ids])
        for record in (self.row, row):
            with self.assertRaises(AccessError):
                record.sudo().write(SIGNED)
            with self.assertRaises(AccessError):
                record.sudo().unlink()
            with self.assertRaises(AccessError):
                record.sudo().copy({"user_id": self.chief.id})
        self._unchanged()

    def test_import(self):
        self.env["ir.model.data"].create(
            {
                "name": "row",
                "module": "__test__",
                "model": "csp.acknowledgement",
                "res_id": self.row.id,
            }
        )
        names = ["id", "state", "signed_at"]
        data = [["__test__.row", "signed", "2026-03-03 08:00:00"]]
        for user in self.everybody:
            try:
                result = self._rpc(user, "load", [names, data])
            except AccessError:
                continue
            self.assertFalse(result["ids"])
            self.assertTrue(result["messages"])
        self._unchanged()

    def test_by_other_records(self):
        """Commands on the version, the policy or the person."""
        update = [Command.update(self.row.id, SIGNED)]
        forged = [
            Command.create(
                {
                    **SIGNED,
                    "user_id": self.chief.id,
                    "company_id": self.env.company.id,
                    "due_date": "2026-03-10",
                    "asked_at": "2026-03-02 08:00:00",
                }
            )
        ]
        for user in self.manager | self.system:
            for commands in (
                update,
                forged,
                [Command.delete(self.row.id)],
                [Command.unlink(self.row.id)],
                [Command.clear()],
                [Command.set([])],
            ):
                with self.subTest(user=user.login, commands=commands):
                    with self.assertRaises(UserError):
                        self._rpc(
                            user,
                            "write",
                            [self.version.ids, {"acknowledgement_ids": commands}],
                            model="csp.policy.version",
                        )
                        self.env.flush_all()
        for vals in ({"acknowledgement_ids": forged},):
            draft = self.policy.copy().draft_version_id
            with self.assertRaises(AccessError):
                draft.with_user(self.manager).write(vals)
        self._unchanged()

    def test_signing_for_another(self):
        for user in self.luc | self.chief | self.manager | self.system:
            for method, args in (
                ("action_open", []),
                ("action_read_to_end", ["x"]),
                ("action_acknowledge", []),
            ):
                with self.subTest(user=user.login, method=method):
                    with self.assertRaises(AccessError):
                        self._rpc(user, method, [self.row.ids, *args])
                    # Superuser rights do not make him another person.
                    with self.assertRaises(AccessError):
                        getattr(self.row.with_user(user).sudo(), method)(*args)
        with self.assertRaises(AccessError):
            self.row.with_user(self.env.ref("base.user_root")).action_open()
        self._unchanged()

    def test_own_signature_only_by_reading(self):
        """The person himself has no other way than the page."""
        with self.assertRaises(UserError):
            self._rpc(self.anna, "action_acknowledge", [self.row.ids])
        with self.assertRaises(UserError):
            self._rpc(self.anna, "action_read_to_end", [self.row.ids, "x"])
        self._unchanged()

    def test_secret_of_a_look_is_not_read(self):
        self.row.with_user(self.anna).action_open()
        for user in self.everybody:
            row = self.row.with_user(user)
            self.assertNotIn("look_key", row.fields_get())
            with self.assertRaises(AccessError):
                row.read(["look_key"])
            with self.assertRaises(AccessError):
                row.search([("look_key", "!=", False)])

    def test_private_methods(self):
        for name, methods in {
            "csp.acknowledgement": (
                "_as_addon",
                "_release",
                "_ask_again",
                "_tell",
                "_cron_acknowledgements",
            ),
            "csp.policy": ("_follow_roster", "_audience"),
            "csp.policy.version": ("_ask", "_after_publication"),
        }.items():
            for method in methods:
                self.assertTrue(hasattr(self.env[name], method), method)
                with self.assertRaises(AccessError):
                    get_public_method(self.env[name], method)

    def test_releasing_is_for_managers(self):
        for user in self.anna | self.luc | self.chief:
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self._rpc(user, "action_release", [self.row.ids, "Because"])
        self._unchanged()

    def test_reminding_is_for_managers_and_leads(self):
        for user in self.anna | self.luc:
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self._rpc(user, "action_remind", [self.row.ids])
            with self.assertRaises(AccessError):
                self._rpc(
                    user,
                    "action_remind_to_sign",
                    [self.version.ids],
                    model="csp.policy.version",
                )
        for user in self.chief | self.manager:
            self._rpc(user, "action_remind", [self.row.ids])


class TestAcknowledgementCut(AcknowledgementCommon):
    """Agents see their own, leads those of their teams, managers their companies'."""

    def _seen(self, user, company=None):
        rows = self.env["csp.acknowledgement"].with_user(user)
        return rows.with_company(company or self.env.company).search(
            [("policy_id", "=", self.policy.id)]
        )

    def test_who_sees_whom(self):
        self.assertEqual(self._seen(self.anna).user_id, self.anna)
        self.assertEqual(self._seen(self.chief).user_id, self.anna | self.luc)
        self.assertEqual(self._seen(self.manager).user_id, self.anna | self.luc)
        self.assertFalse(self._seen(self.agent))
        clerk = new_test_user(self.env, "csp_clerk", groups="base.group_user")
        self.assertFalse(self._seen(clerk))
        with self.assertRaises(AccessError):
            self._row(self.anna).with_user(self.luc).read(["state"])

    def test_lead_of_the_team_above(self):
        above = self.env["helpdesk.ticket.team"].create(
            {"name": "All", "user_id": self.agent.id}
        )
        self.team.parent_id = above
        self.assertEqual(self.agent.csp_led_team_ids, above | self.team)
        self.assertEqual(self._seen(self.agent).user_id, self.anna | self.luc)

    def test_other_company(self):
        branch = self.env["res.company"].create({"name": "Branch"})
        stranger = new_test_user(
            self.env,
            "csp_stranger",
            groups="customer_service_plan.group_manager",
            company_id=branch.id,
            company_ids=branch.ids,
        )
        self.assertFalse(self._seen(stranger, branch))
        row = self._row(self.anna).with_user(stranger)
        for call in (
            lambda: row.read(["state"]),
            lambda: row.action_open(),
            lambda: row.action_release("Because"),
            lambda: row.action_remind(),
        ):
            with self.assertRaises(AccessError):
                call()
        # Who belongs to another company is not asked by a policy of this one.
        with freeze_time(self.at()):
            self.policy.audience_user_ids = stranger
        self.assertFalse(self._row(stranger))
        # A policy for every company: each manager sees the people of his.
        policy = self._asking_policy(
            name="Everywhere",
            company_id=False,
            audience_user_ids=(stranger | self.anna).ids,
        )
        rows = policy.version_ids.acknowledgement_ids
        self.assertEqual(len(rows), 2)
        Rows = self.env["csp.acknowledgement"]
        seen = Rows.with_user(stranger).search([("id", "in", rows.ids)])
        self.assertEqual(seen.user_id, stranger)
        seen = Rows.with_user(self.manager).search([("id", "in", rows.ids)])
        self.assertEqual(seen.user_id, self.anna)

    def test_reader_without_the_helpdesk(self):
        """Who only works in the company reads and signs what he is asked to."""
        clerk = new_test_user(self.env, "csp_clerk", groups="base.group_user")
        with freeze_time(self.at()):
            self.policy.audience_user_ids = clerk
        row = self._sign(clerk, self.at(days=1))
        self.assertEqual(row.sudo().state, "signed")
        self.assertIn("Standard", row.display_name)
        read = row.web_read({"version_id": {"fields": {"display_name": {}}}})
        self.assertIn("Standard", read[0]["version_id"]["display_name"])
        self.assertFalse(self.version.with_user(clerk).has_access("read"))
