from datetime import date

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from .acknowledging import AcknowledgementCommon


class TestAudience(AcknowledgementCommon):
    """Who is asked, when, and by when."""

    def test_members_are_asked_at_publication(self):
        self.assertEqual(self._states(), {"csp_anna": "to_read", "csp_luc": "to_read"})
        row = self._row(self.anna)
        self.assertEqual(row.due_date, date(2026, 3, 16))
        self.assertEqual(row.asked_at, self.at())
        self.assertFalse(row.is_newcomer)
        self.assertEqual(row.team_id, self.team)
        self.assertEqual(row.company_id, self.env.company)

    def test_nobody(self):
        policy = self._asking_policy(name="For nobody", audience_team_ids=False)
        self.assertFalse(policy.audience_count)
        self.assertFalse(policy.version_ids.acknowledgement_ids)

    def test_teams_groups_and_people(self):
        below = self.env["helpdesk.ticket.team"].create(
            {"name": "Night", "parent_id": self.team.id, "user_ids": self.agent.ids}
        )
        clerk = new_test_user(self.env, "csp_clerk", groups="base.group_user")
        group = self.env["res.groups"].create({"name": "Counter"})
        clerk.group_ids += group
        portal = new_test_user(self.env, "csp_guest", groups="base.group_portal")
        policy = self._asking_policy(
            audience_team_ids=self.team.ids,
            audience_group_ids=group.ids,
            audience_user_ids=(self.manager + portal).ids,
        )
        asked = policy.version_ids.acknowledgement_ids.user_id
        self.assertEqual(
            asked, self.anna | self.luc | self.agent | clerk | self.manager
        )
        self.assertEqual(policy.audience_count, 5)
        row = self._row(self.agent, policy.version_ids)
        self.assertEqual(row.team_id, below)

    def test_before_it_begins(self):
        """Who is asked has read it when it begins."""
        policy = self._asking_policy(publish=False)
        version = policy.draft_version_id
        with freeze_time(self.at()):
            version.effective_date = date(2026, 3, 6)
            version.action_publish()
        self.assertEqual(policy._version_to_sign(), version)
        self.assertEqual(
            set(version.acknowledgement_ids.mapped("due_date")), {date(2026, 3, 6)}
        )
        later = self._asking_policy(publish=False)
        with freeze_time(self.at()):
            later.draft_version_id.effective_date = date(2026, 6, 1)
            later.draft_version_id.action_publish()
        dates = set(later.version_ids.acknowledgement_ids.mapped("due_date"))
        self.assertEqual(dates, {date(2026, 3, 16)})

    def test_who_joins_is_a_newcomer(self):
        self.team.user_ids += self.agent
        self.assertFalse(self._row(self.agent))
        self._run(self.at(days=30))
        row = self._row(self.agent)
        self.assertTrue(row.is_newcomer)
        self.assertEqual(row.due_date, date(2026, 4, 8))
        before = self._states()
        self._run(self.at(days=30))
        self._run(self.at(days=29))
        self.assertEqual(self._states(), before)
        self.assertEqual(row.asked_at, self.at(days=30))

    def test_who_leaves_is_released(self):
        """By team, by being archived, by company, by losing the access of staff."""
        other = self.env["res.company"].create({"name": "Branch"})
        people = [
            new_test_user(self.env, f"csp_leaver{number}", groups="base.group_user")
            for number in range(4)
        ]
        policy = self._asking_policy(
            audience_team_ids=self.team.ids,
            audience_user_ids=[person.id for person in people[1:]],
        )
        self.team.user_ids += people[0]
        policy._follow_roster()
        version = policy.version_ids
        rows = version.acknowledgement_ids
        self.assertEqual(version.sign_asked_count, 6)
        self.team.user_ids -= people[0]
        people[1].active = False
        people[2].write({"company_ids": other.ids, "company_id": other.id})
        people[3].group_ids = self.env.ref("base.group_portal")
        self._run(self.at(days=3))
        gone = rows.filtered(lambda row: row.user_id.login.startswith("csp_leaver"))
        self.assertEqual(set(gone.mapped("state")), {"released"})
        self.assertEqual(set(gone.mapped("release_reason")), {"left"})
        self.assertEqual(version.sign_asked_count, 2)
        self.assertEqual(version.sign_missing_count, 2)
        self.assertFalse(gone.activity_ids)

    def test_who_returns(self):
        self._sign(self.luc, self.at(days=1))
        self.team.user_ids = False
        self._run(self.at(days=2))
        self.assertEqual(self._states(), {"csp_anna": "released", "csp_luc": "signed"})
        self.team.user_ids = self.anna + self.luc
        self._run(self.at(days=20))
        self.assertEqual(self._states(), {"csp_anna": "to_read", "csp_luc": "signed"})
        row = self._row(self.anna)
        self.assertEqual(row.due_date, date(2026, 3, 29))
        self.assertFalse(row.release_reason)
        self.assertEqual(len(row.activity_ids), 1)

    def test_audience_is_followed_when_it_is_changed(self):
        with freeze_time(self.at(days=1)):
            self.policy.audience_user_ids = self.agent
        self.assertEqual(self._row(self.agent).due_date, date(2026, 3, 10))
        with freeze_time(self.at(days=2)):
            self.policy.audience_user_ids = False
        self.assertEqual(self._row(self.agent).state, "released")

    def test_first_audience_of_a_published_policy(self):
        """Who is asked because the policy had no audience yet is no newcomer."""
        policy = self._asking_policy(audience_team_ids=False)
        with freeze_time(self.at(days=10)):
            policy.audience_team_ids = self.team
        row = self._row(self.anna, policy.version_ids)
        self.assertFalse(row.is_newcomer)
        self.assertEqual(row.due_date, date(2026, 3, 26))

    def test_archived_and_retired(self):
        with freeze_time(self.at(days=1)):
            self.policy.active = False
        self.assertEqual(set(self._states().values()), {"released"})
        with freeze_time(self.at(days=2)):
            self.policy.active = True
        self.assertEqual(set(self._states().values()), {"to_read"})
        with freeze_time(self.at(days=3)):
            self.version.with_user(self.manager).action_retire()
        self.assertEqual(set(self._states().values()), {"released"})
        self.assertEqual(
            set(self.version.acknowledgement_ids.mapped("release_reason")), {"retired"}
        )

    def test_queries_do_not_grow_with_people(self):
        people = self.env["res.users"]
        for number in range(12):
            people |= new_test_user(
                self.env, f"csp_many{number}", groups="base.group_user"
            )
        few, many = (
            self._asking_policy(publish=False, audience_user_ids=chosen.ids)
            for chosen in (people[:2], people)
        )
        counts = []
        for policy in (few, many):
            self.env.flush_all()
            self.env.invalidate_all()
            version = policy.draft_version_id
            before = self.env.cr.sql_log_count
            with freeze_time(self.at()):
                version.action_publish()
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
            self.assertEqual(policy.audience_count, len(version.acknowledgement_ids))
        self.assertLessEqual(counts[1] - counts[0], 12, counts)


class TestNextVersions(AcknowledgementCommon):
    def test_replaced(self):
        self._sign(self.luc, self.at(days=1))
        second = self._next_version(self.at(days=2))
        self.assertEqual(self._states(), {"csp_anna": "released", "csp_luc": "signed"})
        self.assertEqual(self._row(self.anna).release_reason, "replaced")
        self.assertEqual(
            self._states(second), {"csp_anna": "to_read", "csp_luc": "to_read"}
        )
        row = self._row(self.anna).with_user(self.anna)
        with self.assertRaisesRegex(UserError, "no longer asked"):
            row.action_acknowledge()

    def test_no_material_change(self):
        """Who signed before is not asked; who did not is asked for the present one."""
        self._sign(self.luc, self.at(days=1))
        second = self._next_version(self.at(days=2), material_change=False)
        self.assertEqual(self._states(second), {"csp_anna": "to_read"})
        self.assertEqual(second.sign_kept_count, 1)
        self.assertFalse(self.version.sign_kept_count)
        self.assertEqual(self._row(self.anna).release_reason, "replaced")
        third = self._next_version(self.at(days=3), material_change=False)
        self.assertEqual(self._states(third), {"csp_anna": "to_read"})
        # A change that matters, which nobody signs, and then a correction
        self._next_version(self.at(days=4))
        fifth = self._next_version(self.at(days=5), material_change=False)
        self.assertEqual(
            self._states(fifth), {"csp_anna": "to_read", "csp_luc": "to_read"}
        )

    def test_newcomer_after_a_correction(self):
        for user in self.anna + self.luc:
            self._sign(user, self.at(days=1))
        second = self._next_version(self.at(days=2), material_change=False)
        self.assertFalse(second.acknowledgement_ids)
        self.team.user_ids += self.agent
        self._run(self.at(days=3))
        self.assertEqual(self._states(second), {"csp_agent": "to_read"})
        self.assertTrue(self._row(self.agent, second).is_newcomer)

    def test_coming_version_is_asked_for(self):
        second = self._next_version(self.at(days=1), effective_date=date(2026, 5, 1))
        self.assertEqual(self.version.state, "published")
        self.assertEqual(set(self._states().values()), {"released"})
        self.assertEqual(set(self._states(second).values()), {"to_read"})
        # Taken back before it begins: the one in force is asked for again
        with freeze_time(self.at(days=2)):
            second.action_retire()
        self.assertEqual(set(self._states().values()), {"to_read"})
        self.assertEqual(set(self._states(second).values()), {"released"})


class TestReading(AcknowledgementCommon):
    """Reading to the end and signing, by the person himself."""

    def test_from_asking_to_signing(self):
        row = self._row(self.anna)
        mine = row.with_user(self.anna)
        with freeze_time(self.at(days=1)):
            data = mine.action_open()
        self.assertIn("We answer fast", data["html"])
        self.assertEqual(data["policy"], "Standard")
        self.assertEqual(row.state, "opened")
        self.assertEqual(row.opened_at, self.at(days=1))
        with freeze_time(self.at(days=1, seconds=40)):
            self.assertEqual(mine.action_read_to_end(data["token"])["state"], "read")
        with freeze_time(self.at(days=1, minutes=3)):
            self.assertEqual(mine.action_acknowledge()["state"], "signed")
        self.assertEqual(row.state, "signed")
        self.assertEqual(row.read_at, self.at(days=1, seconds=40))
        self.assertEqual(row.signed_at, self.at(days=1, minutes=3))
        self.assertEqual(row.content_hash, self.version._content_hash())
        self.assertEqual(row.lang, "en_US")
        self.assertEqual(row.signed_name, self.anna.name)
        self.assertEqual(row.integrity, "intact")
        self.assertIn(row.content_hash, row.proof_text)
        self.assertFalse(row.activity_ids)
        # A second press of the button, and a look at it much later
        with freeze_time(self.at(days=9)):
            mine.action_acknowledge()
            again = mine.action_open()
        self.assertEqual(row.signed_at, self.at(days=1, minutes=3))
        self.assertEqual(again["state"], "signed")
        self.assertFalse(again["token"])
        self.assertIn("We answer fast", again["html"])

    def test_not_before_the_end(self):
        mine = self._row(self.anna).with_user(self.anna)
        with self.assertRaisesRegex(UserError, "to the end first"):
            mine.action_acknowledge()
        with freeze_time(self.at()):
            token = mine.action_open()["token"]
            with self.assertRaisesRegex(UserError, "to the end first"):
                mine.action_acknowledge()
            with self.assertRaisesRegex(UserError, "So fast"):
                mine.action_read_to_end(token)
        with freeze_time(self.at(minutes=1)):
            for wrong in ("", "x" * len(token), False, None, [token]):
                with self.assertRaisesRegex(UserError, "out of date"):
                    mine.action_read_to_end(wrong)

    def test_token_is_good_for_one_look(self):
        mine = self._row(self.anna).with_user(self.anna)
        with freeze_time(self.at()):
            first = mine.action_open()["token"]
        with freeze_time(self.at(minutes=5)):
            second = mine.action_open()["token"]
            with self.assertRaisesRegex(UserError, "out of date"):
                mine.action_read_to_end(first)
            # The time counts from the look that the token belongs to.
            with self.assertRaisesRegex(UserError, "So fast"):
                mine.action_read_to_end(second)
        with freeze_time(self.at(minutes=6)):
            mine.action_read_to_end(second)
        self.assertFalse(mine.sudo().look_key)
        self.assertEqual(self._row(self.anna).opened_at, self.at())

    def test_language(self):
        """The text and the proof are in the language that was read."""
        self.env["res.lang"]._activate_lang("fr_FR")
        policy = self._asking_policy(publish=False)
        draft = policy.draft_version_id
        draft.with_context(lang="fr_FR").purpose = "<p>Nous répondons vite.</p>"
        with freeze_time(self.at()):
            draft.action_publish()
        row = self._sign(self.anna, self.at(days=1), draft, lang="fr_FR").sudo()
        self.assertEqual(row.lang, "fr_FR")
        self.assertEqual(row.integrity, "intact")
        # He is shown again what he has read.
        again = row.with_user(self.anna).with_context(lang="en_US").action_open()
        self.assertIn("Nous répondons", again["html"])
        # A language that was installed after the text was published
        self.env["res.lang"]._activate_lang("de_DE")
        other = self._read(self.luc, self.at(days=1), draft, lang="de_DE").sudo()
        self.assertEqual(other.lang, "en_US")

    def test_only_the_text_that_was_published(self):
        row = self._read(self.anna, self.at(days=1))
        self.env.cr.execute(
            "UPDATE csp_policy_version SET purpose = %s WHERE id = %s",
            ['{"en_US": "<p>Slowly.</p>"}', self.version.id],
        )
        self.env.invalidate_all()
        with self.assertRaisesRegex(UserError, "not the one that was published"):
            row.action_acknowledge()
        self.assertEqual(row.sudo().state, "read")

    def test_verify(self):
        row = self._sign(self.anna, self.at(days=1)).with_user(self.manager)
        self.assertEqual(row.action_verify()["params"]["type"], "success")
        self.env.cr.execute(
            "UPDATE csp_policy_version SET document = %s WHERE id = %s",
            ['{"en_US": "<p>Slowly.</p>"}', self.version.id],
        )
        self.env.invalidate_all()
        self.assertEqual(row.integrity, "changed")
        self.assertEqual(row.action_verify()["params"]["type"], "danger")
        with freeze_time(self.at(days=2)):
            self.assertFalse(row.with_user(self.anna).action_open()["intact"])

    def test_release(self):
        row = self._row(self.anna).with_user(self.manager)
        for reason in ("", "  ", False):
            with self.assertRaises(UserError):
                row.action_release(reason)
        with freeze_time(self.at(days=1)):
            self.env["csp.acknowledgement.release"].with_user(
                self.manager
            ).with_context(active_ids=row.ids).create(
                {"reason": "On leave"}
            ).action_release()
        self.assertRecordValues(
            row,
            [
                {
                    "state": "released",
                    "release_reason": "manager",
                    "release_note": "On leave",
                    "released_by_id": self.manager.id,
                    "released_at": self.at(days=1),
                }
            ],
        )
        # The roster does not ask again whom a manager has released.
        self._run(self.at(days=2))
        self.assertEqual(row.state, "released")
        self.assertEqual(self.version.sign_asked_count, 1)
        signed = self._sign(self.luc, self.at(days=1)).with_user(self.manager)
        with self.assertRaises(UserError):
            signed.action_release("Oh no")

    def test_figures(self):
        self._sign(self.luc, self.at(days=1))
        with freeze_time(self.at(days=20)):
            version = self.version.with_user(self.manager)
            version.invalidate_recordset()
            self.assertEqual(version.sign_asked_count, 2)
            self.assertEqual(version.sign_signed_count, 1)
            self.assertEqual(version.sign_late_count, 1)
            self.assertEqual(version.sign_percent, 50)
            self.assertEqual(version.sign_text, "1 of 2")
            self.assertEqual(version.sign_due_date, date(2026, 3, 16))
            late = self.env["csp.acknowledgement"].search(
                [("is_late", "=", True), ("version_id", "=", version.id)]
            )
            self.assertEqual(late.user_id, self.anna)
            self.assertTrue(late.is_late)
            in_time = self.env["csp.acknowledgement"].search(
                [("is_late", "=", False), ("version_id", "=", version.id)]
            )
            self.assertEqual(in_time.user_id, self.luc)

    def test_proof_is_printed(self):
        self._sign(self.luc, self.at(days=1))
        rows = self.version.acknowledgement_ids
        html = (
            self.env["ir.actions.report"]
            ._render_qweb_html("customer_service_plan.acknowledgement_proof", rows.ids)[
                0
            ]
            .decode()
        )
        self.assertIn(self._row(self.luc).content_hash, html)
        self.assertIn("csp_anna", html)

    def test_deleting_people(self):
        """Who has signed stays; who only was asked can be deleted."""
        clerk = new_test_user(self.env, "csp_clerk", groups="base.group_user")
        with freeze_time(self.at(days=1)):
            self.policy.audience_user_ids = [Command.link(clerk.id)]
        row = self._row(clerk)
        clerk.unlink()
        self.assertFalse(row.exists())
        row = self._sign(self.luc, self.at(days=1)).sudo()
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            self.luc.unlink()
            self.env.flush_all()
        self.assertEqual(row.state, "signed")
