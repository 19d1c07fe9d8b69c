from collections import defaultdict
from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..tools import birth

#: What a profile states, with the fields that hold it; the first ones make it known.
SUBJECTS = {
    "birth": ("birthdate", "birth_year", "age_band", "age_stated_on"),
    "gender": ("gender",),
    "education_level": ("education_level_id",),
    "purchasing_power": ("purchasing_power",),
    "tier": ("tier_id",),
    "criteria": ("criterion_ids",),
    "preferred_channel": ("preferred_channel_id",),
    "preferred_language": ("preferred_lang_id",),
}
#: Days before the end of keeping from which it is announced.
ANNOUNCED_DAYS = 30


class CspCustomerProfile(models.Model):
    """What is known of a customer as a person; read by few.

    Nothing is filled in by itself: what nobody stated is unknown. A statement is kept
    with its source and date. Profiles are deleted after their time of keeping, and with
    the contact. They have no chatter: nothing private is repeated elsewhere.
    """

    _name = "csp.customer.profile"
    _description = "Customer Profile"
    _rec_name = "partner_id"
    _order = "id desc"

    # The index of the constraint below serves searches by customer.
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        required=True,
        ondelete="cascade",
        copy=False,
    )

    # Who
    birthdate = fields.Date(string="Date of Birth")
    birth_year = fields.Integer(
        string="Year of Birth",
        aggregator=None,
        help="If the date of birth is not known.",
    )
    age_band = fields.Selection(
        selection=[
            ("0-17", "0–17"),
            ("18-24", "18–24"),
            ("25-34", "25–34"),
            ("35-44", "35–44"),
            ("45-54", "45–54"),
            ("55-64", "55–64"),
            ("65-74", "65–74"),
            ("75+", "75 or older"),
        ],
        help="If neither the date nor the year of birth is known.",
    )
    age_stated_on = fields.Date(
        string="Age as of",
        compute="_compute_age_stated_on",
        store=True,
        readonly=False,
        precompute=True,
        help="The day on which the customer had this age. The age band grows older "
        "from then on.",
    )
    born_from = fields.Date(
        string="Born on or after",
        compute="_compute_born",
        store=True,
        precompute=True,
        index="btree_not_null",
        help="The earliest day on which the customer can have been born. Empty: "
        "unknown.",
    )
    born_to = fields.Date(
        string="Born on or before",
        compute="_compute_born",
        store=True,
        precompute=True,
        index="btree_not_null",
        help="The latest day on which the customer can have been born. Empty: unknown.",
    )
    age_text = fields.Char(
        string="Age",
        compute="_compute_age_text",
        help="In full years, today, as exactly as it is known.",
    )
    gender = fields.Selection(
        selection=[("female", "Female"), ("male", "Male"), ("other", "Other")]
    )
    education_level_id = fields.Many2one(
        comodel_name="csp.education.level",
        string="Education",
        ondelete="restrict",
        index="btree_not_null",
        help="The highest education that the customer completed.",
    )

    # Means
    purchasing_power = fields.Selection(
        selection=[("low", "Low"), ("medium", "Medium"), ("high", "High")]
    )
    tier_id = fields.Many2one(
        comodel_name="csp.customer.tier",
        ondelete="restrict",
        index="btree_not_null",
        help="How much the customer means to the company.",
    )
    criterion_ids = fields.Many2many(
        comodel_name="csp.customer.criterion",
        relation="csp_customer_profile_criterion_rel",
        column1="profile_id",
        column2="criterion_id",
        string="Criteria",
        ondelete="restrict",
        help="Whatever else tells customers apart.",
    )

    # How to reach
    preferred_channel_id = fields.Many2one(
        comodel_name="helpdesk.ticket.channel",
        ondelete="restrict",
        index="btree_not_null",
    )
    preferred_lang_id = fields.Many2one(
        comodel_name="res.lang",
        string="Preferred Language",
        ondelete="restrict",
    )

    # Where this comes from
    source = fields.Char(
        help="Where that comes from which you enter now, such as a survey or the "
        "customer. It is noted with every statement you enter or change.",
    )
    consent_date = fields.Date(
        string="Consent",
        help="The day on which the customer agreed that this is kept.",
    )
    keep_until = fields.Date(
        string="Keep until",
        compute="_compute_keep_until",
        store=True,
        readonly=False,
        precompute=True,
        index="btree_not_null",
        help="The profile is deleted by itself after this day. Empty: it is kept until "
        "somebody deletes it.",
    )
    keeping_ends_soon = fields.Boolean(compute="_compute_keeping_ends_soon")
    statement_ids = fields.One2many(
        comodel_name="csp.customer.statement",
        inverse_name="profile_id",
        string="Sources",
    )

    _partner_unique = models.Constraint(
        "UNIQUE(partner_id)",
        "This customer has a profile already. To change it by an import, put the "
        "External ID of an export into the file.",
    )

    @api.depends("age_band")
    def _compute_age_stated_on(self):
        today = fields.Date.context_today(self)
        for profile in self:
            profile.age_stated_on = today if profile.age_band else False

    @api.depends(*SUBJECTS["birth"])
    def _compute_born(self):
        for profile in self:
            interval = birth.born(
                profile.birthdate,
                profile.birth_year,
                profile.age_band,
                profile.age_stated_on,
            )
            profile.born_from, profile.born_to = interval or (False, False)

    @api.depends("born_from", "born_to")
    @api.depends_context("lang", "tz")
    def _compute_age_text(self):
        today = fields.Date.context_today(self)
        for profile in self:
            if not (profile.born_from and profile.born_to):
                profile.age_text = self.env._("Unknown")
                continue
            least, greatest = birth.ages_on((profile.born_from, profile.born_to), today)
            if least == greatest:
                profile.age_text = str(least)
            elif greatest == least + 1:
                profile.age_text = self.env._(
                    "%(least)s or %(greatest)s", least=least, greatest=greatest
                )
            elif greatest >= birth.OLDEST:
                profile.age_text = self.env._("%(least)s or older", least=least)
            else:
                profile.age_text = self.env._(
                    "%(least)s to %(greatest)s", least=least, greatest=greatest
                )

    @api.depends("consent_date")
    def _compute_keep_until(self):
        today = fields.Date.context_today(self)
        for profile in self:
            # Taking a consent back does not make us keep the profile for longer.
            if profile._origin.id and not profile.consent_date:
                profile.keep_until = profile.keep_until
                continue
            company = profile.partner_id.company_id or self.env.company
            months = company.csp_profile_keep_months
            start = profile.consent_date or today
            profile.keep_until = (
                start + relativedelta(months=months) if months else False
            )

    @api.depends("keep_until")
    @api.depends_context("tz")
    def _compute_keeping_ends_soon(self):
        soon = fields.Date.context_today(self) + timedelta(days=ANNOUNCED_DAYS)
        for profile in self:
            profile.keeping_ends_soon = (
                bool(profile.keep_until) and profile.keep_until <= soon
            )

    @api.constrains(*SUBJECTS["birth"])
    def _check_birth(self):
        messages = {
            "too_early": self.env._(
                "Nobody born before %(year)s is a customer today.",
                year=birth.FIRST_YEAR,
            ),
            "future": self.env._("The birth of a customer cannot lie in the future."),
            "other_year": self.env._(
                "The date of birth is not in the year of birth. Correct one of them, "
                "or leave the year empty."
            ),
            "undated": self.env._("Say on which day the customer had this age."),
            "stated_early": self.env._(
                "The day on which the customer had this age is too long ago."
            ),
            "stated_later": self.env._(
                "The day on which the customer had this age cannot lie in the future."
            ),
        }
        today = fields.Date.context_today(self)
        for profile in self:
            fault = birth.fault(
                profile.birthdate,
                profile.birth_year,
                profile.age_band,
                profile.age_stated_on,
                today,
            )
            if fault:
                raise ValidationError(messages[fault])

    @api.constrains("consent_date")
    def _check_consent_date(self):
        today = fields.Date.context_today(self)
        if any(day > today for day in self.mapped("consent_date") if day):
            raise ValidationError(self.env._("A consent cannot lie in the future."))

    @api.model_create_multi
    def create(self, vals_list):
        profiles = super().create([self._without_blanks(vals) for vals in vals_list])
        profiles._note_statements({})
        profiles.partner_id._csp_segments_outdated(inheriting=True)
        return profiles

    def write(self, vals):
        vals = self._without_blanks(vals)
        if "partner_id" in vals and not self.env.su:
            if self.partner_id.ids not in ([], [vals["partner_id"]]):
                raise UserError(
                    self.env._(
                        "A profile stays with its customer. If two contacts are the "
                        "same customer, merge the contacts."
                    )
                )
        before = self._stated(vals)
        partners = self.partner_id
        # Who is said once more to be 25 to 34 years old has not become younger.
        same_band = self.browse()
        if "age_band" in vals and "age_stated_on" not in vals:
            same_band = self.filtered(
                lambda profile: profile.age_band == (vals["age_band"] or False)
            )
        with self.env.protecting([self._fields["age_stated_on"]], same_band):
            result = super().write(vals)
        if before:
            self._note_statements(before)
        if before or "partner_id" in vals:
            (partners | self.partner_id)._csp_segments_outdated(inheriting=True)
        return result

    def unlink(self):
        # The privacy lookup may ask once more for what went with the contact.
        partners = self.exists().partner_id
        result = super().unlink()
        partners._csp_segments_outdated(inheriting=True)
        return result

    @api.model
    def get_import_templates(self):
        return [
            {
                "label": self.env._("Import Template for Customer Profiles"),
                "template": "/customer_service_plan/static/import/"
                "csp_customer_profile.csv",
            }
        ]

    @api.autovacuum
    def _gc_past_keeping(self, limit=1000):
        """Delete the profiles whose time of keeping is over, some at a time.

        The contact's chatter tells that a profile was deleted, not what was in it.

        :return: how many were deleted, and whether there may be more
        """
        past = self.search(
            [("keep_until", "<", fields.Date.context_today(self))],
            order="keep_until, id",
            limit=limit,
        )
        partners = past.partner_id
        past.unlink()
        note = self.env._(
            "The customer's profile was deleted: its time of keeping is over."
        )
        partners._message_log_batch(bodies=dict.fromkeys(partners.ids, note))
        return len(past), len(past) == limit

    @api.model
    def _without_blanks(self, vals):
        """Leave out what is worked out, and empty cells that are filled in."""
        # What follows from the statements is not written beside them.
        blank = {"born_from", "born_to"}
        if vals.get("age_band") and not vals.get("age_stated_on"):
            blank.add("age_stated_on")
        if self.env.context.get("import_file") and not vals.get("keep_until"):
            blank.add("keep_until")
        return {name: value for name, value in vals.items() if name not in blank}

    # Statements

    def _stated(self, names):
        """What each of these profiles states with fields named in `names`.

        :return: {subject: {profile id: values}}, empty if no subject is concerned
        """
        return {
            subject: {profile.id: profile._statement(subject) for profile in self}
            for subject, fnames in SUBJECTS.items()
            if not names.keys().isdisjoint(fnames)
        }

    def _statement(self, subject):
        """The values of one subject, an empty tuple if it is unknown."""
        values = tuple(
            tuple(value.ids) if isinstance(value, models.BaseModel) else value
            for value in (self[name] for name in SUBJECTS[subject])
        )
        known = values[:-1] if subject == "birth" else values
        return values if any(known) else ()

    def _note_statements(self, before):
        """Keep the source and date of what is stated otherwise than `before`.

        :param before: what `_stated` gave; {} for profiles that are new
        """
        changed = [
            (profile, subject)
            for subject, old in (before or dict.fromkeys(SUBJECTS, {})).items()
            for profile in self
            if profile._statement(subject) != old.get(profile.id, ())
        ]
        if not changed:
            return
        # sudo: csp.customer.statement: rows follow the profile, which the user may
        # write; nobody makes or deletes them by hand.
        Statement = self.env["csp.customer.statement"].sudo()
        rows = {
            (row.profile_id.id, row.subject): row.id
            for row in self.sudo().statement_ids
        }
        gone, new, again = [], [], defaultdict(list)
        for profile, subject in changed:
            row_id = rows.get((profile.id, subject))
            stamp = (profile._stated_on(subject), profile.source)
            if not profile._statement(subject):
                gone += [row_id] if row_id else []
            elif row_id:
                again[stamp].append(row_id)
            else:
                new.append(
                    {
                        "profile_id": profile.id,
                        "subject": subject,
                        **self._stamp(*stamp),
                    }
                )
        Statement.browse(gone).unlink()
        for stamp, row_ids in again.items():
            Statement.browse(row_ids).write(self._stamp(*stamp))
        Statement.create(new)

    @api.model
    def _stamp(self, stated_on, source):
        """Values of a statement's row that is made or renewed by the user."""
        return {"stated_on": stated_on, "source": source, "user_id": self.env.uid}

    def _stated_on(self, subject):
        """The date of a statement made now: today, or when the age band was true."""
        if subject == "birth" and not (self.birthdate or self.birth_year):
            return self.age_stated_on or fields.Date.context_today(self)
        return fields.Date.context_today(self)

    def _statement_row(self, subject):
        return self.statement_ids.filtered(lambda row: row.subject == subject)

    def _absorb(self, others):
        """Take over what only other profiles know, and delete these.

        What this profile knows stays. What it does not know is believed from the one
        that stated it last, whose source and date come along; criteria are joined. The
        oldest consent and the earliest end of keeping hold for all of it: nothing is
        kept for longer than somebody agreed to.
        """
        self.ensure_one()
        values, stamps = {}, {}
        rows = others.statement_ids | self._statement_row("criteria")
        for row in rows.sorted(lambda row: (row.stated_on, row.id)):
            subject = row.subject
            if subject != "criteria" and self._statement(subject):
                continue
            values |= {name: row.profile_id[name] for name in SUBJECTS[subject]}
            stamps[subject] = {
                "source": row.source,
                "stated_on": row.stated_on,
                "user_id": row.user_id.id,
            }
        if "criteria" in stamps:
            values["criterion_ids"] = self.criterion_ids | others.criterion_ids
            if values["criterion_ids"] == self.criterion_ids:
                del stamps["criteria"], values["criterion_ids"]
        for name in ("consent_date", "keep_until"):
            days = [profile[name] for profile in self | others if profile[name]]
            values[name] = min(days, default=False)
        if not self.source:
            values["source"] = next(filter(None, others.mapped("source")), False)
        values = self._convert_to_write(values)
        others.unlink()
        self.write(values)
        for subject, stamp in stamps.items():
            self._statement_row(subject).write(stamp)
