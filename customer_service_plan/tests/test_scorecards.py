from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user

from odoo.addons.base.models.ir_model import MODULE_UNINSTALL_FLAG

from .quality import QualityCommon


class ScorecardsCommon(QualityCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mine = cls.env["csp.scorecard"].with_user(cls.manager)

    def _sectioned(self, **vals):
        """A draft with two sections of one criterion each."""
        scorecard = self.mine.create({"name": "Calls", **vals})
        sections = self.env["csp.scorecard.section"].create(
            [
                {"scorecard_id": scorecard.id, "name": name, "sequence": place}
                for place, name in enumerate(("Opening", "Closing"))
            ]
        )
        self.env["csp.scorecard.criterion"].create(
            [
                {
                    "scorecard_id": scorecard.id,
                    "section_id": section.id,
                    "name": f"{section.name} well done",
                    "weight": 30,
                }
                for section in sections
            ]
        )
        return scorecard


class TestScorecardLife(ScorecardsCommon):
    """Drafts, versions, and which of them reviews are begun with."""

    def test_draft_is_used_and_replaced_by_its_next_version(self):
        first = self._sectioned()
        first.action_use()
        self.assertEqual(first.state, "in_use")
        second = self.mine.browse(first.action_new_version()["res_id"])
        self.assertRecordValues(
            second, [{"state": "draft", "version": 2, "name": "Calls"}]
        )
        self.assertEqual(second.first_id, first)
        second.action_use()
        self.assertEqual((first.state, second.state), ("retired", "in_use"))
        third = self.mine.browse(second.action_new_version()["res_id"])
        self.assertRecordValues(third, [{"version": 3, "first_id": first.id}])

    def test_next_version_has_all_that_the_last_one_says(self):
        self.env["res.lang"]._activate_lang("it_IT")
        first = self._sectioned(channel_ids=self.env["helpdesk.ticket.channel"])
        first.with_context(lang="it_IT").name = "Chiamate"
        criterion = first._criteria_in_order()[0]
        criterion.write({"scale": "3", "step_2": "Half of it"})
        criterion.with_context(lang="it_IT").step_2 = "A metà"
        first.action_use()
        second = self.mine.browse(first.action_new_version()["res_id"])
        self.assertEqual(second.with_context(lang="it_IT").name, "Chiamate")
        copied = second._criteria_in_order()
        self.assertEqual(copied[0].with_context(lang="it_IT").step_2, "A metà")
        self.assertEqual(copied.section_id, second.section_ids)
        self.assertEqual(
            copied.section_id.mapped("name"), first.section_ids.mapped("name")
        )
        self.assertEqual(copied.origin_id, first.criterion_ids)
        second.action_use()
        third = self.mine.browse(second.action_new_version()["res_id"])
        self.assertEqual(third.criterion_ids.origin_id, first.criterion_ids)

    def test_one_draft_of_a_family(self):
        first = self._sectioned()
        first.action_use()
        draft = first.action_new_version()["res_id"]
        self.assertEqual(first.action_new_version()["res_id"], draft)
        self.mine.browse(draft).active = False
        self.assertEqual(first.action_new_version()["res_id"], draft)
        self.assertTrue(self.mine.browse(draft).active)

    def test_a_copy_begins_a_family_of_its_own(self):
        first = self._sectioned()
        first.action_use()
        copy = first.copy()
        self.assertRecordValues(
            copy, [{"state": "draft", "version": 1, "first_id": False}]
        )
        self.assertIn("copy", copy.name)
        self.assertEqual(copy.criterion_ids.section_id, copy.section_ids)
        self.assertFalse(copy.criterion_ids.origin_id)

    def test_what_cannot_be_used(self):
        empty = self.mine.create({"name": "Nothing in it"})
        with self.assertRaisesRegex(UserError, "nothing to mark"):
            empty.action_use()
        weightless = self._sectioned()
        weightless.criterion_ids.weight = 0
        with self.assertRaisesRegex(UserError, "weight"):
            weightless.action_use()
        half = self._sectioned()
        half.criterion_ids[0].section_id = half.section_ids[1]
        with self.assertRaisesRegex(UserError, "Opening"):
            half.action_use()

    def test_section_of_another_scorecard(self):
        one, other = self._sectioned(), self._sectioned()
        with self.assertRaises(ValidationError):
            one.criterion_ids[0].section_id = other.section_ids[0]

    def test_shares_and_sums(self):
        scorecard = self.scorecard
        self.assertEqual(scorecard.total_weight, 100)
        self.assertEqual(scorecard.criterion_ids.mapped("share"), [50, 30, 20])

    def test_reviews_are_begun_with_what_is_in_use(self):
        review = self._begin()
        draft = self._create_scorecard(state="draft")
        with self.assertRaisesRegex(UserError, "not in use"):
            self._begin(
                ticket=self._create_ticket(user_id=self.agent.id),
                scorecard_id=draft.id,
            )
        old = self.scorecard.with_user(self.manager)
        new = self.mine.browse(old.action_new_version()["res_id"])
        new.criterion_ids[0].unlink()
        new.action_use()
        self._mark(review, 2, 5, 5)
        review.action_done()
        self.assertEqual(review.scorecard_id, self.scorecard)
        ticket = self._create_ticket(user_id=self.agent.id)
        review = self._begin(ticket=ticket, scorecard_id=old.id)
        self.assertEqual(review.scorecard_id, new)
        self.assertEqual(len(review.line_ids), 2)
        new.action_retire()
        with self.assertRaises(UserError):
            self._begin(ticket=self._create_ticket(user_id=self.agent.id))

    def test_scorecard_of_another_company(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        foreign = self._create_scorecard(company_id=other.id)
        with self.assertRaisesRegex(UserError, "another company"):
            self._begin(scorecard_id=foreign.id)

    def test_only_managers(self):
        for user in (self.agent, self.reviewer, self.lead):
            scorecard = self.scorecard.with_user(user)
            for action in ("action_retire", "action_new_version", "action_use"):
                with self.subTest(user=user.login, action=action):
                    with self.assertRaises(AccessError):
                        getattr(scorecard, action)()
            with self.assertRaises(AccessError):
                scorecard.criterion_ids[0].write({"weight": 1})


class TestScorecardFrozen(ScorecardsCommon):
    """Once a review was begun with it, a scorecard never changes, by no door."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sections = cls.env["csp.scorecard.section"].create(
            [
                {"scorecard_id": cls.scorecard.id, "name": "Part"},
                {"scorecard_id": cls.scorecard.id, "name": "Other part"},
            ]
        )
        cls.cause = cls.env["csp.quality.cause"].create({"name": "Only here"})
        cls.scorecard.criterion_ids[0].write(
            {"section_id": cls.sections[0].id, "cause_ids": [(4, cls.cause.id)]}
        )
        cls._begin()
        cls.env.flush_all()

    def _refused(self, call, *args, **kwargs):
        with self.assertRaises(UserError):
            call(*args, **kwargs)
        self.env.invalidate_all()

    def test_no_door_is_open(self):
        for env in (self.env, self.env(user=self.manager)):
            scorecard = self.scorecard.with_env(env)
            criterion = scorecard.criterion_ids[0]
            section = self.sections[0].with_env(env)
            draft = self._create_scorecard(state="draft")
            self.assertTrue(scorecard.is_used)
            part = {"name": "New", "scorecard_id": scorecard.id}
            for vals in (
                {"name": "Other words"},
                {"company_id": env.company.id},
                {"criterion_ids": [(1, criterion.id, {"weight": 1})]},
                {"criterion_ids": [(0, 0, {"name": "New"})]},
                {"criterion_ids": [(2, criterion.id)]},
                {"criterion_ids": [(5, 0, 0)]},
                {"section_ids": [(1, section.id, {"name": "New"})]},
                {"is_used": False},
                {"state": "draft"},
                {"version": 7},
            ):
                with self.subTest(vals=vals):
                    self._refused(scorecard.write, vals)
            for vals in (
                {"weight": 1},
                {"step_1": "New"},
                {"critical": "all"},
                {"standard_id": False},
                {"cause_ids": [(5, 0, 0)]},
                {"scorecard_id": draft.id},
                {"section_id": self.sections[1].id},
            ):
                with self.subTest(vals=vals):
                    self._refused(criterion.write, vals)
            self._refused(section.write, {"sequence": 99})
            self._refused(section.unlink)
            self._refused(criterion.unlink)
            self._refused(scorecard.unlink)
            self._refused(criterion.create, part)
            self._refused(section.create, part)
            self._refused(draft.criterion_ids[0].write, {"scorecard_id": scorecard.id})
            self._refused(draft.criterion_ids[0].copy, {"scorecard_id": scorecard.id})
            self._refused(env["csp.quality.cause"].browse(self.cause.id).unlink)

    def test_translations_stay(self):
        self.env["res.lang"]._activate_lang("it_IT")
        words = {"it_IT": "Altro"}
        criterion = self.scorecard.criterion_ids[0]
        for record in (self.scorecard, criterion, self.sections[0]):
            record = record.with_user(self.manager)
            self._refused(record.update_field_translations, "name", words)

    def test_deletion_by_what_other_addons_do(self):
        flag = {MODULE_UNINSTALL_FLAG: True}
        criterion = self.scorecard.criterion_ids[0]
        for record in (self.scorecard, criterion, self.sections[0], self.cause):
            self._refused(record.with_context(**flag).unlink)

    def test_data_files_leave_it_alone(self):
        criterion = self.scorecard.criterion_ids[0]
        for number, (record, values) in enumerate(
            [
                (self.scorecard, {"name": "Of a data file"}),
                (criterion, {"weight": 1}),
                (self.sections[0], {"name": "Of a data file"}),
            ]
        ):
            xml_id = f"some_addon.record_{number}"
            self.env["ir.model.data"]._update_xmlids(
                [{"xml_id": xml_id, "record": record}]
            )
            before = record.read(list(values))
            Model = self.env[record._name].with_context(install_mode=True)
            Model._load_records(
                [{"xml_id": xml_id, "values": values, "noupdate": False}], update=True
            )
            self.assertEqual(record.read(list(values)), before)

    def test_import_by_somebody(self):
        criterion = self.scorecard.criterion_ids[0]
        self.env["ir.model.data"]._update_xmlids(
            [{"xml_id": "some_addon.criterion", "record": criterion}]
        )
        before = criterion.weight
        result = (
            self.env["csp.scorecard.criterion"]
            .with_user(self.manager)
            .load(["id", "weight"], [["some_addon.criterion", "1"]])
        )
        self.assertTrue(result["messages"])
        self.env.invalidate_all()
        self.assertEqual(criterion.weight, before)

    def test_what_it_fits_may_change(self):
        scorecard = self.scorecard.with_user(self.manager)
        channel = self.env["helpdesk.ticket.channel"].search([], limit=1)
        scorecard.write({"channel_ids": [(4, channel.id)], "sequence": 3})
        scorecard.active = False
        self.assertEqual(scorecard.channel_ids, channel)

    def test_copied_from_is_not_for_anybody_to_say(self):
        draft = self._create_scorecard(state="draft").with_user(self.manager)
        criterion = draft.criterion_ids[0]
        origin = self.scorecard.criterion_ids[0]
        criterion.write({"origin_id": origin.id, "weight": 5})
        self.assertFalse(criterion.origin_id)
        new = criterion.create(
            {"name": "New", "scorecard_id": draft.id, "origin_id": origin.id}
        )
        self.assertFalse(new.origin_id)

    def test_state_comes_from_its_buttons(self):
        manager = self.env(user=self.manager)
        Scorecard = manager["csp.scorecard"]
        self._refused(Scorecard.create, {"name": "Of a program", "state": "in_use"})
        self._refused(Scorecard.create, {"name": "Of a program", "version": 5})
        sly = Scorecard.with_context(default_state="in_use", csp_by_addon=True)
        self.assertEqual(sly.create({"name": "Of a program"}).state, "draft")

    def test_another_company(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        foreign = self._create_scorecard(company_id=other.id)
        user = new_test_user(
            self.env, "csp_other", groups="customer_service_plan.group_manager"
        )
        with self.assertRaises(AccessError):
            foreign.with_user(user).read(["name"])
        with self.assertRaises(AccessError):
            foreign.with_user(user).action_retire()


class TestReadyScorecards(ScorecardsCommon):
    """What a new company finds: the five rules and CARE, written and spoken."""

    def _ready(self):
        names = ("rules_written", "rules_spoken", "care_written", "care_spoken")
        return self.env["csp.scorecard"].union(
            *(self.env.ref(f"customer_service_plan.csp_scorecard_{it}") for it in names)
        )

    def test_they_are_complete(self):
        for scorecard in self._ready():
            with self.subTest(name=scorecard.name):
                self.assertEqual(scorecard.state, "in_use")
                self.assertEqual(scorecard.total_weight, 100)
                self.assertTrue(scorecard.description)
                scorecard._check_usable()
                fatal = scorecard.criterion_ids.filtered(
                    lambda one: one.critical == "all"
                )
                self.assertEqual(fatal.error_kind, "compliance")
                for criterion in scorecard.criterion_ids:
                    count = criterion._step_count()
                    texts = [criterion[f"step_{it}"] for it in range(1, 6)]
                    self.assertTrue(all(texts[:count]), criterion.name)
                    self.assertFalse(any(texts[count:]), criterion.name)
                    self.assertTrue(criterion.description, criterion.name)
                    self.assertTrue(criterion.standard_id, criterion.name)
        self.assertGreaterEqual(self.env["csp.quality.cause"].search_count([]), 8)

    def test_they_fit_their_contacts(self):
        ready = self._ready()
        ready.active = True
        self.scorecard.active = False
        Channel = self.env["helpdesk.ticket.channel"]
        for kind, expected in (("phone", ready[1]), ("email", ready[0])):
            channel = Channel.create({"name": kind, "csp_kind": kind})
            ticket = self._create_ticket(user_id=self.agent.id, channel_id=channel.id)
            self.assertEqual(self._begin(ticket=ticket).scorecard_id, expected)

    def test_they_may_be_changed_until_they_are_used(self):
        scorecard = self._ready()[0].with_user(self.manager)
        scorecard.criterion_ids[0].weight = 7
        scorecard.active = True
        self._begin(scorecard_id=scorecard.id)
        with self.assertRaises(UserError):
            scorecard.criterion_ids[0].weight = 8


class TestScorecardScreens(ScorecardsCommon):
    """What managers see of a scorecard, and policies of theirs."""

    def test_criteria_are_numbered_as_they_are_shown(self):
        scorecard = self._sectioned()
        opening, closing = scorecard._criteria_in_order()
        scorecard.write({"criterion_ids": [(0, 0, {"name": "Somewhere"})]})
        loose = scorecard.criterion_ids - opening - closing
        self.assertEqual(
            [one.sequence for one in (loose, opening, closing)], [10, 20, 30]
        )
        scorecard.write(
            {"section_ids": [(1, opening.section_id.id, {"sequence": 1000})]}
        )
        self.assertEqual((closing.sequence, opening.sequence), (20, 30))

    def test_preview_follows_what_is_typed(self):
        scorecard = self._sectioned()
        with Form(scorecard) as form:
            self.assertIn("Opening well done", form.preview)
            with form.criterion_ids.edit(0) as line:
                line.name = "First words"
                line.scale = "3"
            self.assertIn("First words", form.preview)
            self.assertIn("50 %", form.preview)

    def test_what_a_version_changes(self):
        first = self._sectioned()
        first.action_use()
        second = self.mine.browse(first.action_new_version()["res_id"])
        self.assertIn("say the same", second.comparison)
        self.assertFalse(first.comparison)
        opening, closing = second._criteria_in_order()
        opening.write({"name": "First words", "scale": "3"})
        closing.section_id.unlink()
        second.write({"criterion_ids": [(0, 0, {"name": "Thanks"})]})
        kinds = {
            row["title"].after or row["title"].before: row["kind"]
            for row in second._compared_criteria(first)
        }
        self.assertEqual(
            kinds,
            {
                "First words": "changed",
                "Thanks": "added",
                "Closing well done": "removed",
            },
        )
        self.assertIn("3 steps", second.comparison)
        second.action_use()
        third = self.mine.browse(second.action_new_version()["res_id"])
        self.assertEqual(third.base_id, second)
        self.assertEqual(third.family_ids, first | second | third)
        # Across two versions the same criterion is still known.
        rows = third._compared_criteria(first)
        self.assertIn("changed", [row["kind"] for row in rows])

    def test_versions_and_reviews_are_listed(self):
        scorecard = self.scorecard.with_user(self.manager)
        self._begin()
        self.assertEqual(scorecard.review_count, 1)
        action = scorecard.action_view_reviews()
        reviews = self.env[action["res_model"]].search(action["domain"])
        self.assertEqual(reviews.scorecard_id, scorecard)
        draft = scorecard.action_new_version()["res_id"]
        action = scorecard.action_view_versions()
        versions = self.mine.with_context(active_test=False).search(action["domain"])
        self.assertEqual(versions.ids, [draft, scorecard.id])

    def test_agents_read_but_count_only_their_own(self):
        self._begin()
        scorecard = self.scorecard.with_user(self.agent)
        self.assertEqual(scorecard.review_count, 0)
        self.assertIn("Solved", scorecard.preview)

    def test_policies_that_name_it(self):
        version = self._publish({"scorecard_id": self.scorecard.id})
        scorecard = self.scorecard.with_user(self.manager)
        self.assertEqual(scorecard.policy_names, version.policy_id.name)
        self.assertFalse(scorecard.is_replaced)
        new = self.mine.browse(scorecard.action_new_version()["res_id"])
        new.action_use()
        scorecard.invalidate_recordset()
        self.assertTrue(scorecard.is_replaced)
        self.assertEqual(new.policy_names, version.policy_id.name)

    def _publish(self, values):
        version = self._create_version()
        version.write(values)
        version.action_publish()
        return version

    def _create_version(self):
        line = {"match_all": True, "first_response_minutes": 60}
        return self._create_policy([line], publish=False).draft_version_id

    def _findings(self):
        check = self.env["csp.plan.check"].with_user(self.manager)
        return {
            each["key"]: each["text"]
            for each in check._findings(self.env.company)
            if "scorecard" in each["key"]
        }

    def test_coverage_check(self):
        version = self._publish({"scorecard_id": self.scorecard.id})
        self.assertFalse(self._findings())
        self.scorecard.action_retire()
        findings = self._findings()
        self.assertIn("not in use", findings["scorecard_retired"])
        self.assertIn(version.policy_id.name, findings["no_scorecard"])
        spoken = self._create_scorecard(contact_kind="spoken")
        self.assertIn("(", self._findings()["no_scorecard"])
        spoken.contact_kind = False
        self.assertEqual(self._findings().keys(), {"scorecard_retired"})

    def test_policy_says_how_it_is_checked(self):
        scorecard = self._sectioned()
        scorecard.action_use()
        version = self._create_version()
        self.assertNotIn("How we check it", version._render_document())
        before = version._content_hash()
        version.scorecard_id = scorecard
        self.assertNotEqual(version._content_hash(), before)
        document = version.with_user(self.agent)._render_document()
        for words in ("How we check it", "Calls", "Opening", "Closing well done"):
            self.assertIn(words, document)
        version.action_publish()
        following = version.browse(version.action_new_version()["res_id"])
        self.assertEqual(following.scorecard_id, scorecard)
        self.assertNotIn("How we check it", following._render_comparison(version))
        following.scorecard_id = self.scorecard
        self.assertIn("How we check it", following._render_comparison(version))

    def test_publishing_with_a_scorecard_that_is_not_in_use(self):
        version = self._create_version()
        version.scorecard_id = self._create_scorecard(state="draft", name="Next year")
        self.assertIn("Next year", version.finding_text)
        version.scorecard_id = self.scorecard
        self.assertNotIn("not in use", version.finding_text)

    def test_standard_that_is_checked_stays(self):
        standard = self.env["csp.standard"].create({"name": "Smile"})
        draft = self._create_scorecard(state="draft")
        draft.criterion_ids[0].standard_id = standard
        with self.assertRaisesRegex(UserError, "checks this"):
            standard.unlink()
