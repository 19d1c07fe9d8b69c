from odoo.fields import Command
from odoo.tests import new_test_user

from .common import CspCommon

FEW, MANY = 5, 25
#: What the pages ask for; see the views of versions and policies.
FORM_LINES = {
    "condition_text": {},
    "promise_text": {},
    "segment_ids": {"fields": {"display_name": {}}},
    "channel_ids": {"fields": {"display_name": {}}},
    "hours_id": {"fields": {"display_name": {}}},
}


class TestVersionQueries(CspCommon):
    """What pages of versions and policies cost does not grow with what they show."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.csp_approval_required = True
        cls.other = new_test_user(
            cls.env, "csp_other", groups="customer_service_plan.group_manager"
        )
        cls.segments = cls.env["csp.segment"].create(
            [{"name": f"Segment {number}"} for number in range(3)]
        )

    @classmethod
    def _policies(cls, count):
        """Policies of which each has a version in force and one in review."""
        policies = cls.env["csp.policy"].create(
            [{"name": f"Policy {count}/{number}"} for number in range(count)]
        )
        for version in policies.version_ids:
            version.line_ids = [
                Command.create(
                    {"match_all": True, "first_response_minutes": 60, "sequence": 99}
                )
            ]
        policies.version_ids.action_publish()
        policies.with_user(cls.manager).action_new_version()
        policies.draft_version_id.with_user(cls.manager).action_submit()
        return policies

    def _version(self, count):
        version = self.env["csp.policy"].create({"name": str(count)}).draft_version_id
        version.line_ids = [
            Command.create(
                {
                    "sequence": number,
                    "segment_ids": self.segments[number % 3].ids,
                    "hours_id": self.hours.id,
                    "first_response_minutes": 60 + number,
                }
            )
            for number in range(count)
        ]
        return version

    def _view_spec(self, model, view_type):
        """What a list or kanban of ours reads."""
        views = self.env[model].with_user(self.other).get_views([(False, view_type)])
        names = views["models"][model]["fields"]
        arch = views["views"][view_type]["arch"]
        return {name: {} for name in names if f'name="{name}"' in arch}

    def _queries(self, work):
        """The least of three rounds with nothing of records in the cache."""
        counts = []
        for _round in range(3):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            work()
            self.env.flush_all()
            counts.append(self.cr.sql_log_count - before)
        return min(counts)

    def _assert_same(self, work_of, few, many, spare=0):
        first, second = self._queries(work_of(few)), self._queries(work_of(many))
        self.assertLessEqual(second, first + spare)

    def test_list_of_versions(self):
        spec = self._view_spec("csp.policy.version", "list")
        self.assertIn("state", spec)
        names = {*spec, "may_approve", "approval_needed", "in_force_from"}
        names |= {"is_editable", "ticket_count", "display_name"}
        spec = dict.fromkeys(names, {})
        policies = self._policies(MANY)
        Version = self.env["csp.policy.version"].with_user(self.other)

        def work(some):
            domain = [("policy_id", "in", some.ids)]
            return lambda: Version.web_search_read(domain, spec)

        self._assert_same(work, policies[:FEW], policies)

    def test_kanban_and_list_of_policies(self):
        policies = self._policies(MANY)
        Policy = self.env["csp.policy"].with_user(self.other)
        for view_type in ("list", "kanban"):
            spec = self._view_spec("csp.policy", view_type)
            self.assertIn("state_summary", spec)
            spec.update(
                current_version_id={"fields": {"display_name": {}}},
                draft_version_id={"fields": {"display_name": {}}},
                kept_percent={},
                ticket_count={},
                version_count={},
            )

            def work(some, spec=spec):
                domain = [("id", "in", some.ids)]
                return lambda: Policy.web_search_read(domain, spec)

            with self.subTest(view_type):
                self._assert_same(work, policies[:FEW], policies)

    def test_form_of_a_version(self):
        views = self.env["csp.policy.version"].get_views([(False, "form")])
        names = set(views["models"]["csp.policy.version"]["fields"])
        self.assertIn("may_approve", names)
        Version = self.env["csp.policy.version"].with_user(self.other)
        spec = {
            name: {}
            for name in names
            if Version._fields[name].type not in ("many2one", "one2many", "many2many")
        }
        spec["line_ids"] = {"fields": FORM_LINES}

        def work(version):
            return lambda: Version.browse(version.id).web_read(spec)

        self._assert_same(work, self._version(FEW), self._version(20))

    def test_saving_a_line(self):
        """As many queries in a long draft as in a short one, and few."""
        short, long = self._version(FEW), self._version(40)
        for version in short + long:
            version.with_user(self.other).write({"change_summary": "Author of it"})

        def work(version):
            line = version.line_ids[0].with_user(self.other)
            moves = iter(range(70, 80))

            def save():
                command = Command.update(
                    line.id, {"first_response_minutes": next(moves)}
                )
                version.with_user(self.other).web_save({"line_ids": [command]}, {})

            return save

        self._assert_same(work, short, long, spare=2)
        self.assertLess(self._queries(work(long)), 30)
