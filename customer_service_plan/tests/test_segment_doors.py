import json
from contextlib import contextmanager, suppress
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2 import Error as DatabaseError

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from ..models import csp_segment_membership
from .test_segments import TODAY, SegmentCase

GROUPS = {
    "own": "helpdesk_mgmt.group_helpdesk_user_own",
    "team": "helpdesk_mgmt.group_helpdesk_user_team",
    "all": "helpdesk_mgmt.group_helpdesk_user",
    "reviewer": "customer_service_plan.group_reviewer",
    "manager": "customer_service_plan.group_manager,base.group_partner_manager",
    "employee": "base.group_user",
    "portal": "base.group_portal",
    "public": "base.group_public",
}
#: Of the private profile, by way of a contact.
PRIVATE_PATHS = (
    "csp_profile_ids",
    "csp_profile_ids.gender",
    "csp_profile_ids.born_from",
    "csp_profile_ids.statement_ids.subject",
    "child_ids.csp_profile_ids.tier_id",
)


@freeze_time(TODAY)
class DoorCase(SegmentCase):
    """What comes in from outside: plain data, as by RPC, with plain contexts."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            name: new_test_user(cls.env, f"csp_door_{name}", groups=groups)
            for name, groups in GROUPS.items()
        }
        cls.env["csp.customer.profile"].create(
            {"partner_id": cls.customer.id, "gender": "female", "birth_year": 1950}
        )

    def _call(self, user, model, name, *args, context=None, **kwargs):
        """As the web client or a program calls: everything goes through JSON."""
        self.env.flush_all()
        self.env.invalidate_all()
        args, kwargs = json.loads(json.dumps([args, kwargs]))
        kwargs["context"] = context or {}
        result = call_kw(self.env[model].with_user(user), name, args, kwargs)
        self.env.flush_all()
        return result

    def _fails(self, work):
        with self.assertRaises(AccessError), self.env.cr.savepoint():
            work()

    @contextmanager
    def _refused(self):
        """By one error or the other: an export says that nobody may export."""
        try:
            yield
        except (UserError, ValueError):
            return
        self.fail("It was not refused")


@freeze_time(TODAY)
class TestSecrets(DoorCase):
    """Nobody learns what a profile says, except who may read profiles."""

    def test_paths(self):
        tried = 0
        for name, user in self.users.items():
            for path in PRIVATE_PATHS:
                for model, prefix in (
                    ("res.partner", ""),
                    ("res.users", ""),
                    ("res.users", "partner_id."),
                    ("helpdesk.ticket", "partner_id."),
                    ("csp.commitment", "ticket_id.partner_id."),
                    ("csp.segment", "partner_ids."),
                    ("mail.message", "author_id."),
                ):
                    for operator, value in (("!=", False),):
                        for method in ("search", "search_count"):
                            domain = [(prefix + path, operator, value)]
                            with self.subTest(user=name, model=model, domain=domain):
                                tried += 1
                                with self.assertRaises(AccessError):
                                    self._call(user, model, method, domain)
        self.assertTrue(tried)

    def test_nested(self):
        inner = [("gender", "=", "female")]
        for name in ("manager", "all", "employee"):
            user = self.users[name]
            for operator in ("any", "any!", "not any", "not any!"):
                for domain in (
                    [("csp_profile_ids", operator, inner)],
                    [("child_ids", operator, [("csp_profile_ids", operator, inner)])],
                    [("csp_segment_ids", operator, [("age_min", ">", 1)])]
                    if name != "manager"
                    else [("csp_profile_ids", operator, inner)],
                ):
                    with self.subTest(user=name, domain=domain):
                        with self._refused():
                            self._call(user, "res.partner", "search", domain)

    def test_reading(self):
        name = "csp_profile_ids"
        ids = self.customer.ids
        for user in self.users.values():
            for method, args, kwargs in (
                ("read", [ids, [name]], {}),
                ("search_read", [[("id", "in", ids)], [name]], {}),
                ("web_read", [ids], {"specification": {name: {"fields": {}}}}),
                (
                    "web_search_read",
                    [],
                    {"domain": [], "specification": {name: {"fields": {}}}},
                ),
                ("export_data", [ids, ["name", f"{name}/gender"]], {}),
                ("formatted_read_group", [[], [name], ["__count"]], {}),
                ("formatted_read_group", [[], [], [f"{name}:array_agg"]], {}),
                ("web_read_group", [[], [name]], {}),
                ("search", [[]], {"order": name}),
                ("search", [[]], {"order": f"{name}.gender"}),
                ("default_get", [[name]], {}),
                ("onchange", [ids, {}, [], {name: {"fields": {"gender": {}}}}], {}),
                ("copy_data", [ids], {}),
                ("search_panel_select_range", [name], {}),
            ):
                with self.subTest(user=user.login, method=method, args=args):
                    try:
                        got = self._call(user, "res.partner", method, *args, **kwargs)
                    except (UserError, ValueError, AttributeError, TypeError):
                        continue
                    got = json.dumps(got, default=str)
                    self.assertNotIn("female", got)
                    if method != "search":
                        self.assertNotIn(name, got)

    def test_rules_of_segments(self):
        segment = self._create_segment(genders="female", age_min=60)
        for name in ("own", "team", "all", "reviewer", "employee", "portal"):
            user = self.users[name]
            for rule in ("genders", "age_min", "tier_ids"):
                for method, args, kwargs in (
                    ("read", [segment.ids, [rule]], {}),
                    ("search", [[]], {"order": rule}),
                    ("search", [[(rule, "!=", False)]], {}),
                    ("formatted_read_group", [[], [rule], ["__count"]], {}),
                    ("formatted_read_group", [[], [], [f"{rule}:max"]], {}),
                    ("export_data", [segment.ids, [rule]], {}),
                    ("onchange", [segment.ids, {}, [], {rule: {}}], {}),
                    ("web_read", [segment.ids], {"specification": {rule: {}}}),
                ):
                    with self.subTest(user=name, rule=rule, method=method, args=args):
                        with self._refused():
                            self._call(user, "csp.segment", method, *args, **kwargs)
            if name == "portal":
                continue
            read = self._call(user, "csp.segment", "read", segment.ids)
            self.assertNotIn("female", json.dumps(read, default=str).lower())
            read = self._call(
                user,
                "mail.message",
                "search_read",
                [("model", "=", "csp.segment"), ("res_id", "=", segment.id)],
                [],
            )
            self.assertNotIn("female", json.dumps(read, default=str).lower())
            self.assertNotIn("60", [m.get("body") for m in read])

    def test_conditions_that_hide_what_they_ask(self):
        """As a list, as a default, only on another day, behind something wrong."""
        private = [("csp_profile_ids.gender", "=", "female")]
        later = (
            "[('csp_profile_ids.gender', '=', 'female')] "
            "if context_today().day != 2 else [('id', '=', 1)]"
        )
        wrong = "['|', ('gone', '=', 1), ('csp_profile_ids.gender', '=', 'female')]"
        value = "[('csp_profile_ids.gender', '=', 1 / (context_today().day - 2))]"
        nested = (
            "[('child_ids', 'any', [('gone', '=', 1)]), "
            "('child_ids', 'any', [('csp_profile_ids.gender', '=', 'female')])]"
        )
        user = self.users["manager"]
        for condition in (private, later, wrong, value, nested):
            with self.subTest(condition=condition):
                self._refused_or_useless(user, {"partner_domain": condition}, {})
        for condition in (str(private),):
            with self.subTest(default=condition):
                self._refused_or_useless(
                    user, {}, {"default_partner_domain": condition}
                )
        self.env["ir.default"].set("csp.segment", "partner_domain", str(private))
        with self.subTest("stored default"):
            self._refused_or_useless(user, {}, {})

    def _refused_or_useless(self, user, vals, context):
        try:
            with self.env.cr.savepoint():
                id_ = self._call(
                    user,
                    "csp.segment",
                    "create",
                    {"name": "x", **vals},
                    context=context,
                )
        except AccessError:
            return
        segment = self.env["csp.segment"].browse(id_)
        self._run_cron("2026-03-04 01:10:00")
        self.assertFalse(self._stored(segment), segment.partner_domain)
        self.assertTrue(segment.is_broken)

    def test_why_of_private_conditions(self):
        segment = self._create_segment(
            user=self.reader,
            partner_domain="[('csp_profile_ids.gender', '=', 'female'), "
            "('name', 'ilike', 'i')]",
        )
        for name in ("own", "all", "reviewer", "employee", "manager"):
            with self.subTest(user=name):
                told = self._call(
                    self.users[name],
                    "res.partner",
                    "csp_segments_why",
                    self.customer.ids,
                    segment.ids,
                )["segments"][0]["rules"]
                self.assertEqual(len(told), 2)
                self.assertEqual(told[0]["verdict"], "hidden")
                self.assertEqual(told[1]["verdict"], "yes")
                if name != "manager":
                    self.assertNotIn("female", json.dumps(told))
                    read = self._call(
                        self.users[name], "csp.segment", "read", segment.ids
                    )
                    self.assertNotIn("female", json.dumps(read, default=str))

    def test_preview_for_staff(self):
        for name in ("own", "all", "reviewer", "employee"):
            for asked in (
                {"partner_domain": "[('csp_profile_ids.gender', '=', 'female')]"},
                {"country_ids": [Command.set(self.greece.ids)]},
            ):
                with self.subTest(user=name, asked=asked):
                    try:
                        got = self._call(
                            self.users[name],
                            "csp.segment",
                            "onchange",
                            [],
                            {"name": "x", **asked},
                            list(asked),
                            {"preview": {}, "name": {}, **{key: {} for key in asked}},
                        )
                    except UserError:
                        continue
                    preview = got["value"].get("preview") or {}
                    self.assertFalse(preview.get("count"), got)
                    self.assertFalse(preview.get("sample"), got)


@freeze_time(TODAY)
class TestDerived(DoorCase):
    """What is worked out is nobody's to write."""

    def test_standing(self):
        segment = self._create_segment(country_ids=self.greece.ids)
        user = self.users["manager"]
        for vals in (
            {"has_rules": False},
            {"is_broken": True},
            {"is_pending": True},
            {"progress": 3},
            {"sorted_to": 3},
            {"checked_at": "2026-01-01 00:00:00"},
            {"checked_at": False},
            {"broken_reason": "x"},
        ):
            with self.subTest(vals=vals):
                self._fails(
                    lambda vals=vals: self._call(
                        user, "csp.segment", "write", segment.ids, vals
                    )
                )
        for name, value in (
            ("has_rules", True),
            ("is_broken", True),
            ("is_pending", True),
            ("progress", 5),
            ("sorted_to", 5),
            ("broken_reason", "x"),
            ("checked_at", "2020-01-01 00:00:00"),
        ):
            with self.subTest(default=name):
                try:
                    with self.env.cr.savepoint():
                        id_ = self._call(
                            user,
                            "csp.segment",
                            "create",
                            {"name": "x"},
                            context={f"default_{name}": value},
                        )
                except AccessError:
                    continue
                self.assertFalse(self.env["csp.segment"].browse(id_)[name])
            with self.subTest(create=name):
                self._fails(
                    lambda name=name, value=value: self._call(
                        user, "csp.segment", "create", {"name": "x", name: value}
                    )
                )

    def test_profile(self):
        profile = self.customer.csp_profile_ids
        before = profile.born_from, profile.born_to
        for name in ("born_from", "born_to"):
            with suppress(AccessError):
                with self.env.cr.savepoint():
                    self._call(
                        self.reader,
                        "csp.customer.profile",
                        "write",
                        profile.ids,
                        {name: "2000-01-01"},
                    )
            self.env.invalidate_all()
            self.assertEqual((profile.born_from, profile.born_to), before)
        for name in ("born_from", "born_to"):
            partner = self._create_partner()
            for vals, context in (
                ({name: "2000-01-01"}, {}),
                ({}, {f"default_{name}": "2000-01-01"}),
            ):
                try:
                    with self.env.cr.savepoint():
                        id_ = self._call(
                            self.reader,
                            "csp.customer.profile",
                            "create",
                            {"partner_id": partner.id, **vals},
                            context=context,
                        )
                except AccessError:
                    continue
                made = self.env["csp.customer.profile"].browse(id_)
                self.assertFalse(made.born_from or made.born_to)
                made.unlink()

    def test_needs(self):
        segment = self._create_segment()
        need = self.env["csp.need"].create({"name": "Speed"})
        row = self.env["csp.segment.need"].create(
            {"segment_id": segment.id, "need_id": need.id}
        )
        for vals in ({"gap": 4}, {"is_known": True}):
            with suppress(AccessError):
                with self.env.cr.savepoint():
                    self._call(
                        self.users["manager"],
                        "csp.segment.need",
                        "write",
                        row.ids,
                        vals,
                    )
            self.env.invalidate_all()
            self.assertFalse(row.gap or row.is_known, vals)


@freeze_time(TODAY)
class TestOddInput(DoorCase):
    """Whatever comes in, the answer is a plain error or something sensible."""

    def test_values(self):
        plain = (UserError, DatabaseError, ValueError)
        user = self.users["manager"]
        for vals in (
            {"age_min": 10**12},
            {"age_min": -1},
            {"age_min": 5, "age_max": 4},
            {"age_min": "old"},
            {"age_min": 100000},
            {"age_max": 2**31 - 1},
            {"age_max": 2025},
            {"age_min": 2026},
            {"genders": ["female", 7]},
            {"genders": {"a": 1}},
            {"genders": 7},
            {"genders": "x" * 10000},
            {"purchasing_powers": [["low"]]},
            {"country_ids": [Command.set([10**9])]},
            {"tier_ids": [Command.set([987654])]},
            {"tier_ids": "gold"},
            {"partner_domain": "[" * 5000},
            {"partner_domain": "[" * 50 + "]" * 50},
            {"partner_domain": "[('ref', '=', '" + "x" * 10000 + "')]"},
            {"partner_domain": "['!'] * 5"},
            {"partner_domain": "['&'] * 2000 + [('ref', '=', 'A')] * 2001"},
            {"partner_domain": "['!'] * 3000 + [('ref', '=', 'A')]"},
            {"partner_domain": str(["|"] * 2000 + [("ref", "=", "A")] * 2001)},
            {"partner_domain": str(["!"] * 3000 + [("ref", "=", "A")])},
            {"partner_domain": 5},
            {"partner_domain": {"a": 1}},
            {"partner_domain": "[('ref', '=', 'a\\x00b')]"},
            {"partner_domain": "[('ref', '=', 'a\x00b')]"},
            {"partner_domain": "[('child_ids.csp_segment_ids', '!=', False)]"},
            {"partner_domain": "[('parent_id.csp_segment_ids', '!=', False)]"},
            {
                "partner_domain": "[('child_ids', 'any', "
                "[('csp_segment_ids', '!=', False)])]"
            },
            {"partner_domain": "[('user_ids.csp_segment_ids', '!=', False)]"},
            {"partner_domain": "[('id', 'in', [])]"},
            {"partner_domain": "[(1, '=', 1)]"},
            {"partner_domain": "[(0, '=', 1)]"},
            {"partner_domain": "[('barcode', '!=', False)]"},
            {"partner_domain": "True"},
            {"partner_domain": "[('create_date', '>', 'no day')]"},
            {"partner_domain": "[('id', '=', 10**40)]"},
            {"partner_domain": "[('id', '=', 'x')]"},
            {"partner_domain": "[('name', '=', ['a'])]"},
            {"partner_domain": "[('name', 'ilike', {'a': 1})]"},
            {"partner_domain": "[('partner_latitude', '>', 'x')]"},
            {"partner_domain": "[('country_id', 'child_of', 7)]"},
            {"partner_domain": "[('is_company', '>', datetime)]"},
            {"company_id": 987654},
            {"owner_id": False},
            {"owner_id": self.users["portal"].id},
            {"sequence": 2**40},
        ):
            shown = str(vals)[:90]
            with self.subTest(vals=shown):
                try:
                    with self.env.cr.savepoint(), mute_logger("odoo.sql_db"):
                        id_ = self._call(
                            user, "csp.segment", "create", {"name": "x", **vals}
                        )
                except plain:
                    continue
                except Exception as error:
                    self.fail(f"{shown}: {type(error).__name__}: {error}")
                segment = self.env["csp.segment"].browse(id_)
                self.assertIn("count", segment.with_user(user).preview)
                why = self._call(
                    user, "res.partner", "csp_segments_why", self.customer.ids, [id_]
                )
                self.assertTrue(why)
                partner = self._create_partner(country_id=self.greece.id)
                self.env.flush_all()
                partner.write({"name": "B", "ref": "A"})
                self.env.flush_all()
                self._create_ticket(partner_id=partner.id)
                self.env.flush_all()
                with patch.object(csp_segment_membership, "AT_ONCE_LIMIT", 0):
                    self._call(user, "csp.segment", "action_recompute", [id_])
                    self._run_cron("2026-03-04 01:10:00")
                    todo = segment.activity_ids
                    self._run_cron("2026-03-05 01:10:00")
                self.assertEqual(segment.activity_ids, todo)
                self.assertFalse(segment.is_pending)
                segment.unlink()

    def test_load_and_export(self):
        user = self.users["manager"]
        user.group_ids += self.env.ref("base.group_allow_export")
        result = self._call(
            user,
            "csp.segment",
            "load",
            ["name", "country_ids", "genders", "age_min", "tier_ids", "partner_domain"],
            [
                ["A", "Greece,Italy", "female, male", "18", "Gold", ""],
                ["B", "", "", "", "", "[('ref', '=', 'A')]"],
            ],
        )
        self.assertFalse(result["messages"])
        a, b = self.env["csp.segment"].browse(result["ids"])
        self.assertEqual(a.genders, "female,male")
        for name in ("has_rules", "is_broken", "progress"):
            result = self._call(
                user, "csp.segment", "load", [".id", name], [[str(b.id), "1"]]
            )
            self.assertTrue(result["messages"], name)
        for row in (["C", "woman"], ["D", "female;male"]):
            result = self._call(user, "csp.segment", "load", ["name", "genders"], [row])
            self.assertTrue(result["messages"])
        result = self._call(
            user,
            "csp.segment",
            "load",
            ["name", "partner_domain"],
            [["E", "[('csp_profile_ids.gender', '=', 'female')]"]],
        )
        self.assertTrue(result["messages"])
        got = self._call(
            user,
            "csp.segment",
            "export_data",
            (a | b).ids,
            ["name", "country_ids/id", "partner_ids/id", "need_ids/id", "genders"],
        )
        self.assertEqual(
            got["datas"][0], ["A", "base.gr,base.it", "", "", "female,male"]
        )

    def test_contacts_change_their_kind(self):
        segment = self._create_segment(country_ids=self.greece.ids)
        only = self._create_segment(
            "Companies", partner_domain="[('is_company', '=', True)]"
        )
        parent = self._create_partner(
            "Firm", is_company=True, country_id=self.greece.id
        )
        child = self._create_partner("Child", parent_id=parent.id, type="other")
        child.country_id = self.italy
        self.assertTrue(self._is_in(child, segment))
        child.company_type = "company"
        self.assertFalse(self._is_in(child, segment))
        self.assertTrue(self._is_in(child, only))
        child.company_type = "person"
        self.assertTrue(self._is_in(child, segment))
        parent.active = False
        self.env.flush_all()
        self.env.invalidate_all()
        archived = self._is_in(child, segment)
        segment.action_recompute()
        self.assertEqual(self._is_in(child, segment), archived)
        parent.active = True
        self.assertTrue(self._is_in(child, segment))
        # Damaged by somebody's SQL
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_partner SET commercial_partner_id = NULL WHERE id = %s",
            [child.id],
        )
        self.env.invalidate_all()
        child._csp_segments_outdated()
        self.assertFalse(self._is_in(child, segment))
        segment.action_recompute()
        child.with_user(self.manager).csp_segments_why()
        child.with_user(self.manager).csp_card_data()
        self._create_ticket(partner_id=child.id)


@freeze_time(TODAY)
class TestIntake(DoorCase):
    """A request is taken in, whatever is wrong with segments."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.segment = cls._create_segment(
            "Poisoned", partner_domain="[('ref', '=', 'A')]"
        )
        cls.good = cls._create_segment("Good", country_ids=cls.greece.ids)
        cls._create_policy(
            [
                {"segment_ids": cls.segment.ids, "first_response_minutes": 30},
                {"segment_ids": cls.good.ids, "first_response_minutes": 60},
            ]
        )

    def _take_in(self, user=None):
        self.env["csp.segment"]._csp_rules_changed()
        ticket = (
            self.env["helpdesk.ticket"]
            .with_user(user or self.env.user)
            .sudo()
            .create(
                {
                    "name": "x",
                    "description": "x",
                    "partner_id": self.env["res.partner"]
                    .with_user(user or self.env.user)
                    .sudo()
                    .create({"name": "New", "country_id": self.greece.id})
                    .id,
                }
            )
        )
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.env.flush_all()
        self.assertEqual(ticket.csp_segment_ids, self.good)
        return ticket

    def test_by_whom(self):
        for name in ("public", "portal", "own", "employee"):
            with self.subTest(user=name):
                self._break(self.segment)
                self._take_in(self.users[name])
                self.assertTrue(self.segment.is_broken)
                todo = self.segment.activity_ids
                self.assertTrue(todo)
                self.segment.partner_domain = "[('ref', '=', 'A')]"
                self.assertFalse(self.segment.is_broken)

    def test_owners(self):
        other = self.env["res.company"].create({"name": "Other Company"})
        stranger = new_test_user(
            self.env,
            "csp_stranger",
            groups="base.group_user",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        nobody = self.env["res.users"]
        self.segment.sudo().company_id = self.env.company
        for owner in (stranger, nobody, *self.users.values()):
            for active in (True, False):
                for user in ("public", "portal", "own"):
                    with self.subTest(owner=owner.login, active=active, user=user):
                        self.segment.sudo().owner_id = owner
                        if owner and owner.login != "csp_door_public":
                            owner.active = active
                        self._break(self.segment)
                        self._take_in(self.users[user])
                        self.assertTrue(self.segment.is_broken)
                        todo = self.segment.sudo().activity_ids
                        self.assertTrue(todo.user_id.active)
                        self.assertTrue(todo.user_id._is_internal())
                        self.segment.partner_domain = "[('ref', '=', 'A')]"
                        owner.active = True

    def test_failing_to_tell(self):
        """Telling somebody fails: the request counts more."""
        self._break(self.segment)
        with (
            patch.object(
                self.env.registry["csp.segment"],
                "activity_schedule",
                side_effect=UserError("Refused"),
            ),
            mute_logger(
                "odoo.addons.customer_service_plan.models.csp_segment_membership"
            ),
        ):
            self._take_in()

    def test_odd_conditions(self):
        for condition in (
            "[('child_ids.csp_segment_ids', '!=', False)]",
            "[('parent_id.csp_segment_ids', '!=', False)]",
            "[('user_ids.csp_segment_ids', '!=', False)]",
            "[('id', '=', 10**40)]",
            "[('create_date', '>', 'no day')]",
            "[('ref', '=', 'a\\x00b')]",
            "[('name', '=', ['a'])]",
            "[('partner_latitude', '>', 'x')]",
            "[('partner_latitude', '>', 1e400)]",
            "[('id', 'in', list(range(100000)))]",
            "[('id', 'in', [2**31])]",
            "[('parent_id', 'child_of', 'x')]",
            "[('ref', '=like', '\\\\')]",
            "[('ref', 'in', [None, False, 7])]",
            str(["!"] * 3000 + [("ref", "=", "A")]),
            "(" * 150 + ")" * 150,
            "[('vat', '=', 1)] if datetime.datetime.now() else x",
        ):
            with self.subTest(condition=condition[:80]):
                self._break(self.segment, condition)
                self._take_in(self.users["portal"])
                self._run_cron("2026-03-04 01:10:00")
                self._take_in(self.users["public"])

    def test_one_is_refused_by_the_database(self):
        """Others go on, also for contacts of companies."""
        firm = self._create_partner(is_company=True, country_id=self.greece.id)
        child = self._create_partner(parent_id=firm.id, type="other")
        fitting = type(self.segment)._fitting

        def divide(segment, rules, extra=None):
            query = fitting(segment, rules, extra)
            if rules.id == self.segment.id:
                query.add_where("1 / (res_partner.id - res_partner.id) = 1")
            return query

        self.segment.partner_domain = "[('child_ids.ref', '=', 'A')]"
        self.assertTrue(self._is_in(child, self.good))
        with patch.object(self.env.registry["csp.segment"], "_fitting", divide):
            child.write({"country_id": self.italy.id, "name": "B"})
            self.assertTrue(self._is_in(child, self.good))
            self.env.cr.precommit.run()
        self.assertTrue(self.segment.is_broken)
        self.assertTrue(self._is_in(child, self.good))

    def test_odd_profiles(self):
        age = self._create_segment("Old", age_min=60, genders="female")
        for statement in (
            "born_from = NULL",
            "born_to = NULL, born_from = '1900-01-01'",
            "born_from = '0001-01-01', born_to = '9999-12-31'",
            "born_from = 'infinity'",
            "gender = 'gone'",
            "age_band = 'gone', birth_year = -5",
        ):
            with self.subTest(statement=statement):
                with self.env.cr.savepoint():
                    self.env.flush_all()
                    self.env.cr.execute(
                        f"UPDATE csp_customer_profile SET {statement} "
                        "WHERE partner_id = %s",
                        [self.customer.id],
                    )
                    self.env.invalidate_all()
                    self.customer._csp_segments_outdated()
                    self._create_ticket()
                    self.customer.country_id = self.greece
                    self.env.flush_all()
                    age.action_recompute()
                    try:
                        self.customer.with_user(self.reader).csp_segments_why()
                    except ValueError:
                        if "infinity" not in statement:
                            raise

    def test_twice_and_late(self):
        with patch.object(csp_segment_membership, "AT_ONCE_LIMIT", 0):
            self.good.action_recompute()
            self.segment.action_recompute()
            self._break(self.segment)
            self._run_cron()
            self._run_cron()
            self._run_cron("2027-03-04 01:10:00")
        self.assertIn(self.customer.id, self._stored(self.good))
        self.assertFalse(self.good.is_pending)
        self.assertEqual(len(self.segment.activity_ids), 1)
