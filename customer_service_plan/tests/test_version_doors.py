import base64
import json
import logging
from datetime import timedelta

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import HttpCase, JsonRpcException, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.base.models.ir_model import MODULE_UNINSTALL_FLAG

from ..models.csp_policy_version import CONTENT_FIELDS, LIFE_FIELDS
from ..models.protected import BY_ADDON
from .common import CspCommon

ANY = {"match_all": True, "first_response_minutes": 60}
HELPDESK = "helpdesk_mgmt.group_helpdesk_user_own"
MANAGER = "customer_service_plan.group_manager"
#: What somebody with bad intentions sends along.
HOSTILE = {
    "active_test": False,
    "csp_by_addon": True,
    "default_state": "draft",
    "default_published_at": False,
    "import_file": True,
    "install_mode": True,
    "lang": "lt_LT",
    "module": "customer_service_plan",
    "noupdate": False,
    "tracking_disable": True,
    MODULE_UNINSTALL_FLAG: True,
}
DISPLAY = {"display_name": {}}
#: Stored fields of a version that say nothing of what it promises.
BESIDE_IT = {
    "company_id",
    "message_main_attachment_id",
    "purpose_history",
}


class FrozenCommon(CspCommon):
    """A policy with versions in all states that are frozen, and a draft elsewhere."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("lt_LT")
        Ticket = cls.env["helpdesk.ticket"]
        cls.segment = cls.env["csp.segment"].create({"name": "VIP"})
        cls.tag = cls.env["helpdesk.ticket.tag"].create({"name": "Named"})
        cls.team = cls.env["helpdesk.ticket.team"].create({"name": "Named"})
        cls.category = cls.env["helpdesk.ticket.category"].create({"name": "Named"})
        cls.channel = cls.env["helpdesk.ticket.channel"].create({"name": "Named"})
        cls.standard = cls.env["csp.standard"].create({"name": "Named"})
        cls.list = cls.env["csp.escalation.list"].create({"name": "Named"})
        cls.template = cls.env["mail.template"].create(
            {"name": "Named", "model_id": cls.env["ir.model"]._get_id(Ticket._name)}
        )
        cls.named = (
            *(cls.segment, cls.tag, cls.team, cls.category, cls.channel),
            *(cls.standard, cls.list, cls.template, cls.hours, cls.stage_cancelled),
        )
        cls.policy = cls.env["csp.policy"].create({"name": "Frozen"})
        cls.retired = cls.policy.draft_version_id
        cls._fill(cls.retired)
        cls.retired.action_publish()
        cls.policy.action_new_version()
        cls.published = cls.policy.draft_version_id
        cls.published.action_publish()
        cls.policy.action_new_version()
        cls.review = cls.policy.draft_version_id
        cls.review.action_submit()
        cls.frozen = cls.retired + cls.published + cls.review
        cls.draft = cls.env["csp.policy"].create({"name": "Draft"}).draft_version_id
        cls._fill(cls.draft)

    @classmethod
    def _fill(cls, version):
        version.write(
            {
                "purpose": "<p>We answer</p>",
                "change_summary": "Everything",
                "escalation_list_id": cls.list.id,
                "remind_template_id": cls.template.id,
                "close_stage_id": cls.stage_cancelled.id,
                "line_ids": [
                    Command.create(
                        {
                            "segment_ids": cls.segment.ids,
                            "channel_ids": cls.channel.ids,
                            "category_ids": cls.category.ids,
                            "team_ids": cls.team.ids,
                            "tag_ids": cls.tag.ids,
                            "hours_id": cls.hours.id,
                            "first_response_minutes": 30,
                        }
                    ),
                    Command.create({**ANY, "sequence": 20}),
                ],
                "procedure_ids": [
                    Command.create(
                        {
                            "name": "Call",
                            "standard_ids": cls.standard.ids,
                            "channel_ids": cls.channel.ids,
                            "step_ids": [
                                Command.create({"name": "Greet"}),
                                Command.create({"name": "Ask", "sequence": 20}),
                            ],
                        }
                    )
                ],
                "coverage_ids": [
                    Command.create({"name": "Warranty", "duration_months": 24})
                ],
            }
        )

    @classmethod
    def _stored(cls, model):
        """Stored fields of a model but those that say who touched it last."""
        return [
            name
            for name, field in cls.env[model]._fields.items()
            if field.store
            and not name.startswith(("write_", "message_", "activity_"))
            and field.type != "one2many"
        ]

    def _picture(self):
        """All that is stored of the frozen versions, in every language."""
        self.env.flush_all()
        self.env.invalidate_all()
        versions = self.frozen.exists()
        parts = {
            "csp.policy.version": versions,
            "csp.policy.line": versions.line_ids,
            "csp.procedure": versions.procedure_ids,
            "csp.procedure.step": versions.procedure_ids.step_ids,
            "csp.coverage": versions.coverage_ids,
        }
        picture = [version._content_hash() for version in versions]
        for model, records in parts.items():
            picture += records.sorted("id").read(self._stored(model), load=None)
        return picture + [self.policy.version_ids.ids]


class TestFrozenFields(FrozenCommon):
    def test_every_stored_field_is_looked_at(self):
        """A new field of a version is content, or life, or says nothing of it."""
        Version = self.env["csp.policy.version"]
        stored = {
            name
            for name in self._stored("csp.policy.version")
            if name not in ("id", "create_uid", "create_date")
        }
        stored |= {
            name
            for name, field in Version._fields.items()
            if field.type == "one2many" and field.copy
        }
        self.assertEqual(stored - CONTENT_FIELDS - LIFE_FIELDS - BESIDE_IT, set())

    def test_company_is_that_of_the_policy(self):
        """A version elsewhere would be approved, or not, by the rules of elsewhere."""
        branch = self.env["res.company"].create({"name": "Branch"})
        self.manager.company_ids += branch
        policy = self.draft.policy_id.with_user(self.manager)
        for version in self.draft + self.published:
            with self.assertRaises(UserError):
                version.with_user(self.manager).write({"company_id": branch.id})
        self.draft.unlink()
        for context, values in (
            ({}, {"company_id": branch.id}),
            ({"default_company_id": branch.id}, {}),
        ):
            version = (
                self.env["csp.policy.version"]
                .with_user(self.manager)
                .with_context(**context)
                .create({"policy_id": policy.id, **values})
            )
            self.assertEqual(version.company_id, self.env.company)
            version.unlink()

    def test_copy_is_a_draft(self):
        self.review.action_back_to_draft()
        self.review.unlink()
        copy = self.published.with_user(self.manager).copy()
        self.assertEqual(copy.state, "draft")
        for name in LIFE_FIELDS - {"number", "state", "author_ids"}:
            self.assertFalse(copy[name], name)
        self.assertEqual(copy.author_ids, self.manager)

    def test_addon_without_its_policy(self):
        """The data files of an addon do not name it any more, or the addon goes."""
        records = (self.policy, self.published, self.published.line_ids[0], self.draft)
        Data = self.env["ir.model.data"]
        for record in records:
            name = f"policy_of_theirs.{record._table}_{record.id}"
            Data._update_xmlids([{"xml_id": name, "record": record}])
        before = self._picture()
        self.patch(self.env.registry, "loaded_xmlids", set())
        with self.assertLogs("odoo.addons.customer_service_plan", logging.INFO):
            Data._process_end(["policy_of_theirs"])
        self.assertEqual(self._picture(), before)
        self.assertFalse(self.draft.exists(), "A draft is theirs to take back")

    def test_addon_is_uninstalled(self):
        Data = self.env["ir.model.data"]
        for record in (self.policy, self.published, self.published.line_ids[0]):
            name = f"policy_of_theirs.{record._table}_{record.id}"
            Data._update_xmlids([{"xml_id": name, "record": record}])
        before = self._picture()
        Data._module_data_uninstall(["policy_of_theirs"])
        self.assertEqual(self._picture(), before)


@tagged("post_install", "-at_install")
class TestVersionDoors(FrozenCommon, HttpCase):
    """Calls from outside, with rights of their own and without."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.branch = cls.env["res.company"].create({"name": "Branch"})
        cls.people = {
            login: new_test_user(
                cls.env, login, password=login, groups=groups, **values
            )
            for login, groups, values in (
                ("vd_portal", "base.group_portal", {}),
                ("vd_agent", HELPDESK, {}),
                ("vd_reviewer", "customer_service_plan.group_reviewer", {}),
                (
                    "vd_boss",
                    f"{MANAGER},helpdesk_mgmt.group_helpdesk_manager,"
                    "base.group_allow_export",
                    {},
                ),
                (
                    "vd_stranger",
                    MANAGER,
                    {
                        "company_id": cls.branch.id,
                        "company_ids": [Command.set(cls.branch.ids)],
                    },
                ),
            )
        }

    def _call(self, model, method, args, kwargs=None):
        return self.make_jsonrpc_request(
            f"/web/dataset/call_kw/{model}/{method}",
            {"model": model, "method": method, "args": args, "kwargs": kwargs or {}},
        )

    def _refused(self, model, method, args, context=None):
        """The error that a call ends with, None if it does not."""
        with mute_logger("odoo.http", "odoo.sql_db", "odoo.models.unlink"):
            try:
                self._call(model, method, args, {"context": context or {}})
            except JsonRpcException as error:
                return error
        return None

    def _direct(self, versions):
        """Calls that write in what is frozen, whatever they are given."""
        foreign = self.draft.line_ids[0], self.draft.procedure_ids.step_ids[0]
        for version in versions:
            line, procedure = version.line_ids[0], version.procedure_ids
            step, coverage = procedure.step_ids[0], version.coverage_ids
            ids = version.ids
            minutes = {"first_response_minutes": 1}
            nested = {"line_ids": [Command.update(line.id, minutes)]}
            yield from (
                (version, "write", [ids, {"purpose": "<p>x</p>"}]),
                (version, "write", [ids, {"policy_id": self.draft.policy_id.id}]),
                (version, "write", [ids, {"effective_date": "2020-01-01"}]),
                (version, "write", [ids, {"close_after_minutes": 1}]),
                (version, "write", [ids, {"material_change": False}]),
                (version, "write", [ids, nested]),
                (version, "write", [ids, {"line_ids": [Command.clear()]}]),
                (version, "write", [ids, {"line_ids": [Command.link(foreign[0].id)]}]),
                (version, "write", [ids, {"document": "<p>x</p>"}]),
                (version, "write", [ids, {"content_hash": "x"}]),
                (version, "write", [ids, {"company_id": self.branch.id}]),
                (version, "write", [ids, {"number": 99}]),
                (version, "write", [ids, {"purpose_history": {}}]),
                (version, "write", [ids, {"state": "draft"}]),
                (version, "write", [ids, {"retired_at": False}]),
                (version, "write", [ids, {"author_ids": [Command.clear()]}]),
                (version, "web_save", [ids, nested, {}]),
                (version, "web_save_multi", [ids, [nested], {}]),
                (
                    version,
                    "update_field_translations",
                    [ids, "purpose", {"lt_LT": {"We answer": "Ne"}}],
                ),
                (
                    version,
                    "update_field_translations",
                    [ids, "document", {"lt_LT": {"We answer": "Ne"}}],
                ),
                (line, "write", [line.ids, minutes]),
                (line, "write", [line.ids, {"version_id": self.draft.id}]),
                (line, "write", [line.ids, {"tag_ids": [Command.clear()]}]),
                (line, "unlink", [line.ids]),
                (line, "copy", [line.ids]),
                (line, "web_resequence", [version.line_ids.ids[::-1], {}]),
                (line, "create", [{**ANY, "version_id": version.id}]),
                (line, "web_save", [[], {**ANY, "version_id": version.id}, {}]),
                (foreign[0], "write", [foreign[0].ids, {"version_id": version.id}]),
                (foreign[1], "write", [foreign[1].ids, {"procedure_id": procedure.id}]),
                (
                    self.draft,
                    "write",
                    [self.draft.ids, {"line_ids": [Command.link(line.id)]}],
                ),
                (procedure, "write", [procedure.ids, {"goal": "x"}]),
                (procedure, "write", [procedure.ids, {"step_ids": [Command.clear()]}]),
                (procedure, "unlink", [procedure.ids]),
                (
                    procedure,
                    "update_field_translations",
                    [procedure.ids, "name", {"lt_LT": "Ne"}],
                ),
                (step, "write", [step.ids, {"name": "x"}]),
                (step, "unlink", [step.ids]),
                (step, "create", [{"procedure_id": procedure.id, "name": "x"}]),
                (
                    step,
                    "update_field_translations",
                    [step.ids, "name", {"lt_LT": "Ne"}],
                ),
                (coverage, "write", [coverage.ids, {"duration_months": 1}]),
                (coverage, "unlink", [coverage.ids]),
                (coverage, "copy", [coverage.ids]),
                (
                    self.policy,
                    "write",
                    [
                        self.policy.ids,
                        {"version_ids": [Command.update(version.id, nested)]},
                    ],
                ),
                (
                    self.draft.policy_id,
                    "write",
                    [
                        self.draft.policy_id.ids,
                        {"version_ids": [Command.link(version.id)]},
                    ],
                ),
                (
                    self.list,
                    "write",
                    [self.list.ids, {"version_ids": [Command.unlink(version.id)]}],
                ),
                (
                    self.list,
                    "write",
                    [self.list.ids, {"version_ids": [Command.delete(version.id)]}],
                ),
            )

    def _indirect(self):
        """Calls that would take away what is kept, or make it up."""
        bound = self.retired + self.published
        for version in bound:
            yield from (
                (version, "unlink", [version.ids]),
                (
                    self.policy,
                    "write",
                    [self.policy.ids, {"version_ids": [Command.delete(version.id)]}],
                ),
            )
        yield from (
            (self.policy, "unlink", [self.policy.ids]),
            (self.policy, "write", [self.policy.ids, {"company_id": self.branch.id}]),
            (self.policy, "write", [self.policy.ids, {"version_ids": [(5,)]}]),
            *((record, "unlink", [record.ids]) for record in self.named),
            *(
                (self.published, method, [self.published.ids, *args])
                for method, args in (
                    ("_by_addon", []),
                    ("_bind", [{"state": "draft"}]),
                    ("_move", ["published", "draft"]),
                    ("_start_pilot", []),
                    ("_end_pilot", []),
                    ("_cron_take_over", []),
                    ("_adopt_earlier", []),
                    ("_load_records_write", [{"purpose": "x"}]),
                    ("_write", [{"purpose": "x"}]),
                    ("with_context", [{}]),
                    ("sudo", []),
                    ("action_submit", []),
                    ("action_approve", []),
                    ("action_reject", ["x"]),
                    ("action_back_to_draft", []),
                    ("action_publish", ["x"]),
                    ("action_publish", ["x", "2020-01-01"]),
                )
            ),
            (self.review, "action_publish", [self.review.ids, "x"]),
        )

    def test_frozen_stays(self):
        self.env.company.csp_approval_required = True
        every = [*self._direct(self.frozen), *self._indirect()]
        some = [*self._direct(self.published), *self._indirect()]
        before = self._picture()
        for login, calls, contexts in (
            ("vd_boss", every, [HOSTILE]),
            ("vd_boss", some, [{}]),
            ("vd_reviewer", some, [HOSTILE]),
            ("vd_agent", some, [HOSTILE]),
            ("vd_stranger", some, [HOSTILE]),
            ("vd_portal", some, [HOSTILE]),
        ):
            self.authenticate(login, login)
            for context in contexts:
                for record, method, args in calls:
                    name = f"{login}: {record._name}.{method} {args} {bool(context)}"
                    with self.subTest(name):
                        self.assertTrue(
                            self._refused(record._name, method, args, context), name
                        )
                self.assertEqual(self._picture(), before)
        for record in self.named:
            self.assertTrue(record.exists(), record)

    def test_nobody_in_particular(self):
        """Without a login there is nothing at all."""
        self.authenticate(None, None)
        before = self._picture()
        for record, method, args in (
            (self.published, "read", [self.published.ids, ["purpose"]]),
            (self.published, "write", [self.published.ids, {"purpose": "x"}]),
            (self.policy, "search_read", [[]]),
        ):
            self.assertTrue(self._refused(record._name, method, args))
        self.assertEqual(self._picture(), before)

    def _columns(self, model, fields, rows, context=None):
        """What the import dialog does with a file."""
        content = "\n".join(",".join(row) for row in [fields, *rows])
        wizard = self._call(
            "base_import.import",
            "create",
            [
                {
                    "res_model": model,
                    "file": base64.b64encode(content.encode()).decode(),
                    "file_type": "text/csv",
                    "file_name": "file.csv",
                }
            ],
        )
        options = {"quoting": '"', "separator": ",", "has_headers": True}
        with mute_logger("odoo.http", "odoo.sql_db"):
            result = self._call(
                "base_import.import",
                "execute_import",
                [[wizard], fields, fields, options],
                {"context": context or {}},
            )
        return result

    def test_import_and_export(self):
        self.authenticate("vd_boss", "vd_boss")
        before = self._picture()
        version, line = self.published, self.published.line_ids[0]
        self.env["ir.model.data"]._update_xmlids(
            [{"xml_id": "theirs.version", "record": version}]
        )
        for context in ({}, HOSTILE):
            for model, fields, row in (
                ("csp.policy.version", [".id", "purpose"], [str(version.id), "x"]),
                ("csp.policy.version", ["id", "purpose"], ["theirs.version", "x"]),
                ("csp.policy.line", [".id", "goal_percent"], [str(line.id), "1"]),
                (
                    "csp.policy.version",
                    [".id", "line_ids/.id", "line_ids/goal_percent"],
                    [str(version.id), str(line.id), "1"],
                ),
                (
                    "csp.policy",
                    [".id", "version_ids/.id", "version_ids/purpose"],
                    [str(self.policy.id), str(version.id), "x"],
                ),
            ):
                with self.subTest(model=model, fields=fields, hostile=bool(context)):
                    self._columns(model, fields, [row], context)
                    self._refused(model, "load", [fields, [row]], context)
                    self.assertEqual(self._picture(), before)
        found = self._call(
            "csp.policy.version", "export_data", [version.ids, ["purpose", "state"]]
        )
        self.assertEqual(found["datas"], [["<p>We answer</p>", "Published"]])
        self.authenticate("vd_stranger", "vd_stranger")
        self.assertTrue(
            self._refused(
                "csp.policy.version", "export_data", [version.ids, ["purpose"]]
            )
        )

    def test_with_a_key(self):
        """The interface for programs, with the key of a manager."""
        boss = self.people["vd_boss"]
        key = (
            self.env["res.users.apikeys"]
            .with_user(boss)
            ._generate("rpc", "Door", self.env.cr.now() + timedelta(days=1))
        )
        before = self._picture()
        for context in ({}, HOSTILE):
            for record, method, values in (
                (self.published, "write", {"vals": {"purpose": "x"}}),
                (self.published, "unlink", {}),
                (self.published.line_ids, "write", {"vals": {"goal_percent": 1}}),
                (self.policy, "unlink", {}),
                (self.published, "action_back_to_draft", {}),
            ):
                with mute_logger("odoo.http", "odoo.models.unlink"):
                    response = self.url_open(
                        f"/json/2/{record._name}/{method}",
                        data=json.dumps(
                            {"ids": record.ids, "context": context, **values}
                        ),
                        headers={
                            "Authorization": f"Bearer {key}",
                            "Content-Type": "application/json",
                        },
                    )
                with self.subTest(method=method, hostile=bool(context)):
                    self.assertEqual(response.status_code, 422, response.text)
        self.assertEqual(self._picture(), before)

    def test_defaults_make_no_published_version(self):
        """Neither those of a user nor those in the context."""
        self.authenticate("vd_boss", "vd_boss")
        boss = self.people["vd_boss"]
        forged = {
            "state": "published",
            "published_at": "2020-01-01 00:00:00",
            "approved_by_id": self.people["vd_agent"].id,
            "content_hash": "x",
            "number": 77,
        }
        for name, value in forged.items():
            self.env["ir.default"].with_user(boss).set(
                "csp.policy.version", name, value, user_id=True
            )
        context = {f"default_{name}": value for name, value in forged.items()}
        policy_id = self._call(
            "csp.policy", "create", [{"name": "Forged"}], {"context": context}
        )
        version = self.env["csp.policy"].browse(policy_id).version_ids
        self.assertEqual(version.state, "draft")
        self.assertEqual(version.number, 1)
        self.assertEqual(version.author_ids, boss)
        self.assertFalse(version.published_at or version.approved_by_id)
        self.assertFalse(version.content_hash)
        made = self._refused(
            "csp.policy.line", "name_create", ["x"], {"default_version_id": version.id}
        )
        self.assertTrue(made, "A line without a condition holds for none")

    def test_talking_about_it_changes_nothing(self):
        self.authenticate("vd_boss", "vd_boss")
        before = self._picture()
        activity = self.published.activity_schedule(
            "mail.mail_activity_data_todo", user_id=self.people["vd_boss"].id
        )
        self._call("mail.activity", "action_feedback", [activity.ids, "Done"])
        self._call(
            "csp.policy.version",
            "message_post",
            [self.published.ids],
            {
                "body": "See the file",
                "message_type": "comment",
                "subtype_xmlid": "mail.mt_comment",
            },
        )
        self.assertIn("See the file", self.published.message_ids[0].body)
        self.assertEqual(self._picture(), before)
        self.authenticate("vd_portal", "vd_portal")
        with mute_logger("odoo.http"), self.assertRaises(JsonRpcException):
            self.make_jsonrpc_request(
                "/mail/message/post",
                {
                    "thread_model": "csp.policy.version",
                    "thread_id": self.published.id,
                    "post_data": {"body": "x", "message_type": "comment"},
                },
            )

    def test_the_other_company(self):
        """Its managers see nothing of ours, by whatever way of reading."""
        self.authenticate("vd_stranger", "vd_stranger")
        version, line = self.published, self.published.line_ids[0]
        for record in (
            self.policy,
            version,
            line,
            version.procedure_ids,
            version.procedure_ids.step_ids[0],
            version.coverage_ids,
        ):
            model, domain = record._name, [("id", "in", record.ids)]
            with self.subTest(model):
                self.assertEqual(self._call(model, "search_read", [domain]), [])
                self.assertEqual(self._call(model, "search_count", [domain]), 0)
                found = self._call(model, "web_search_read", [domain, {}])
                self.assertEqual(found["records"], [])
                self.assertTrue(self._refused(model, "read", [record.ids, []]))
                self.assertTrue(self._refused(model, "web_read", [record.ids, DISPLAY]))
        found = self._call("csp.policy", "name_search", ["Frozen"])
        self.assertEqual(found, [])


@tagged("post_install", "-at_install")
class TestDoorsAroundVersions(FrozenCommon, HttpCase):
    """What is kept about versions: trials, past tickets, signatures, reviews, plans."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.branch = cls.env["res.company"].create({"name": "Branch"})
        values = {
            "vd_boss": {},
            "vd_stranger": {
                "company_id": cls.branch.id,
                "company_ids": [Command.set(cls.branch.ids)],
            },
        }
        cls.boss, cls.stranger = (
            new_test_user(cls.env, login, password=login, groups=MANAGER, **vals)
            for login, vals in values.items()
        )
        tried = cls.draft
        tried.action_submit()
        tried.action_approve()
        cls.pilot = cls.env["csp.pilot"].create(
            {
                "version_id": tried.id,
                "customer_mode": "everybody",
                "date_end": "2099-01-01 00:00:00",
                "responsible_id": cls.boss.id,
                "criterion_ids": [Command.create({"threshold": 90})],
            }
        )
        cls.pilot.action_start()
        cls.backtest = cls.env["csp.backtest"].create({"version_id": cls.published.id})
        cls.backtest.action_run()
        by_addon = {"csp_by_addon": BY_ADDON}
        cls.signature = (
            cls.env["csp.acknowledgement"]
            .with_context(**by_addon)
            .create(
                {
                    "version_id": cls.published.id,
                    "user_id": cls.boss.id,
                    "company_id": cls.env.company.id,
                    "due_date": "2026-03-02",
                    "asked_at": "2026-03-01 08:00:00",
                    "state": "to_read",
                }
            )
        )
        cls.review = (
            cls.env["csp.policy.review"]
            .with_context(**by_addon)
            .create(
                {
                    "policy_id": cls.policy.id,
                    "owner_id": cls.boss.id,
                    "date_due": "2026-03-02",
                    "period_from": "2025-03-02 08:00:00",
                    "period_to": "2026-03-02 08:00:00",
                    "company_id": cls.env.company.id,
                }
            )
        )
        cls.plan = cls.env["csp.plan"].create(
            {"name": "Plan", "mission": "<p>We help</p>"}
        )
        cls.plan.action_put_in_force()
        cls.kept = (
            *(cls.pilot, cls.pilot.criterion_ids, cls.backtest, cls.signature),
            *(cls.review, cls.plan),
        )

    def _call(self, record, method, args, context=None):
        model = record._name
        with mute_logger("odoo.http", "odoo.sql_db", "odoo.models.unlink"):
            try:
                return self.make_jsonrpc_request(
                    f"/web/dataset/call_kw/{model}/{method}",
                    {
                        "model": model,
                        "method": method,
                        "args": args,
                        "kwargs": {"context": context or {}},
                    },
                )
            except JsonRpcException as error:
                return error

    def _rows(self):
        self.env.flush_all()
        self.env.invalidate_all()
        return [record.read(self._stored(record._name)) for record in self.kept]

    def _forgeries(self):
        now = "2020-01-01 00:00:00"
        yield from (
            (self.pilot, {"version_id": self.published.id}),
            (self.pilot, {"policy_id": self.policy.id}),
            (self.pilot, {"company_id": self.branch.id}),
            (self.pilot, {"state": "adopted"}),
            (self.pilot, {"date_end": now}),
            (self.pilot, {"ended_at": now}),
            (self.pilot, {"salt": "x"}),
            (self.pilot, {"share_percent": 1}),
            (self.pilot, {"partner_ids": [Command.create({"name": "x"})]}),
            (self.pilot, {"criterion_ids": [Command.clear()]}),
            (self.pilot, {"decision": "adopt", "decided_by_id": self.boss.id}),
            (self.pilot.criterion_ids, {"threshold": 1}),
            (self.pilot.criterion_ids, {"company_id": self.branch.id}),
            (self.backtest, {"state": "draft"}),
            (self.backtest, {"run_at": now}),
            (self.backtest, {"fingerprint": "x"}),
            (self.backtest, {"ticket_count": 1000}),
            (self.backtest, {"line_ids": [Command.create({"kept_percent": 100})]}),
            (self.backtest, {"policy_id": self.draft.policy_id.id}),
            (self.backtest, {"company_id": self.branch.id}),
            (self.signature, {"state": "signed", "signed_at": now}),
            (self.signature, {"user_id": self.stranger.id}),
            (self.signature, {"due_date": "2099-01-01"}),
            (self.review, {"state": "done", "decision": "keep"}),
            (self.review, {"evidence": {}}),
            (self.review, {"date_due": "2099-01-01"}),
            (self.plan, {"state": "draft"}),
        )

    def test_not_even_managers(self):
        self.authenticate("vd_boss", "vd_boss")
        before = self._rows()
        for context in ({}, HOSTILE):
            for record, values in self._forgeries():
                with self.subTest(f"{record._name} {values} {bool(context)}"):
                    answer = self._call(record, "write", [record.ids, values], context)
                    self.assertIsInstance(answer, JsonRpcException)
            for record in self.kept:
                if record == self.backtest:
                    continue  # A manager may put it away; it is found out again.
                with self.subTest(f"{record._name} unlink {bool(context)}"):
                    answer = self._call(record, "unlink", [record.ids], context)
                    self.assertIsInstance(answer, JsonRpcException)
            self.assertEqual(self._rows(), before)

    def test_nothing_is_made_up(self):
        self.authenticate("vd_boss", "vd_boss")
        forged = {
            "csp.acknowledgement": {
                "version_id": self.published.id,
                "user_id": self.boss.id,
                "state": "signed",
            },
            "csp.policy.review": {
                "policy_id": self.policy.id,
                "owner_id": self.boss.id,
                "date_due": "2026-03-02",
                "state": "done",
            },
            "csp.backtest.line": {"backtest_id": self.backtest.id},
            "csp.backtest.change": {"backtest_id": self.backtest.id},
            "csp.pilot.participation": {"pilot_id": self.pilot.id},
            "csp.pilot.comment": {"pilot_id": self.pilot.id, "text": "Great"},
            "csp.backtest": {
                "version_id": self.published.id,
                "state": "done",
                "fingerprint": "x",
            },
            "csp.pilot": {"version_id": self.published.id, "state": "adopted"},
        }
        for model, values in forged.items():
            for context in ({}, HOSTILE):
                with self.subTest(model=model, hostile=bool(context)):
                    answer = self._call(self.env[model], "create", [values], context)
                    self.assertIsInstance(answer, JsonRpcException)
        hidden = {
            "default_state": "done",
            "default_run_at": "2026-11-22 00:00:00",
            "default_fingerprint": "x",
        }
        values = {"version_id": self.published.id}
        made = self._call(self.env["csp.backtest"], "create", [values], hidden)
        made = self.env["csp.backtest"].browse(made)
        self.assertEqual(made.state, "draft")
        self.assertFalse(made.fingerprint or made.run_at)

    def test_the_other_company(self):
        self.authenticate("vd_stranger", "vd_stranger")
        for record in (*self.kept, self.env["csp.pilot.participation"]):
            with self.subTest(record._name):
                found = self._call(record, "search_read", [[]])
                self.assertEqual(found, [])
                if record:
                    answer = self._call(record, "read", [record.ids, []])
                    self.assertIsInstance(answer, JsonRpcException)
