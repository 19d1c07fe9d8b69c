import csv
from datetime import date

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user
from odoo.tools import file_open, mute_logger

from .common import CspCommon

TODAY = "2026-03-02 09:00:00"


@freeze_time(TODAY)
class ProfileCase(CspCommon):
    """One of few who see profiles, and customers to tell about."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.keeper = new_test_user(
            cls.env,
            "csp_profile_reader",
            groups="customer_service_plan.group_profile,base.group_allow_export",
            tz="UTC",
        )
        cls.Profile = cls.env["csp.customer.profile"].with_user(cls.keeper)
        cls.other = cls.env["res.partner"].create({"name": "Jonas Other"})
        cls.gold = cls.env.ref("customer_service_plan.csp_customer_tier_gold")
        cls.silver = cls.env.ref("customer_service_plan.csp_customer_tier_silver")
        cls.master = cls.env.ref("customer_service_plan.csp_education_level_master")
        cls.garden, cls.boat = cls.env["csp.customer.criterion"].create(
            [{"name": "Has a garden"}, {"name": "Has a boat"}]
        )
        cls.phone = cls.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_phone")

    @classmethod
    def _create_profile(cls, partner=None, **vals):
        partner = partner or cls.customer
        return cls.Profile.create({"partner_id": partner.id, **vals})

    def _refused(self, message, attempt):
        with self.assertRaises(ValidationError) as refused:
            attempt()
        self.assertIn(message, str(refused.exception))
        self.env.invalidate_all()

    def _sources(self, profile):
        return {
            row.subject: (row.source, str(row.stated_on), row.user_id.login)
            for row in profile.statement_ids
        }


@freeze_time(TODAY)
class TestAge(ProfileCase):
    """Birth date, year or band become one interval of possible birthdays."""

    def test_unknown_stays_unknown(self):
        profile = self._create_profile()
        for name in (
            "gender",
            "purchasing_power",
            "education_level_id",
            "tier_id",
            "age_stated_on",
            "born_from",
            "born_to",
            "preferred_channel_id",
            "preferred_lang_id",
            "statement_ids",
        ):
            self.assertFalse(profile[name], name)
        self.assertEqual(profile.age_text, "Unknown")

    def test_age_in_words(self):
        for vals, expected in (
            ({"birthdate": "1990-02-17"}, "36"),
            ({"birth_year": 1990}, "35 or 36"),
            ({"age_band": "25-34"}, "25 to 34"),
            ({"age_band": "25-34", "age_stated_on": "2016-03-02"}, "35 to 44"),
            ({"age_band": "25-34", "age_stated_on": "2016-03-01"}, "35 to 45"),
            ({"age_band": "75+"}, "75 or older"),
            ({"age_band": "75+", "age_stated_on": "2020-03-02"}, "81 or older"),
            ({"birthdate": "2026-03-02"}, "0"),
        ):
            with self.subTest(vals=vals):
                profile = self._create_profile(**vals)
                self.assertEqual(profile.age_text, expected)
                profile.unlink()

    def test_the_surest_statement_counts(self):
        profile = self._create_profile(age_band="25-34")
        self.assertEqual(profile.born_from, date(1991, 3, 3))
        self.assertEqual(profile.born_to, date(2001, 3, 2))
        self.assertEqual(profile.age_stated_on, date(2026, 3, 2))
        profile.birth_year = 1995
        self.assertEqual(profile.born_from, date(1995, 1, 1))
        profile.birthdate = "1995-02-03"
        self.assertEqual(profile.born_to, date(1995, 2, 3))
        profile.write({"birthdate": False, "birth_year": False, "age_band": False})
        self.assertFalse(profile.born_from or profile.born_to or profile.age_stated_on)

    def test_stated_again_makes_nobody_younger(self):
        profile = self._create_profile(age_band="25-34", age_stated_on="2020-03-02")
        profile.age_band = "25-34"
        self.assertEqual(profile.age_stated_on, date(2020, 3, 2))
        profile.write({"age_band": "25-34", "age_stated_on": False})
        self.assertEqual(profile.age_stated_on, date(2020, 3, 2))
        profile.age_band = "35-44"
        self.assertEqual(profile.age_stated_on, date(2026, 3, 2))

    def test_contradictions(self):
        profile = self._create_profile()
        for vals, message in (
            ({"birthdate": "1990-05-17", "birth_year": 1991}, "not in the year"),
            ({"birthdate": "2026-03-03"}, "future"),
            ({"birth_year": 2027}, "future"),
            ({"birth_year": 1889}, "before 1890"),
            ({"birth_year": 90}, "before 1890"),
            ({"birth_year": -3}, "before 1890"),
            ({"age_band": "18-24", "age_stated_on": "2026-03-03"}, "future"),
            ({"age_band": "18-24", "age_stated_on": "0026-03-02"}, "too long ago"),
            ({"consent_date": "2026-03-03"}, "future"),
        ):
            with self.subTest(vals=vals):
                self._refused(message, lambda vals=vals: profile.write(vals))
                self._refused(
                    message,
                    lambda vals=vals: self._create_profile(self.other, **vals),
                )
        profile.age_band = "18-24"
        self._refused("on which day", lambda: profile.write({"age_stated_on": False}))

    def test_today_is_that_of_the_user(self):
        """In Auckland it is the third of March already."""
        self.keeper.tz = "Pacific/Auckland"
        with freeze_time("2026-03-02 20:00:00"):
            profile = self._create_profile(birthdate="2026-03-03")
            self.assertEqual(profile.age_text, "0")

    def test_search_is_by_what_is_stored(self):
        profile = self._create_profile(birth_year=1990)
        unknown = self._create_profile(self.other)
        found = self.Profile.search([("born_to", ">=", "1990-06-01")])
        self.assertEqual(found, profile)
        found = self.Profile.search([("born_from", "=", False)])
        self.assertEqual(found & (profile + unknown), unknown)

    def test_other_language(self):
        self.env["res.lang"]._activate_lang("lt_LT")
        profile = self._create_profile(age_band="75+").with_context(lang="lt_LT")
        self.assertTrue(profile.age_text)
        profile.gender = "female"
        self.assertEqual(len(profile.statement_ids), 2)


@freeze_time(TODAY)
class TestStatements(ProfileCase):
    """Where each statement comes from, and since when."""

    def test_every_statement_has_its_source(self):
        profile = self._create_profile(
            birth_year=1990,
            gender="female",
            education_level_id=self.master.id,
            purchasing_power="high",
            tier_id=self.gold.id,
            criterion_ids=self.garden.ids,
            preferred_channel_id=self.phone.id,
            preferred_lang_id=self.env.ref("base.lang_en").id,
            source="Survey",
        )
        subjects = dict(self.env["csp.customer.statement"]._fields["subject"].selection)
        self.assertEqual(
            self._sources(profile),
            dict.fromkeys(subjects, ("Survey", "2026-03-02", self.keeper.login)),
        )

    def test_only_what_changes_is_dated_anew(self):
        profile = self._create_profile(
            gender="female", tier_id=self.silver.id, source="Survey"
        )
        colleague = new_test_user(
            self.env, "csp_second", groups="customer_service_plan.group_profile"
        )
        first = ("Survey", "2026-03-02", self.keeper.login)
        second = ("Phone call", "2026-06-02", "csp_second")
        with freeze_time("2026-06-02 09:00:00"):
            profile.with_user(colleague).write(
                {
                    "gender": "female",
                    "tier_id": self.gold.id,
                    "criterion_ids": [Command.link(self.boat.id)],
                    "source": "Phone call",
                }
            )
        self.assertEqual(
            self._sources(profile),
            {"gender": first, "tier": second, "criteria": second},
        )
        with freeze_time("2026-07-02 09:00:00"):
            profile.criterion_ids = False
            profile.gender = False
        self.assertEqual(self._sources(profile), {"tier": second})

    def test_a_band_is_dated_by_its_day(self):
        profile = self._create_profile(age_band="25-34", age_stated_on="2025-01-15")
        self.assertEqual(str(profile.statement_ids.stated_on), "2025-01-15")
        profile.age_stated_on = "2025-02-15"
        self.assertEqual(str(profile.statement_ids.stated_on), "2025-02-15")
        profile.birth_year = 1995
        self.assertEqual(str(profile.statement_ids.stated_on), "2026-03-02")

    def test_correct_source_and_date_only(self):
        profile = self._create_profile(gender="male")
        row = profile.statement_ids
        row.write({"source": "He said so", "stated_on": "2026-01-01"})
        profile.statement_ids = [Command.update(row.id, {"source": "His letter"})]
        self.assertEqual(row.source, "His letter")
        other = self._create_profile(self.other)
        for attempt in (
            lambda: row.write({"subject": "tier"}),
            lambda: row.write({"user_id": self.agent.id}),
            lambda: row.write({"profile_id": other.id}),
            lambda: other.write({"statement_ids": [Command.link(row.id)]}),
            lambda: profile.write({"statement_ids": [Command.delete(row.id)]}),
            lambda: profile.write({"statement_ids": [Command.clear()]}),
            lambda: profile.write(
                {
                    "statement_ids": [
                        Command.create({"subject": "tier", "stated_on": "2026-01-01"})
                    ]
                }
            ),
        ):
            with self.assertRaises(AccessError):
                attempt()
            self.env.invalidate_all()
        self.assertEqual(row.profile_id, profile)

    def test_rows_cost_the_same_for_many(self):
        partners = self.env["res.partner"].create(
            [{"name": f"Customer {number}"} for number in range(30)]
        )

        def work(some):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            profiles = self.Profile.create(
                [
                    {
                        "partner_id": partner.id,
                        "gender": "female",
                        "age_band": "25-34",
                        "criterion_ids": self.garden.ids,
                    }
                    for partner in some
                ]
            )
            self.env.flush_all()
            made = self.env.cr.sql_log_count - before
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            profiles.write({"gender": "male", "tier_id": self.gold.id})
            self.env.flush_all()
            changed = self.env.cr.sql_log_count - before
            before = self.env.cr.sql_log_count
            profiles.unlink()
            return made, changed, self.env.cr.sql_log_count - before

        work(partners[:2])
        self.assertEqual(work(partners[:2]), work(partners[2:]))

    def test_form(self):
        form = Form(
            self.Profile.with_context(default_partner_id=self.customer.id),
            "customer_service_plan.csp_customer_profile_view_form",
        )
        form.age_band = "25-34"
        self.assertEqual(form.age_stated_on, date(2026, 3, 2))
        self.assertEqual(form.age_text, "25 to 34")
        form.source = "Survey"
        profile = form.save()
        self.assertEqual(profile.statement_ids.source, "Survey")
        with Form(profile) as form:
            form.gender = "other"
            with form.statement_ids.edit(0) as row:
                row.source = "Survey of March"
        self.assertEqual(
            {source for source, _day, _user in self._sources(profile).values()},
            {"Survey", "Survey of March"},
        )

    def test_button_of_the_contact(self):
        contact = self.customer.with_user(self.keeper)
        action = contact.action_csp_open_profile()
        self.assertFalse(action["res_id"])
        profile = self.Profile.with_context(**action["context"]).create({})
        self.assertEqual(profile.partner_id, self.customer)
        self.assertEqual(contact.action_csp_open_profile()["res_id"], profile.id)
        for user in (self.manager, self.agent):
            with self.assertRaises(AccessError):
                self.customer.with_user(user).action_csp_open_profile()


@freeze_time(TODAY)
class TestKeeping(ProfileCase):
    """A profile is kept for its time, no longer."""

    def test_keep_until(self):
        profile = self._create_profile()
        self.assertEqual(str(profile.keep_until), "2029-03-02")
        profile.consent_date = "2026-01-31"
        self.assertEqual(str(profile.keep_until), "2029-01-31")
        profile.keep_until = "2027-01-01"
        profile.consent_date = False
        self.assertEqual(str(profile.keep_until), "2027-01-01")
        self.env.company.csp_profile_keep_months = 0
        self.assertFalse(self._create_profile(self.other).keep_until)

    def test_company_of_the_contact_decides(self):
        branch = self.env["res.company"].create(
            {"name": "Branch", "csp_profile_keep_months": 12}
        )
        self.keeper.company_ids += branch
        self.other.company_id = branch
        profile = self.Profile.with_context(
            allowed_company_ids=(self.env.company + branch).ids
        ).create({"partner_id": self.other.id})
        self.assertEqual(str(profile.keep_until), "2027-03-02")

    def test_no_negative_time(self):
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            self.env.company.csp_profile_keep_months = -1
            self.env.flush_all()

    def test_announced(self):
        profile = self._create_profile(keep_until="2026-04-01")
        self.assertTrue(profile.keeping_ends_soon)
        profile.keep_until = "2026-04-02"
        self.assertFalse(profile.keeping_ends_soon)
        profile.keep_until = False
        self.assertFalse(profile.keeping_ends_soon)

    def _vacuum(self, **kwargs):
        return self.env["csp.customer.profile"]._gc_past_keeping(**kwargs)

    @mute_logger("odoo.models.unlink")
    def test_deleted_after_its_time(self):
        self.other.active = False
        self._create_profile(gender="female", source="Survey", keep_until="2026-03-01")
        late = self._create_profile(self.other, keep_until="2026-02-01")
        kept = self._create_profile(self.agent.partner_id, keep_until="2026-03-02")
        endless = self._create_profile(self.manager.partner_id, keep_until=False)
        self.assertEqual(self._vacuum(limit=1), (1, True))
        self.assertFalse(late.exists())
        self.assertEqual(self._vacuum(limit=2), (1, False))
        for _again in range(2):
            self.assertEqual(self._vacuum(), (0, False))
        self.assertEqual((kept + endless).exists(), kept + endless)
        self.assertTrue(self.customer.exists() and self.other.exists())
        for contact in (self.customer, self.other):
            notes = contact.message_ids.filtered(lambda note: "profile" in note.body)
            self.assertEqual(len(notes), 1)
            self.assertTrue(notes.is_internal)
            for private in ("female", "Female", "Survey"):
                self.assertNotIn(private, notes.body)
        self.assertFalse(
            self.manager.partner_id.message_ids.filtered(
                lambda note: "profile" in note.body
            )
        )

    def test_the_daily_vacuum_calls_it(self):
        self.assertTrue(type(self.Profile)._gc_past_keeping._autovacuum)

    @mute_logger("odoo.models.unlink")
    def test_with_the_contact(self):
        profile = self._create_profile(gender="female")
        rows = profile.statement_ids
        self.customer.active = False
        self.assertTrue(profile.exists())
        self.customer.unlink()
        self.assertFalse(profile.exists() or rows.exists())


@freeze_time(TODAY)
class TestWhoSeesIt(ProfileCase):
    """Profiles are for few; the contact tells nothing of them to others."""

    def test_managers_and_agents_see_nothing(self):
        profile = self._create_profile(gender="female", birth_year=1990)
        for user in (self.manager, self.agent):
            user.group_ids += self.env.ref("base.group_allow_export")
            contact = self.customer.with_user(user)
            with self.subTest(user=user.login):
                self.assertNotIn("csp_profile_ids", contact.fields_get())
                for attempt in (
                    lambda user=user: profile.with_user(user).read(["gender"]),
                    lambda user=user: profile.with_user(user).statement_ids.read(
                        ["source"]
                    ),
                    lambda contact=contact: contact.read(["csp_profile_ids"]),
                    lambda contact=contact: contact.search(
                        [("csp_profile_ids.gender", "=", "female")]
                    ),
                    lambda contact=contact: contact.search(
                        [("csp_profile_ids", "any", [("birth_year", ">", 1980)])]
                    ),
                    lambda contact=contact: contact.export_data(
                        ["csp_profile_ids/gender"]
                    ),
                    lambda user=user: (
                        self.env["csp.customer.profile"]
                        .with_user(user)
                        .search([("gender", "=", "female")])
                    ),
                ):
                    with self.assertRaises(AccessError):
                        attempt()
                    self.env.invalidate_all()

    def test_portal_sees_nothing_of_himself(self):
        portal = new_test_user(self.env, "csp_portal", groups="base.group_portal")
        profile = self._create_profile(portal.partner_id, gender="male")
        for user in (portal, self.env.ref("base.public_user")):
            with self.assertRaises(AccessError):
                profile.with_user(user).read(["gender"])
            with self.assertRaises(AccessError):
                portal.partner_id.with_user(user).read(["csp_profile_ids"])

    def test_forms_for_everybody(self):
        """The contact's form opens for all, with the button for those who may."""
        for user, shown in (
            (self.agent, False),
            (self.manager, False),
            (self.keeper, True),
        ):
            arch = (
                self.env["res.partner"]
                .with_user(user)
                .get_view(self.env.ref("base.view_partner_form").id, "form")["arch"]
            )
            self.assertEqual("action_csp_open_profile" in arch, shown, user.login)

    def test_menu(self):
        """Whoever keeps profiles and is no manager finds them, and nothing else."""
        menus = self.env["ir.ui.menu"].with_user(self.keeper)._visible_menu_ids()
        own = self.env["ir.model.data"].search(
            [("module", "=", "customer_service_plan"), ("model", "=", "ir.ui.menu")]
        )
        seen = {data.name for data in own if data.res_id in menus}
        self.assertLessEqual(
            {"csp_main_menu", "csp_customers_menu", "csp_customer_profile_menu"}, seen
        )
        self.assertFalse(
            seen & {"csp_policies_menu", "csp_segment_menu", "csp_configuration_menu"}
        )
        menus = self.env["ir.ui.menu"].with_user(self.manager)._visible_menu_ids()
        profiles = self.env.ref("customer_service_plan.csp_customer_profile_menu")
        self.assertNotIn(profiles.id, menus)

    def test_contacts_of_another_company(self):
        branch = self.env["res.company"].create({"name": "Branch"})
        self.other.company_id = branch
        theirs = self.env["csp.customer.profile"].create(
            {"partner_id": self.other.id, "gender": "male"}
        )
        shared = self._create_profile(gender="female")
        ours = self.env["res.partner"].create(
            {"name": "Ours", "company_id": self.env.company.id}
        )
        own = self._create_profile(ours, gender="female")
        self.assertEqual(
            self.Profile.search([]) & (theirs + shared + own), shared + own
        )
        Statement = self.env["csp.customer.statement"].with_user(self.keeper)
        found = Statement.search([("profile_id", "in", (theirs + shared + own).ids)])
        self.assertEqual(found.profile_id, shared + own)
        with self.assertRaises(AccessError):
            theirs.with_user(self.keeper).read(["gender"])
        with self.assertRaises(AccessError):
            theirs.statement_ids.with_user(self.keeper).read(["source"])
        stranger = self.env["res.partner"].create(
            {"name": "Theirs", "company_id": branch.id}
        )
        with self.assertRaises(AccessError):
            self._create_profile(stranger)
        self.keeper.company_ids += branch
        both = self.Profile.with_context(
            allowed_company_ids=(self.env.company + branch).ids
        )
        self.assertIn(theirs, both.search([]))

    def test_nothing_private_in_the_chatter(self):
        before = self.customer.message_ids
        profile = self._create_profile(gender="female", birth_year=1990)
        profile.write({"gender": "male", "purchasing_power": "high"})
        self.env.flush_all()
        self.cr.precommit.run()
        self.assertEqual(self.customer.message_ids, before)
        self.assertNotIn("message_ids", profile._fields)

    def test_one_profile_each(self):
        self._create_profile()
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            self._create_profile()

    def test_a_profile_stays_with_its_customer(self):
        profile = self._create_profile()
        profile.partner_id = self.customer
        with self.assertRaises(UserError):
            profile.partner_id = self.other


@freeze_time(TODAY)
class TestPrivacyLookup(ProfileCase):
    """Odoo's privacy lookup shows profiles, opens them and erases them."""

    def _lookup(self, user=None):
        wizard = (
            self.env["privacy.lookup.wizard"]
            .with_user(user or self.env.user)
            .create({"name": self.customer.name, "email": self.customer.email})
        )
        wizard.action_lookup()
        return wizard

    @mute_logger("odoo.models.unlink")
    def test_found_opened_and_erased(self):
        profile = self._create_profile(gender="female")
        self._create_profile(self.other, gender="male")
        wizard = self._lookup()
        lines = wizard.line_ids.filtered(
            lambda line: line.res_model == "csp.customer.profile"
        )
        self.assertEqual(lines.res_id, profile.id)
        self.assertEqual(lines.resource_ref, profile)
        self.assertEqual(lines.res_name, self.customer.display_name)
        action = lines.action_open_record()
        self.assertEqual(
            (action["res_model"], action["res_id"]), (profile._name, profile.id)
        )
        lines.action_unlink()
        self.assertFalse(profile.exists())
        self.assertTrue(self.customer.exists())
        self.assertIn(f"#{profile.id}", wizard.execution_details)

    @mute_logger("odoo.models.unlink")
    def test_administrator_erases_what_he_cannot_read(self):
        administrator = new_test_user(
            self.env, "csp_admin", groups="base.group_system,base.group_partner_manager"
        )
        profile = self._create_profile(gender="female")
        wizard = self._lookup(administrator)
        line = wizard.line_ids.filtered(
            lambda line: line.res_model == "csp.customer.profile"
        )
        self.assertFalse(line.resource_ref)
        line.action_unlink()
        self.assertFalse(profile.exists())

    @mute_logger("odoo.models.unlink")
    def test_erased_with_the_contact(self):
        profile = self._create_profile(gender="female")
        wizard = self._lookup()
        of_profile = wizard.line_ids.filtered(
            lambda line: line.res_model == "csp.customer.profile"
        )
        wizard.line_ids.filtered(
            lambda line: line.res_model == "res.partner"
        ).action_unlink()
        self.assertFalse(profile.exists())
        of_profile.action_unlink()
        self.assertTrue(of_profile.is_unlinked)


@freeze_time(TODAY)
class TestPartnerMerge(ProfileCase):
    """Contacts are merged: what was known of any of them is known of the one left."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.third = cls.env["res.partner"].create({"name": "Dimitra K."})
        cls.sources = cls.other + cls.third

    @mute_logger("odoo.models.unlink")
    def _merge(self, sources=None, user=None):
        sources = self.other if sources is None else sources
        user = user or self.env.user
        self.env["base.partner.merge.automatic.wizard"].with_user(user)._merge(
            (sources + self.customer).ids, self.customer.with_user(user)
        )
        self.env.invalidate_all()
        return self.Profile.search([("partner_id", "=", self.customer.id)])

    def test_only_the_source_has_one(self):
        profile = self._create_profile(self.other, gender="male", source="Letter")
        self.assertEqual(self._merge(), profile)
        self.assertEqual(
            self._sources(profile),
            {"gender": ("Letter", "2026-03-02", self.keeper.login)},
        )

    def test_nobody_has_one(self):
        self.assertFalse(self._merge())

    def test_what_is_known_stays(self):
        kept = self._create_profile(
            gender="female",
            criterion_ids=self.garden.ids,
            consent_date="2026-02-01",
            source="Survey",
        )
        with freeze_time("2025-06-01 09:00:00"):
            gone = self._create_profile(
                self.other,
                gender="male",
                age_band="25-34",
                tier_id=self.gold.id,
                criterion_ids=(self.garden + self.boat).ids,
                consent_date="2025-05-01",
                source="Letter",
            )
        with freeze_time("2026-03-05 09:00:00"):
            profile = self._merge(user=self.env.ref("base.user_admin"))
        self.assertEqual(profile, kept)
        self.assertFalse(gone.exists())
        self.assertEqual(profile.gender, "female")
        self.assertEqual(profile.born_from, date(1990, 6, 2))
        self.assertEqual(profile.tier_id, self.gold)
        self.assertEqual(profile.criterion_ids, self.garden + self.boat)
        self.assertEqual(str(profile.consent_date), "2025-05-01")
        self.assertEqual(str(profile.keep_until), "2028-05-01")
        login = self.keeper.login
        self.assertEqual(
            self._sources(profile),
            {
                "gender": ("Survey", "2026-03-02", login),
                "criteria": ("Survey", "2026-03-02", login),
                "birth": ("Letter", "2025-06-01", login),
                "tier": ("Letter", "2025-06-01", login),
            },
        )

    def test_the_latest_statement_is_believed(self):
        """Where the contact that is left knows nothing."""
        with freeze_time("2025-06-01 09:00:00"):
            self._create_profile(
                self.third,
                gender="female",
                purchasing_power="low",
                birth_year=1990,
                keep_until="2030-01-01",
            )
        with freeze_time("2025-07-01 09:00:00"):
            self._create_profile(
                self.other, gender="male", birthdate="1980-01-02", keep_until=False
            )
        profile = self._merge(self.sources)
        self.assertEqual(len(profile), 1)
        self.assertEqual(profile.gender, "male")
        self.assertEqual(profile.purchasing_power, "low")
        self.assertEqual(
            (str(profile.birthdate), profile.birth_year), ("1980-01-02", 0)
        )
        self.assertEqual(str(profile.keep_until), "2030-01-01")
        self.assertFalse(profile.consent_date)
        self.assertEqual(
            {str(row.stated_on) for row in profile.statement_ids},
            {"2025-06-01", "2025-07-01"},
        )
        self.assertEqual(len(self.env["csp.customer.profile"].search([])), 1)

    def test_whoever_merges_need_not_see_profiles(self):
        clerk = new_test_user(
            self.env, "csp_clerk", groups="base.group_user,base.group_partner_manager"
        )
        self.other.email = self.customer.email
        self._create_profile(gender="female")
        self._create_profile(self.other, tier_id=self.gold.id)
        profile = self._merge(user=clerk)
        self.assertEqual((profile.gender, profile.tier_id), ("female", self.gold))
        self.assertEqual(profile.statement_ids.user_id, self.keeper)

    def test_all_have_one(self):
        for number, contact in enumerate((self.customer, self.other, self.third)):
            self._create_profile(
                contact, purchasing_power=("low", "medium", "high")[number]
            )
        profile = self._merge(self.sources)
        self.assertEqual(profile.purchasing_power, "low")
        self.assertEqual(len(profile.statement_ids), 1)


@freeze_time(TODAY)
class TestImportExport(ProfileCase):
    """With Odoo's own tools."""

    def _load(self, names, rows):
        return self.Profile.with_context(import_file=True).load(names, rows)

    def test_template(self):
        (template,) = self.Profile.get_import_templates()
        with file_open(template["template"].lstrip("/"), "r") as file:
            header, *rows = csv.reader(file)
        labels = {
            field["string"]: name for name, field in self.Profile.fields_get().items()
        }
        names = [labels[label] for label in header]
        self.env["res.partner"].create(
            [
                {"name": "Maria Example"},
                {"name": "Jonas", "email": "jonas@example.com"},
            ]
        )
        result = self._load(names, rows)
        self.assertFalse(result["messages"])
        profiles = self.Profile.browse(result["ids"])
        self.assertEqual(profiles.partner_id.mapped("name"), ["Maria Example", "Jonas"])
        self.assertEqual(profiles.mapped("gender"), ["female", False])
        self.assertEqual(profiles.tier_id, self.gold)
        self.assertEqual(profiles[1].age_band, "25-34")
        self.assertEqual(str(profiles[1].age_stated_on), "2026-01-15")
        self.assertEqual(str(profiles[0].keep_until), "2029-01-15")

    def test_customer_by_name_or_external_id(self):
        self.env["ir.model.data"].create(
            {
                "module": "__import__",
                "name": "jonas",
                "model": "res.partner",
                "res_id": self.other.id,
            }
        )
        result = self._load(["partner_id/id", "gender"], [["__import__.jonas", "male"]])
        self.assertFalse(result["messages"])
        result = self._load(["partner_id", "gender"], [["Dimitra Customer", "Female"]])
        self.assertFalse(result["messages"])
        profiles = self.Profile.search(
            [("partner_id", "in", (self.other + self.customer).ids)]
        )
        self.assertEqual(set(profiles.mapped("gender")), {"male", "female"})

    def test_labels_in_the_language_of_the_user(self):
        self.env["res.lang"]._activate_lang("lt_LT")
        self.env["ir.model.fields.selection"].search(
            [
                ("field_id.model", "=", "csp.customer.profile"),
                ("field_id.name", "=", "gender"),
                ("value", "=", "female"),
            ]
        ).with_context(lang="lt_LT").name = "Moteris"
        self.keeper.lang = "lt_LT"
        result = self._load(
            ["partner_id", "gender"],
            [["Dimitra Customer", "Moteris"], ["Jonas Other", "male"]],
        )
        self.assertFalse(result["messages"])
        self.assertEqual(
            self.Profile.browse(result["ids"]).mapped("gender"), ["female", "male"]
        )

    def test_empty_cells_are_filled_in(self):
        """The end of keeping, and the day of a band."""
        names = ["partner_id", "age_band", "age_stated_on", "keep_until", "gender"]
        result = self._load(names, [["Dimitra Customer", "25-34", "", "", ""]])
        self.assertFalse(result["messages"])
        profile = self.Profile.browse(result["ids"])
        self.assertEqual(str(profile.age_stated_on), "2026-03-02")
        self.assertEqual(str(profile.keep_until), "2029-03-02")
        self.assertFalse(profile.gender)

    @mute_logger("odoo.sql_db")
    def test_the_same_customer_twice(self):
        rows = [["Dimitra Customer", "female"], ["Dimitra Customer", "male"]]
        result = self._load(["partner_id", "gender"], rows)
        self.assertFalse(result["ids"])
        (message,) = result["messages"]
        self.assertIn("has a profile already", message["message"])
        self.assertEqual(message["rows"], {"from": 1, "to": 1})

    def test_a_broken_row_is_named(self):
        partners = self.env["res.partner"].create(
            [{"name": f"Customer {number}"} for number in range(30)]
        )
        rows = [[partner.name, "female", "1990"] for partner in partners]
        rows[16][1] = "femal"
        result = self._load(["partner_id", "gender", "birth_year"], rows)
        self.assertFalse(result["ids"])
        self.assertEqual(
            [message["rows"] for message in result["messages"]],
            [{"from": 16, "to": 16}],
        )
        rows[16][1:] = ["female", "1289"]
        result = self._load(["partner_id", "gender", "birth_year"], rows)
        self.assertFalse(result["ids"])
        self.assertIn(
            {"from": 16, "to": 16}, [message["rows"] for message in result["messages"]]
        )

    def test_export_and_change_by_import(self):
        profile = self._create_profile(
            gender="female", age_band="25-34", tier_id=self.silver.id, source="Survey"
        )
        names = ["id", "partner_id/id", "gender", "age_band", "tier_id/id", "source"]
        (row,) = profile.with_context(import_compat=True).export_data(names)["datas"]
        self.assertEqual(row[2:4], ["Female", "25–34"])
        row[2:] = ["male", row[3], "customer_service_plan.csp_customer_tier_gold", "x"]
        with freeze_time("2027-03-02 09:00:00"):
            result = self._load(names, [row])
        self.assertFalse(result["messages"])
        self.assertEqual(result["ids"], profile.ids)
        self.assertEqual((profile.gender, profile.tier_id), ("male", self.gold))
        self.assertEqual(profile.age_stated_on, date(2026, 3, 2))
        self.assertEqual(
            {row.subject: row.source for row in profile.statement_ids},
            {"birth": "Survey", "gender": "x", "tier": "x"},
        )

    def test_export_for_people(self):
        profile = self._create_profile(gender="female", birth_year=1990)
        (row,) = profile.export_data(
            ["partner_id", "gender", "age_text", "statement_ids/subject"]
        )["datas"][:1]
        self.assertEqual(row[:3], ["Dimitra Customer", "Female", "35 or 36"])

    def test_managers_import_and_export_nothing(self):
        profile = self._create_profile(gender="female")
        self.manager.group_ids += self.env.ref("base.group_allow_export")
        with self.assertRaises(AccessError):
            profile.with_user(self.manager).export_data(["gender"])
        result = (
            self.env["csp.customer.profile"]
            .with_user(self.manager)
            .load(["partner_id", "gender"], [["Jonas Other", "male"]])
        )
        self.assertFalse(result["ids"])
