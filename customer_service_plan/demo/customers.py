"""Two hundred customers in three countries, and what is known of them.

Everybody is made up, by the same random numbers at every installation. Much is unknown
on purpose: about one of three persons has no profile, and no profile tells everything.
"""

import random
from datetime import date, timedelta
from typing import NamedTuple

from dateutil.relativedelta import relativedelta

from odoo import SUPERUSER_ID, fields
from odoo.fields import Command
from odoo.tools import SQL

from .names import (
    FIRMS,
    FLANDERS,
    GREECE,
    ITALY,
    POSITIONS,
    REGIONS,
    WALLONIA,
    Region,
    latin,
    mailbox,
)

MODULE = "customer_service_plan"
SEED = 1903
CUSTOMERS = 200
#: Of the private persons to be made up, those of each region.
PRIVATE_SHARE = {FLANDERS: 0.15, WALLONIA: 0.15, ITALY: 0.42, GREECE: 0.28}
#: Companies are customers for at most so many days.
LONGEST = 2200
#: For so many days, a customer is new; see csp_segment_demo.xml.
NEW_DAYS = 30
BANDS = (
    (17, "0-17"),
    (24, "18-24"),
    (34, "25-34"),
    (44, "35-44"),
    (54, "45-54"),
    (64, "55-64"),
    (74, "65-74"),
    (999, "75+"),
)


class Known(NamedTuple):
    """A person whom tickets speak of. `since` is in days before the installation."""

    key: str
    name: str
    gender: str
    region: Region
    city: str
    since: int
    profile: dict
    firm: str = ""
    position: str = ""


KNOWN = (
    Known(
        "rosalia_conti",
        "Rosalia Conti",
        "female",
        ITALY,
        "Palermo",
        1900,
        {
            "age": 74,
            "birth": "date",
            "education": "primary",
            "power": "low",
            "tier": "silver",
            "criteria": ("alone",),
            "channel": "phone",
            "lang": "it_IT",
        },
    ),
    Known(
        "willem_desmet",
        "Willem De Smet",
        "male",
        FLANDERS,
        "Antwerpen",
        1500,
        {
            "age": 67,
            "birth": "year",
            "tier": "standard",
            "criteria": ("garden",),
            "channel": "phone",
            "lang": "nl_BE",
        },
    ),
    Known(
        "chiara_ferri",
        "Chiara Ferri",
        "female",
        ITALY,
        "Bologna",
        24,
        {
            "age": 36,
            "birth": "date",
            "education": "master",
            "power": "medium",
            "criteria": ("children", "garden"),
            "channel": "chat",
            "lang": "it_IT",
        },
    ),
    Known(
        "davide_marino",
        "Davide Marino",
        "male",
        ITALY,
        "Napoli",
        900,
        {
            "age": 41,
            "birth": "band",
            "education": "upper_secondary",
            "power": "low",
            "tier": "standard",
            "criteria": ("children",),
            "channel": "web",
        },
    ),
    Known(
        "nikos_papadakis",
        "Νίκος Παπαδάκης",
        "male",
        GREECE,
        "Ηράκλειο",
        18,
        {"age": 29, "birth": "band", "channel": "chat", "lang": "el_GR"},
    ),
    Known(
        "kalliopi_vlachou",
        "Καλλιόπη Βλάχου",
        "female",
        GREECE,
        "Αθήνα",
        2100,
        {
            "age": 81,
            "birth": "band",
            "power": "medium",
            "tier": "gold",
            "criteria": ("alone",),
            "channel": "in_person",
            "lang": "el_GR",
        },
    ),
    Known(
        "yasmina_elamrani",
        "Yasmina El Amrani",
        "female",
        FLANDERS,
        "Gent",
        9,
        {},
    ),
    Known(
        "marco_bruni",
        "Marco Bruni",
        "male",
        ITALY,
        "Torino",
        1400,
        {"channel": "phone", "lang": "it_IT"},
        firm="bruni",
        position="Owner",
    ),
    Known(
        "an_janssens",
        "An Janssens",
        "female",
        FLANDERS,
        "Leuven",
        1100,
        {"channel": "email", "lang": "nl_BE"},
        firm="janssens",
        position="Owner",
    ),
    Known(
        "luc_delvaux",
        "Luc Delvaux",
        "male",
        WALLONIA,
        "Liège",
        700,
        {},
        firm="delvaux",
        position="Owner",
    ),
    Known(
        "sofia_alexiou",
        "Σοφία Αλεξίου",
        "female",
        GREECE,
        "Θεσσαλονίκη",
        1600,
        {"channel": "email", "lang": "el_GR"},
        firm="alexiou",
        position="Manager",
    ),
)


class Draft(NamedTuple):
    """A customer before it is created."""

    values: dict
    since: int
    key: str
    #: What is known of the person; None without a profile.
    profile: dict | None
    contacts: list


def fill(env):
    """Create the customers. Called once, when the demo data is installed."""
    _Customers(env).fill()


class _Customers:
    def __init__(self, env):
        quiet = {
            "tracking_disable": True,
            "mail_create_nosubscribe": True,
            "mail_create_nolog": True,
        }
        self.env = env(user=SUPERUSER_ID, context={**env.context, **quiet})
        self.random = random.Random(SEED)
        self.today = fields.Date.context_today(self.env["res.partner"])
        self.taken = {latin(known.name) for known in KNOWN}
        self.installed = {code for code, _name in env["res.lang"].get_installed()}

    def ref(self, name, module=MODULE):
        return self.env.ref(f"{module}.{name}")

    def fill(self):
        drafts = [
            self.draw_firm(region, firm) for region in REGIONS for firm in FIRMS[region]
        ]
        at_work = sum(1 + len(draft.contacts) for draft in drafts)
        drafts += self.draw_private(CUSTOMERS - at_work)
        partners = self.env["res.partner"].create([draft.values for draft in drafts])
        made = []
        for draft, partner in zip(drafts, partners, strict=True):
            contacts = partner.child_ids.sorted("id")
            made.append((draft, partner))
            made += zip(draft.contacts, contacts, strict=True)
        self.date_back(made)
        self.name(made)
        self.describe(made)

    # === Who there is ===

    def draw_firm(self, region, firm):
        city = next(city for city in region.cities if city.name == firm.city)
        known = [one for one in KNOWN if one.firm and one.firm == firm.key]
        since = max((one.since + 60 for one in known), default=0)
        since = since or self.random.choice((25, 400, 800, 1200, 1600, LONGEST))
        contacts = [self.draw_known(one) for one in known]
        for position in self.random.sample(POSITIONS[1:], self.random.randint(1, 3)):
            if len(contacts) < 3:
                contacts.append(self.draw_person(region, city, since, position))
        address = latin(firm.name).lower().replace(" ", "").replace("'", "")
        values = {
            "name": firm.name,
            "is_company": True,
            "email": f"info@{address}.example.com",
            "website": f"https://{address}.example.com",
            "category_id": [Command.set(self.tags(firm.tags).ids)],
            **self.draw_address(region, city),
            "child_ids": [Command.create(draft.values) for draft in contacts],
        }
        return Draft(values, since, firm.key, None, contacts)

    def draw_private(self, count):
        drafts = [self.draw_known(known) for known in KNOWN if not known.firm]
        missing = count - len(drafts)
        shares = list(PRIVATE_SHARE.values())
        for region in self.random.choices(REGIONS, shares, k=missing):
            # Every seventh came within the last weeks.
            since = self.random.randint(4, LONGEST)
            if self.random.random() < 1 / 7:
                since = self.random.randint(4, NEW_DAYS - 3)
            city = self.random.choice(region.cities)
            drafts.append(self.draw_person(region, city, since))
        return drafts

    def draw_known(self, known):
        city = next(city for city in known.region.cities if city.name == known.city)
        values = self.person_values(known.name, known.region, city, known.position)
        profile = known.profile and {"gender": known.gender, **known.profile}
        return Draft(values, known.since, known.key, profile or None, [])

    def draw_person(self, region, city, since, position=""):
        gender, name = self.draw_name(region)
        values = self.person_values(name, region, city, position)
        if position:
            since = self.random.randint(4, since)
        elif self.random.random() < 0.2:
            values["category_id"] = [Command.set(self.tags("newsletter").ids)]
        profile = None
        # Less is known of who only answers the telephone of a company.
        if self.random.random() < (0.4 if position else 0.8):
            profile = self.draw_profile(region, gender, bool(position))
        return Draft(values, since, "", profile, [])

    def draw_name(self, region):
        while True:
            gender = self.random.choice(("female", "male"))
            first = region.women if gender == "female" else region.men
            family = self.random.choice(region.families).split("/")
            family = family[0 if gender == "male" else -1]
            name = f"{self.random.choice(first)} {family}"
            if region is GREECE and self.random.random() < 0.25:
                name = latin(name)
            if latin(name) not in self.taken:
                self.taken.add(latin(name))
                return gender, name

    def person_values(self, name, region, city, position):
        values = {"name": name, "email": f"{mailbox(name)}@example.com"}
        values.update(self.draw_address(region, city))
        if position:
            # The address is that of the company.
            own = ("name", "email", "phone")
            return {"function": position, **{field: values[field] for field in own}}
        return values

    def draw_address(self, region, city):
        number = self.random.randint(1, 120)
        street = self.random.choice(region.streets)
        french = region is WALLONIA
        values = {
            "street": f"{number}, {street}" if french else f"{street} {number}",
            "zip": city.zip,
            "city": city.name,
            "country_id": self.ref(region.country, "base").id,
            "phone": f"{city.area} 555 01{self.random.randint(0, 99):02}",
        }
        if city.state:
            values["state_id"] = self.ref(f"state_{city.state}", "base").id
        if region.lang in self.installed:
            values["lang"] = region.lang
        return values

    def tags(self, names):
        tags = self.env["res.partner.category"]
        for name in names.split():
            tags |= self.ref(f"res_partner_category_{name}_demo")
        return tags

    # === What is known of them ===

    def draw_profile(self, region, gender, at_work):
        """What a customer told, in words that `profile_values` understands."""
        chance = self.random.random
        # More than a third of those who have things repaired at home are retired.
        retired = not at_work and chance() > 0.65
        ages = (60, 92, 64) if retired else (20, 59, 40)
        age = int(self.random.triangular(*ages))
        profile = {"age": age}
        profile["birth"] = self.random.choices(
            ("date", "year", "band", ""), (40, 25, 20, 15)
        )[0]
        if chance() < 0.75:
            profile["gender"] = gender if chance() < 0.97 else "other"
        if chance() < 0.55:
            profile["education"] = self.random.choices(
                (
                    "primary",
                    "lower_secondary",
                    "upper_secondary",
                    "vocational",
                    "bachelor",
                    "master",
                    "doctorate",
                ),
                (8, 14, 28, 16, 18, 14, 2),
            )[0]
        if chance() < 0.5:
            profile["power"] = self.random.choice(("low", "medium", "medium", "high"))
        if chance() < 0.6:
            profile["tier"] = self.random.choices(
                ("standard", "silver", "gold"), (55, 32, 13)
            )[0]
        criteria = (
            ("children", 0.7 if 27 <= age <= 50 else 0),
            ("garden", 0.3),
            ("alone", 0.4 if age >= 68 else 0.08),
            ("electric_car", 0.12),
        )
        profile["criteria"] = tuple(
            name for name, share in criteria if not at_work and chance() < share
        )
        if chance() < 0.6:
            channels = ("email", "email", "phone", "chat", "web")
            if age >= 60:
                channels = ("phone", "phone", "in_person", "email")
            profile["channel"] = self.random.choice(channels)
        if chance() < 0.6:
            profile["lang"] = region.lang if chance() < 0.9 else "en_US"
        return profile

    def profile_values(self, partner, profile, day, source):
        by_name = {
            "education_level_id": ("csp_education_level_{}", "education"),
            "tier_id": ("csp_customer_tier_{}", "tier"),
        }
        values = {
            "partner_id": partner.id,
            "source": source,
            "consent_date": day,
            "gender": profile.get("gender"),
            "purchasing_power": profile.get("power"),
            "criterion_ids": [
                Command.link(self.ref(f"csp_customer_criterion_{name}_demo").id)
                for name in profile.get("criteria", ())
            ],
            **self.birth_values(profile, day),
        }
        for field, (xmlid, name) in by_name.items():
            if profile.get(name):
                values[field] = self.ref(xmlid.format(profile[name])).id
        return values

    def birth_values(self, profile, day):
        age, known = profile.get("age"), profile.get("birth")
        if not known:
            return {}
        if known == "band":
            age -= relativedelta(self.today, day).years
            band = next(name for oldest, name in BANDS if age <= oldest)
            return {"age_band": band, "age_stated_on": day}
        birthday = self.today - relativedelta(
            years=age, days=self.random.randint(0, 360)
        )
        if known == "year":
            return {"birth_year": self.today.year - age}
        return {"birthdate": birthday}

    def draw_source(self, since):
        """A day since which somebody agreed, and where the statements come from."""
        first = self.today - timedelta(days=since)
        survey = date(self.today.year, 5, 12)
        if survey > self.today:
            survey = survey.replace(year=survey.year - 1)
        card = self.today - timedelta(days=self.random.randint(420, 800))
        call = self.today - timedelta(days=self.random.randint(3, min(since, 300)))
        sources = [(call, "Told us on the phone")]
        if card >= first:
            sources.append((card, f"Customer card {card.year}"))
        if survey >= first:
            sources.append((survey, f"Survey spring {survey.year}"))
        return self.random.choice(sources)

    def describe(self, made):
        """Create the profiles, as the manager who may write them."""
        Profile = self.env["csp.customer.profile"].with_user(
            self.ref("res_users_manager_demo")
        )
        known = [(draft, partner) for draft, partner in made if draft.profile]
        stamps = [self.draw_source(draft.since) for draft, _partner in known]
        # Some agreed almost as long ago as profiles are kept.
        keep = relativedelta(months=self.env.company.csp_profile_keep_months)
        oldest = [at for at, (draft, _) in enumerate(known) if draft.since > 1200]
        for days, at in zip((6, 12, 19, 26), oldest, strict=False):
            day = self.today - keep + timedelta(days=days)
            stamps[at] = (day, f"Customer card {day.year}")
        profiles = Profile.create(
            [
                self.profile_values(partner, draft.profile, *stamp)
                for (draft, partner), stamp in zip(known, stamps, strict=True)
            ]
        )
        self.describe_wishes(profiles, [draft.profile for draft, _partner in known])
        for day, same in profiles.grouped("consent_date").items():
            rows = same.statement_ids
            wishes = rows.filtered(lambda row: row.subject.startswith("preferred"))
            wishes.write({"stated_on": min(self.today, day + timedelta(days=100))})
            (rows - wishes).write({"stated_on": day})

    def describe_wishes(self, profiles, told):
        """How customers want to be reached, they said when somebody asked."""
        languages = self.env["res.lang"].with_context(active_test=False)
        codes = {one["lang"] for one in told if one.get("lang")}
        by_code = languages.search([("code", "in", list(codes))]).grouped("code")
        wishes = {}
        for profile, one in zip(profiles, told, strict=True):
            wish = (one.get("channel"), one.get("lang"))
            wishes[wish] = wishes.get(wish, profiles.browse()) + profile
        for (channel, lang), same in wishes.items():
            values = {"source": "Told us on the phone"}
            if channel:
                own = channel in ("in_person", "chat")
                module = MODULE if own else "helpdesk_mgmt"
                values["preferred_channel_id"] = self.ref(
                    f"helpdesk_ticket_channel_{channel}", module
                ).id
            if lang:
                values["preferred_lang_id"] = by_code[lang].id
            if len(values) > 1:
                same.write(values)

    # === What the database itself keeps ===

    def date_back(self, made):
        """They were not all created today."""
        now = fields.Datetime.now()
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                UPDATE res_partner
                   SET create_date = dated.since
                  FROM unnest(%s::int[], %s::timestamp[]) AS dated(id, since)
                 WHERE res_partner.id = dated.id
                """,
                [partner.id for _draft, partner in made],
                [now - timedelta(days=draft.since) for draft, _partner in made],
            )
        )
        self.env["res.partner"].invalidate_model(["create_date"])

    def name(self, made):
        """Give external ids to those of whom tickets speak."""
        self.env["ir.model.data"]._update_xmlids(
            [
                {
                    "xml_id": f"{MODULE}.res_partner_{draft.key}_demo",
                    "record": partner,
                    "noupdate": True,
                }
                for draft, partner in made
                if draft.key
            ]
        )
