import pytz
from lxml import etree, html

from odoo import api, fields, models
from odoo.tools import format_date, html_sanitize
from odoo.tools.i18n import format_list

from .csp_policy_line import TARGET_FIELDS, format_minutes

#: The part of the document that tells when it began, and who answers for it.
FACTS = "o_csp_text_facts"


class CspPolicyVersion(models.Model):
    """A version as a page that one reads, prints and signs.

    What binds the company is kept as it was read: a channel, a standard of behaviour or
    a person that gets another name later changes nothing in it.
    """

    _inherit = "csp.policy.version"

    # Cleaned when it is kept. With cleaning by the field its translations would be tied
    # to each other sentence by sentence, while each language is a text of its own.
    document = fields.Html(
        translate=True,
        sanitize=False,
        readonly=True,
        copy=False,
        prefetch=False,
        help="The text of this version as it was when tickets were first promised "
        "under it, in every language of the system.",
    )

    # === Shown to people ===

    def action_read_document(self):
        """Open the version as a page that one can read and print."""
        self.ensure_one()
        action = self.env.ref(
            "customer_service_plan.csp_policy_version_report"
        ).report_action(self, config=False)
        # The page itself: it needs no program that makes PDF.
        return {
            **action,
            "report_type": "qweb-html",
            "display_name": self.display_name,
        }

    def _document_shown(self):
        """The document as it is to be read: as it was published, else as it is now."""
        self.ensure_one()
        if self._was_binding() and self.document:
            return self.document
        return self._render_document()

    def _document_notice(self):
        """What must be known before reading: whether anybody is bound by it yet, or
        still; the empty text while it is in force."""
        self.ensure_one()
        if self.state in ("draft", "in_review", "approved"):
            labels = dict(self._fields["state"]._description_selection(self.env))
            return self.env._(
                "%(state)s – binds nobody yet. Read on %(date)s.",
                state=labels[self.state],
                date=self._document_day(self._company_today()),
            )
        if self.state == "pilot":
            return self.env._("On trial – holds only for those who take part in it.")
        if self.state == "retired":
            return self.env._(
                "Out of force since %s.", self._document_date(self.retired_at)
            )
        if self.in_force_from and self.in_force_from > fields.Datetime.now():
            return self.env._(
                "Comes into force on %s.", self._document_date(self.in_force_from)
            )
        return ""

    # === Kept ===

    def _bind(self, values):
        result = super()._bind(values)
        self._keep_document()
        return result

    def _keep_document(self):
        """Keep the document in every language.

        A version that was tried keeps the words that were tried: only the facts of its
        life are those of today.
        """
        self.ensure_one()
        kept = self._fields["document"]._get_stored_translations(self) or {}
        languages = [code for code, _name in self.env["res.lang"].get_installed()]
        # The source language first: where it is empty, the next one would fill it.
        for code in ["en_US", *(code for code in languages if code != "en_US")]:
            version = self._by_addon().with_context(lang=code)
            if code in kept:
                version.document = version._with_facts_of_today(kept[code])
            elif not kept:
                version.document = html_sanitize(version._render_document())

    def _with_facts_of_today(self, document):
        root = html.fragment_fromstring(document, create_parent="div")
        old = root.find_class(FACTS)
        new = html.fragment_fromstring(self._render_document(), create_parent="div")
        if old:
            fresh = new.find_class(FACTS)[0]
            fresh.tail = old[0].tail
            old[0].getparent().replace(old[0], fresh)
        inner = "".join(
            etree.tostring(child, method="html", encoding="unicode") for child in root
        )
        return html_sanitize(inner)

    # === Written ===

    def _render_document(self):
        """The document in the language of the reader, as the version is now: HTML."""
        self.ensure_one()
        self.check_access("read")
        # sudo: csp.policy.version: who may read it reads all that it says, and the
        # names of the people, hours and lists that it names
        version = self.sudo().with_context(active_test=False)
        return version.env["ir.qweb"]._render(
            "customer_service_plan.policy_version_text",
            {"version": version, **version._document_values()},
        )

    def _document_values(self):
        """What the document says, in words, for its template."""
        self.ensure_one()
        return {
            "company_name": self.company_id.name
            or ", ".join(self._companies().mapped("name")),
            "facts": self._document_facts(),
            "objectives": self.policy_id.objective_ids.filtered("active"),
            "promises": self._document_promises(),
            "hours": self._document_hours(),
            "procedures": self.procedure_ids.sorted(_in_order),
            "coverages": self.coverage_ids.sorted(_in_order),
            "scorecard": self.scorecard_id and self._document_scorecard(),
            "steps": self._document_escalation().step_ids.filtered("active"),
            "escalation": self._document_escalation(),
            "silence": self._document_silence(),
            "changes": self._document_changes(),
            "readers": self._document_readers(),
        }

    def _document_facts(self):
        """Pairs of a label and what there is to say of its life."""
        facts = []
        if self.in_force_from:
            begins = self._document_date(self.in_force_from)
        elif self.effective_date:
            begins = self._document_day(self.effective_date)
        elif self.piloted_at:
            begins = self.env._(
                "On trial since %s", self._document_date(self.piloted_at)
            )
        else:
            begins = self.env._("When it is published")
        facts.append((self.env._("In force from"), begins))
        if self.policy_id.owner_id:
            facts.append((self.env._("Owner"), self.policy_id.owner_id.name))
        if self.approved_by_id:
            facts.append(
                (
                    self.env._("Approved by"),
                    self.env._(
                        "%(person)s on %(date)s",
                        person=self.approved_by_id.name,
                        date=self._document_date(self.approved_at),
                    )
                    if self.approved_at
                    else self.approved_by_id.name,
                )
            )
        return facts

    def _document_promises(self):
        """The promises in their order, each time in words or empty."""
        lines = self.line_ids.sorted(_in_order)
        return [
            {
                "who": line.condition_text,
                "times": [
                    line[name] and format_minutes(self.env, line[name])
                    for name in TARGET_FIELDS.values()
                ],
                "goal": line.has_promise
                and self.env._("%s %%", f"{line.goal_percent:g}"),
                "hours": line.has_promise
                and (line.hours_id.name or self.env._("Hours of the channel")),
            }
            for line in lines
        ]

    def _document_hours(self):
        """The opening hours that the promises run on: name, week in words, whose."""
        company = self.company_id or self.env.company
        promising = self.line_ids.filtered("has_promise")
        loose = promising.filtered(lambda line: not line.hours_id)
        channels = self.env["helpdesk.ticket.channel"]
        if loose:
            channels = channels.with_context(active_test=True).search(
                [("company_id", "in", [company.id, False])]
            )
            named = loose.channel_ids
            if all(line.channel_ids for line in loose):
                channels = named
        rows = []
        for hours in (
            promising.hours_id
            | channels.csp_hours_id
            | (loose and company.csp_hours_id or company.csp_hours_id.browse())
        ):
            mine = channels.filtered(
                lambda channel, hours=hours: (
                    (channel.csp_hours_id or company.csp_hours_id) == hours
                )
            )
            rows.append(
                {
                    "name": hours.name,
                    "week": hours.summary,
                    "tz": "" if hours.always_open else hours.tz,
                    "channels": format_list(self.env, mine.mapped("name"))
                    if mine
                    else "",
                }
            )
        return rows

    def _document_scorecard(self):
        """By what the quality of these tickets is reviewed: its name, and pairs of a
        section and what is looked at there."""
        scorecard = self.scorecard_id._current() or self.scorecard_id
        return {
            "name": scorecard.name,
            "parts": [
                (section.name or "", criteria.mapped("name"))
                for section, criteria in scorecard._in_sections()
            ],
        }

    def _document_escalation(self):
        """The escalation list that these promises follow."""
        company = self.company_id or self.env.company
        return self.escalation_list_id or company.csp_escalation_list_id

    def _document_silence(self):
        """Sentences on customers who do not answer our questions."""
        texts = []
        remind, close = self.remind_after_minutes, self.close_after_minutes
        if remind:
            texts.append(
                self.env._(
                    "A customer who has not answered our question for %s of opening "
                    "time is reminded.",
                    format_minutes(self.env, remind),
                )
            )
        if close:
            values = {"time": format_minutes(self.env, close)}
            texts.append(
                self.env._(
                    "If there is no answer for another %(time)s, the ticket is closed.",
                    **values,
                )
                if remind
                else self.env._(
                    "If there is no answer for %(time)s of opening time, the ticket is "
                    "closed.",
                    **values,
                )
            )
            texts.append(self.env._("An answer opens it again at any time."))
        return " ".join(texts)

    def _document_changes(self):
        """What is different from the version before, as its author puts it."""
        return self.change_summary or ""

    def _document_readers(self):
        """Who has to read it, in words: a list of lines."""
        policy = self.policy_id
        lines = []
        if policy.audience_team_ids:
            names = format_list(self.env, policy.audience_team_ids.mapped("name"))
            lines.append(self.env._("Everybody in the teams %s", names))
        if policy.audience_group_ids:
            names = format_list(self.env, policy.audience_group_ids.mapped("full_name"))
            lines.append(self.env._("Everybody with the access right %s", names))
        people = policy.audience_user_ids.filtered("active")
        if people:
            lines.append(format_list(self.env, people.mapped("name")))
        return lines

    def _document_date(self, moment):
        """The day of a moment (naive UTC) where the company is, for people."""
        company = self.company_id or self.env.company
        zone = pytz.timezone(company._csp_tz())
        return self._document_day(pytz.utc.localize(moment).astimezone(zone).date())

    @api.model
    def _document_day(self, day):
        return format_date(self.env, day, date_format="long")


def _in_order(record):
    return (record.sequence, record.id)
