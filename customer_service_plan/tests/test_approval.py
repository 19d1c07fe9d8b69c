from freezegun import freeze_time
from psycopg2 import DatabaseError

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, users
from odoo.tools import mute_logger

from ..models.csp_policy_version import NEEDS_REASON, Finding
from .common import CspCommon

ANY = {"match_all": True, "first_response_minutes": 60}
APPROVE = "customer_service_plan.mail_activity_type_approve_version"
REJECTED = "customer_service_plan.mail_activity_type_rejected_version"


class ApprovalCommon(CspCommon):
    """A draft written by one manager; another one is there to approve it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.csp_approval_required = True
        cls.other = new_test_user(
            cls.env, "csp_other", groups="customer_service_plan.group_manager"
        )
        cls.version = cls._draft_of(cls.manager)

    @classmethod
    def _draft_of(cls, author, name="Standard"):
        policy = cls.env["csp.policy"].with_user(author).create({"name": name})
        policy.draft_version_id.line_ids = [Command.create(ANY)]
        return policy.draft_version_id

    def _to_dos(self, xmlid, version=None):
        kind = self.env.ref(xmlid)
        activities = (version or self.version).sudo().activity_ids
        return activities.filtered(lambda each: each.activity_type_id == kind)


class TestApproval(ApprovalCommon):
    """Proposed by one person, approved by another."""

    def test_from_draft_to_published(self):
        mine = self.version
        theirs = mine.with_user(self.other)
        self.assertEqual(mine.author_ids, self.manager)
        with self.assertRaisesRegex(UserError, "not approved yet"):
            mine.action_publish()
        with freeze_time(self.at()):
            mine.action_submit()
        self.assertRecordValues(
            mine,
            [
                {
                    "state": "in_review",
                    "submitted_by_id": self.manager.id,
                    "submitted_at": self.at(),
                }
            ],
        )
        self.assertIn(self.other, self._to_dos(APPROVE).user_id)
        self.assertNotIn(self.manager, self._to_dos(APPROVE).user_id)
        self.assertFalse(mine.may_approve)
        self.assertTrue(theirs.may_approve)
        for publish in (mine.action_publish, theirs.action_publish):
            with self.assertRaisesRegex(UserError, "not approved yet"):
                publish()
        with self.assertRaisesRegex(AccessError, "written in .* or proposed"):
            mine.action_approve()
        with freeze_time(self.at(hours=1)):
            theirs.action_approve()
        self.assertFalse(self._to_dos(APPROVE))
        self.assertRecordValues(
            mine,
            [
                {
                    "state": "approved",
                    "approved_by_id": self.other.id,
                    "approved_at": self.at(hours=1),
                }
            ],
        )
        with freeze_time(self.at(hours=2)):
            mine.action_publish()
        self.assertEqual(mine.state, "published")
        self.assertEqual(mine.published_by_id, self.manager)

    def test_who_writes_a_word_cannot_approve(self):
        """Whether in the version, in a line, a step or a translation."""
        procedure = self.env["csp.procedure"]
        attempts = {
            "purpose": lambda v: v.write({"purpose": "<p>Because</p>"}),
            "line": lambda v: v.line_ids.write({"first_response_minutes": 30}),
            "new line": lambda v: v.write({"line_ids": [Command.create(ANY)]}),
            "procedure": lambda v: procedure.with_user(v.env.user).create(
                {"version_id": v.id, "name": "Call"}
            ),
            "translation": lambda v: (
                v.update_field_translations("change_summary", {"en_US": "x"})
                if v._fields["change_summary"].translate
                else v.write({"change_summary": "x"})
            ),
        }
        for name, attempt in attempts.items():
            with self.subTest(name):
                version = self._draft_of(self.manager, name=name)
                attempt(version.with_user(self.other))
                self.assertEqual(version.author_ids, self.manager + self.other)
                version.action_submit()
                with self.assertRaises(AccessError):
                    version.with_user(self.other).action_approve()

    def test_who_proposes_cannot_approve(self):
        """Otherwise one could write and have somebody else press the button."""
        self.version.with_user(self.other).action_submit()
        for user in (self.manager, self.other):
            with self.assertRaises(AccessError):
                self.version.with_user(user).action_approve()
        third = new_test_user(
            self.env, "csp_third", groups="customer_service_plan.group_manager"
        )
        self.version.with_user(third).action_approve()
        self.assertEqual(self.version.approved_by_id, third)

    def test_named_approver(self):
        """By name; he need not be a manager, and managers may not any more."""
        head = new_test_user(
            self.env, "csp_head_of", groups="customer_service_plan.group_agent"
        )
        self.version.policy_id.approver_ids = head
        self.version.action_submit()
        self.assertEqual(self._to_dos(APPROVE).user_id, head)
        with self.assertRaisesRegex(AccessError, "csp_head_of"):
            self.version.with_user(self.other).action_approve()
        with self.assertRaises(AccessError):
            self.version.with_user(self.agent).action_approve()
        self.version.with_user(head).action_approve()
        self.assertEqual(self.version.approved_by_id, head)
        # He approves; he does not write.
        self.version.action_back_to_draft()
        with self.assertRaises(AccessError):
            self.version.with_user(head).write({"purpose": "x"})

    def test_group_of_the_settings(self):
        directors = self.env["res.groups"].create({"name": "Directors"})
        director = new_test_user(
            self.env, "csp_director", groups="customer_service_plan.group_agent"
        )
        director.group_ids += directors
        self.env.company.csp_approver_group_id = directors
        self.version.action_submit()
        self.assertEqual(self._to_dos(APPROVE).user_id, director)
        with self.assertRaises(AccessError):
            self.version.with_user(self.other).action_approve()
        self.version.with_user(director).action_approve()
        self.assertEqual(self.version.state, "approved")

    def test_approver_of_another_company(self):
        branch = self.env["res.company"].create({"name": "Branch"})
        stranger = new_test_user(
            self.env,
            "csp_stranger",
            groups="customer_service_plan.group_manager",
            company_id=branch.id,
            company_ids=[Command.set(branch.ids)],
        )
        self.version.action_submit()
        self.assertNotIn(stranger, self.version._approvers())
        with self.assertRaises(AccessError):
            self.version.with_user(stranger).action_approve()

    def test_nobody_else(self):
        self.version.policy_id.approver_ids = self.manager
        self.version.action_submit()
        with self.assertRaisesRegex(AccessError, "nobody else who can"):
            self.version.action_approve()

    def test_approver_who_left(self):
        self.other.active = False
        self.version.action_submit()
        self.assertNotIn(self.other, self.version._approvers())

    # --- Rejected

    def test_rejected(self):
        self.version.action_submit()
        theirs = self.version.with_user(self.other)
        for reason in ("", "   ", None):
            with self.assertRaisesRegex(UserError, "Say why"):
                theirs.action_reject(reason)
        wizard = Form(
            self.env["csp.policy.reject"]
            .with_user(self.other)
            .with_context(default_version_id=self.version.id)
        )
        wizard.reason = "Nobody is there on Saturdays <b>at all</b>"
        with freeze_time(self.at()):
            wizard.save().action_reject()
        self.assertRecordValues(
            self.version,
            [
                {
                    "state": "draft",
                    "rejected_by_id": self.other.id,
                    "rejected_at": self.at(),
                    "rejection_reason": "Nobody is there on Saturdays <b>at all</b>",
                }
            ],
        )
        to_do = self._to_dos(REJECTED)
        self.assertEqual(to_do.user_id, self.manager)
        self.assertIn("&lt;b&gt;at all", to_do.note)
        self.assertFalse(self._to_dos(APPROVE))
        # Proposed again: what was wrong is history.
        self.version.action_submit()
        self.assertFalse(self.version.rejection_reason)
        self.assertFalse(self._to_dos(REJECTED))
        theirs.action_approve()

    def test_authors_do_not_reject(self):
        self.version.action_submit()
        with self.assertRaises(AccessError):
            self.version.action_reject("I changed my mind")
        self.version.action_back_to_draft()
        self.assertEqual(self.version.state, "draft")
        self.assertFalse(self._to_dos(APPROVE))

    def test_nothing_out_of_turn(self):
        theirs = self.version.with_user(self.other)
        for method, args in (
            ("action_approve", ()),
            ("action_reject", ("No",)),
            ("action_retire", ()),
            ("action_back_to_draft", ()),
        ):
            with self.subTest(method), self.assertRaises(UserError):
                getattr(theirs, method)(*args)
        self.version.action_submit()
        with self.assertRaises(UserError):
            self.version.action_submit()
        theirs.action_approve()
        with self.assertRaises(UserError):
            theirs.action_approve()

    @users("csp_manager", "csp_agent")
    def test_life_is_not_written(self):
        """Neither by create, write, import nor default values."""
        version = self.version.with_user(self.env.user)
        for values in (
            {"approved_by_id": self.env.uid},
            {"author_ids": [Command.clear()]},
            {"author_ids": [Command.unlink(self.manager.id)]},
            {"submitted_by_id": False},
            {"publish_reason": "x"},
            {"publish_findings": "x"},
            {"content_hash": "x"},
            {"piloted_at": "2026-01-01"},
            {"rejection_reason": False},
            {"state": "approved"},
        ):
            with self.subTest(values=values), self.assertRaises(UserError):
                version.write(values)
        if self.env.user == self.manager:
            draft = (
                self.env["csp.policy"]
                .with_context(
                    default_approved_by_id=self.other.id,
                    default_author_ids=[Command.set(self.other.ids)],
                    default_state="approved",
                )
                .create({"name": "Sneaked in"})
                .version_ids
            )
            self.assertEqual(draft.author_ids, self.manager)
            self.assertFalse(draft.approved_by_id)
            self.assertEqual(draft.state, "draft")

    def test_without_approval(self):
        """A company of one person says so in Odoo's settings."""
        self.env.company.csp_approval_required = False
        self.assertFalse(self.version.approval_needed)
        self.version.action_publish()
        self.assertEqual(self.version.state, "published")
        self.assertFalse(self.version.approved_by_id)

    def test_next_draft_has_its_own_authors(self):
        self.version.action_submit()
        self.version.with_user(self.other).action_approve()
        self.version.action_publish()
        policy = self.version.policy_id.with_user(self.other)
        policy.action_new_version()
        self.assertEqual(policy.draft_version_id.author_ids, self.other)

    def test_approval_of_another_addon(self):
        """See readme/DEVELOP.md: it decides in one method who may approve."""
        self.version.action_submit()
        Version = self.env.registry["csp.policy.version"]
        self.patch(Version, "_check_may_approve", lambda self: None)
        self.version.action_approve()
        self.assertEqual(self.version.approved_by_id, self.manager)

    # --- Findings that need a reason

    def test_reason(self):
        self.version.action_submit()
        self.version.with_user(self.other).action_approve()
        Version = self.env.registry["csp.policy.version"]
        finding = Finding(NEEDS_REASON, "Nobody can keep this.")
        self.patch(Version, "_publishing_findings", lambda self: [finding])
        for reason in (None, "", "  \n "):
            with self.assertRaisesRegex(UserError, "Nobody can keep this"):
                self.version.action_publish(reason=reason)
        self.version.action_publish(reason=" Two people start on Monday. ")
        self.assertRecordValues(
            self.version,
            [
                {
                    "state": "published",
                    "publish_reason": "Two people start on Monday.",
                    "publish_findings": "Nobody can keep this.",
                }
            ],
        )
        notes = " ".join(self.version.message_ids.mapped("body"))
        self.assertIn("Two people start on Monday.", notes)


class TestFrozenWords(ApprovalCommon):
    """Doors by which words could change that nobody opens on purpose."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("lt_LT")
        cls.version.purpose = "<p>We answer</p>"
        cls.procedure = cls.env["csp.procedure"].create(
            {
                "version_id": cls.version.id,
                "name": "Call",
                "step_ids": [Command.create({"name": "Greet"})],
            }
        )
        with freeze_time(cls.at()):
            cls.version.sudo().action_publish()

    def test_translations(self):
        for record, field, value in (
            (self.version, "purpose", {"lt_LT": {"We answer": "Neatsakome"}}),
            (self.procedure, "name", {"lt_LT": "Skambutis"}),
            (self.procedure.step_ids, "name", {"lt_LT": "Labas"}),
        ):
            for user in (self.manager, self.env.user):
                with self.subTest(model=record._name, user=user.login):
                    with self.assertRaises(UserError):
                        record.with_user(user).update_field_translations(field, value)
            with self.assertRaises(UserError):
                record.with_context(lang="lt_LT").write({field: "x"})
        self.assertEqual(
            self.procedure.with_context(lang="lt_LT").name, self.procedure.name
        )

    def test_update_of_an_addon(self):
        """Data files of an addon leave published words alone; others they write."""
        draft = self._draft_of(self.manager, name="Other")
        for record, values, expected in (
            (self.version, {"purpose": "<p>x</p>"}, False),
            (self.version.line_ids, {"first_response_minutes": 1}, False),
            (self.procedure.step_ids, {"name": "x"}, False),
            (draft.line_ids, {"first_response_minutes": 1}, True),
        ):
            name = f"csp_test.record_{record._name.replace('.', '_')}_{record.id}"
            self.env["ir.model.data"]._update_xmlids(
                [{"xml_id": name, "record": record, "noupdate": False}]
            )
            before = record.read(list(values))
            self.env[record._name].with_context(install_mode=True)._load_records(
                [{"xml_id": name, "values": values, "noupdate": False}], update=True
            )
            record.invalidate_recordset()
            with self.subTest(model=record._name, id=record.id):
                self.assertEqual(record.read(list(values)) != before, expected)

    def test_cascades(self):
        """Nothing that a published version names is deleted from under it."""
        branch = self.env["res.company"].create({"name": "Branch"})
        policy = self._create_policy([ANY], name="Of the branch", company_id=branch.id)
        with mute_logger("odoo.sql_db"), self.assertRaises(DatabaseError):
            with self.env.cr.savepoint():
                branch.unlink()
        self.assertTrue(policy.version_ids.exists())
        template = self.env["mail.template"].create(
            {"name": "x", "model_id": self.env["ir.model"]._get_id("helpdesk.ticket")}
        )
        draft = self._draft_of(self.manager, name="With a mail")
        draft.remind_template_id = template
        draft.sudo().action_publish()
        with mute_logger("odoo.sql_db"), self.assertRaises(DatabaseError):
            with self.env.cr.savepoint():
                template.unlink()
        self.assertEqual(draft.remind_template_id, template)

    def test_hash_tells_of_any_change(self):
        self.assertTrue(self.version._is_as_bound())
        self.assertEqual(len(self.version.content_hash), 64)
        for table, column, value in (
            ("csp_policy_line", "first_response_minutes", "1"),
            ("csp_policy_version", "purpose", '\'{"en_US": "<p>x</p>"}\''),
            ("csp_procedure_step", "name", '\'{"en_US": "Greet", "lt_LT": "x"}\''),
        ):
            self.env.flush_all()
            with self.subTest(table=table), self.env.cr.savepoint() as savepoint:
                self.env.cr.execute(f"UPDATE {table} SET {column} = {value}")
                self.env.invalidate_all()
                self.assertIs(self.version._is_as_bound(), False)
                savepoint.rollback()
                self.env.invalidate_all()
        self.assertTrue(self.version._is_as_bound())
        draft = self._draft_of(self.manager, name="Not bound")
        self.assertIsNone(draft._is_as_bound())

    def test_hash_does_not_depend_on_who_looks(self):
        expected = self.version._content_hash()
        for user in (self.agent, self.manager):
            mine = self.version.with_user(user).with_context(lang="lt_LT", tz="UTC")
            self.assertEqual(mine._content_hash(), expected)

    def test_versions_of_before(self):
        """An update gives earlier versions what is kept since."""
        self.env.cr.execute(
            "UPDATE csp_policy_version SET content_hash = NULL;"
            "DELETE FROM csp_policy_version_author_rel"
        )
        self.env.invalidate_all()
        self.env["csp.policy.version"]._adopt_earlier()
        self.assertTrue(self.version._is_as_bound())
        self.assertEqual(self.version.author_ids, self.manager)

    def test_fingerprint_of_promises(self):
        """Changes with what is promised and with opening hours, not with words."""
        draft = self._draft_of(self.manager, name="Draft")
        before = draft._promise_fingerprint()
        draft.purpose = "<p>Other words</p>"
        self.assertEqual(draft._promise_fingerprint(), before)
        draft.line_ids.goal_percent = 80
        changed = draft._promise_fingerprint()
        self.assertNotEqual(changed, before)
        self.hours.line_ids[0].minute_to = 1000
        self.assertNotEqual(draft._promise_fingerprint(), changed)
