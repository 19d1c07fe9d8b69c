from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, html2plaintext

from ..tools import scoring
from ..tools.anonymity import hide_people
from ..tools.epoch import to_epoch
from .protected import BY_ADDON

#: Messages that people wrote, or that went out in their name.
SPOKEN_TYPES = ("comment", "email", "email_outgoing", "auto_comment")
#: What else happened on the ticket and says something about how it was handled.
TOLD_EVENTS = ("handover", "closed", "reopened", "missed", "escalated", "merged")
#: The newest messages that are shown; nobody reviews longer tickets to the end.
MESSAGES_AT_MOST = 500
#: Earlier reviews of the same agent that are named.
EARLIER_AT_MOST = 5
#: Longer quotes are cut: the whole message is one click away.
QUOTE_LENGTH = 1000


class CspQualityReview(models.Model):
    """What the page of a review shows, and what it keeps.

    The page is fed by one call, `get_desk`, and keeps every change by itself through
    `save_mark` and `save_comment`. While a blind review is to be done, nothing of what
    it gets names whose work it is: not as author, not in the text of a message, not by
    an address.
    """

    _inherit = "csp.quality.review"

    # A field of its own, since lists are grouped and searched by it.
    shown_agent_id = fields.Many2one(
        comodel_name="res.users",
        string="Whose work",
        compute="_compute_shown_agent_id",
        store=True,
        index="btree_not_null",
        ondelete="restrict",
        help="Empty while a blind review is to be done.",
    )

    @api.depends("agent_id", "is_blind", "state")
    def _compute_shown_agent_id(self):
        for review in self:
            review.shown_agent_id = not review._hides_agent() and review.agent_id

    def _hides_agent(self):
        """Whether the page keeps to itself whose work it is."""
        self.ensure_one()
        # What a form says in the meantime uncovers nothing.
        kept = self._origin or self
        return kept.is_blind and kept.state == "to_do"

    def _read_format(self, fnames, load="_classic_read"):
        rows = super()._read_format(fnames, load)
        if "agent_id" in fnames and not self.env.su:
            blind = {review.id for review in self if review._hides_agent()}
            for row in rows:
                if row["id"] in blind:
                    row["agent_id"] = False
        return rows

    def _export_rows(self, fields, *, _is_toplevel_call=True):
        paths = [
            ["shown_agent_id", *path[1:]] if path[:1] == ["agent_id"] else path
            for path in fields
        ]
        return super()._export_rows(paths, _is_toplevel_call=_is_toplevel_call)

    def _field_to_sql(self, alias, field_expr, query=None):
        """Search, group and order by no more than what the user may know."""
        name, dot, rest = field_expr.partition(".")
        is_hidden = (
            name == "agent_id"
            and not self.env.su
            and self.env.context.get("csp_whole_review") is not BY_ADDON
        )
        if not is_hidden:
            return super()._field_to_sql(alias, field_expr, query)
        shown = super()._field_to_sql(alias, f"shown_agent_id{dot}{rest}", query)
        if not self._is_manager():
            return shown
        # A manager knows of what others review.
        return SQL(
            "(CASE WHEN %s = %s THEN %s ELSE %s END)",
            super()._field_to_sql(alias, "reviewer_id", query),
            self.env.uid,
            shown,
            super()._field_to_sql(alias, field_expr, query),
        )

    def _fetch_query(self, query, fields):
        # What is read into the memory is the same for all users.
        whole = self.with_context(csp_whole_review=BY_ADDON)
        fetched = super(CspQualityReview, whole)._fetch_query(query, fields)
        return fetched.with_env(self.env)

    # === Reading ===

    def get_desk(self):
        """All that the page of this review shows, in one answer.

        Moments are UTC epoch seconds. For whoever may read the review: the ticket is
        shown as far as it belongs to it, whatever else its reader may open.

        :return: dict, see `_prepare_desk`
        :raises AccessError: for those who may not read the review
        """
        self.ensure_one()
        self.check_access("read")
        # sudo: csp.quality.review: its reader sees what it is about, prepared for him
        return self.sudo()._prepare_desk(self.env.user)

    def _prepare_desk(self, reader):
        """The page for one reader: hook for parts of others.

        :return: dict with `review`, `ticket`, `messages`, `events`, `sections`,
            `causes`, `marks` (see `_prepare_marks`), `earlier` and `next`
        """
        self.ensure_one()
        return {
            "review": self._prepare_desk_review(reader),
            "ticket": self._prepare_desk_ticket(reader),
            **self._prepare_desk_conversation(),
            "sections": self._prepare_desk_sections(),
            "causes": self._prepare_desk_causes(),
            "marks": self._prepare_marks(),
            "earlier": self._prepare_desk_earlier(reader),
            "next": self._prepare_desk_next(reader),
        }

    def _prepare_desk_review(self, reader):
        states = dict(self._fields["state"]._description_selection(self.env))
        is_reviewer = self.reviewer_id == reader
        return {
            "id": self.id,
            "name": self.display_name,
            "state": self.state,
            "state_label": states[self.state],
            "is_blind": self.is_blind,
            "is_hidden": self._hides_agent(),
            "is_calibration": bool(self.calibration_id),
            "is_reviewer": is_reviewer,
            "is_agent": self.agent_id == reader,
            "may_mark": is_reviewer and self.state == "to_do",
            "agent": "" if self._hides_agent() else self.agent_id.name,
            "reviewer": self.reviewer_id.name,
            "scorecard": self.scorecard_id.display_name,
            "scorecard_text": self.scorecard_id.description or "",
            "due": fields.Date.to_string(self.due_date) or "",
            "is_late": self.is_late,
            "done_at": _epoch(self.done_at),
            "message": self.message_id.id,
            "is_of_message": self.is_of_message,
        }

    def _prepare_desk_ticket(self, reader):
        ticket = self.ticket_id
        may_open = not self._hides_agent() and (
            ticket.with_user(reader).has_access("read")
        )
        facts = [
            (self.env._("Customer"), ticket.partner_id.name or ticket.partner_name),
            (self.env._("Channel"), self.channel_id.name),
            (self.env._("Team"), self.team_id.name),
            (self.env._("Category"), ticket.category_id.name),
            (self.env._("Tags"), ", ".join(ticket.tag_ids.mapped("name"))),
            (self.env._("Policy"), self.policy_version_id.display_name),
        ]
        return {
            "id": may_open and ticket.id,
            "number": ticket.number,
            "name": ticket.name,
            "facts": [[label, value] for label, value in facts if value],
            "received": _epoch(ticket.csp_received_at or ticket.create_date),
            "closed": _epoch(ticket.csp_closed_at),
            "promises": [
                {
                    "label": promise["kind_label"],
                    "state": promise["state"],
                    "state_label": promise["state_label"],
                }
                for promise in self._desk_promises(ticket)
            ],
        }

    def _desk_promises(self, ticket):
        Commitment = self.env["csp.commitment"]
        rows = Commitment.search_fetch(
            [("ticket_id", "=", ticket.id), ("state", "!=", "cancelled")],
            ["kind", "state"],
            order="started_at, id",
        )
        kinds = dict(Commitment._fields["kind"]._description_selection(self.env))
        states = dict(Commitment._fields["state"]._description_selection(self.env))
        return [
            {
                "kind_label": kinds[row.kind],
                "state": row.state,
                "state_label": states[row.state],
            }
            for row in rows
        ]

    def _prepare_desk_conversation(self):
        ticket = self.ticket_id
        Message = self.env["mail.message"]
        domain = [
            ("model", "=", ticket._name),
            ("res_id", "in", self._tickets_spoken_on().ids),
            ("message_type", "in", SPOKEN_TYPES),
        ]
        messages = Message.search_fetch(
            domain,
            [
                "attachment_ids",
                "author_id",
                "body",
                "date",
                "email_from",
                "is_internal",
                "message_type",
                "subject",
                "subtype_id",
            ],
            order="date desc, id desc",
            limit=MESSAGES_AT_MOST,
        )
        left_out = (
            Message.search_count(domain) - len(messages)
            if len(messages) == MESSAGES_AT_MOST
            else 0
        )
        messages |= self.message_id
        people = self._desk_people(messages)
        hide = self._desk_hiding(people)
        rows = [
            self._prepare_desk_message(message, people, hide)
            for message in messages.sorted(lambda one: (one.date, one.id))
            if message.body or message.attachment_ids
        ]
        opening = self._prepare_desk_opening(rows, hide)
        return {
            "messages": [*opening, *rows],
            "messages_left_out": left_out,
            "events": self._prepare_desk_events(),
        }

    def _tickets_spoken_on(self):
        """The ticket, and the one that it was merged into: messages go along."""
        return self.ticket_id | self.ticket_id._csp_goes_on_in()

    def _desk_people(self, messages):
        """Who of the authors is staff: ``{partner: user}``, also those who left."""
        users = self.env["res.users"].with_context(active_test=False)
        partner_ids = [*messages.author_id.ids, self.agent_id.partner_id.id]
        staff = users.search_fetch(
            [("partner_id", "in", partner_ids), ("share", "=", False)],
            ["partner_id", "login"],
        )
        return {user.partner_id: user for user in staff}

    def _desk_hiding(self, people):
        """What to leave out of the texts while it is to be blind."""
        if not self._hides_agent():
            return None
        agent, colleague = self.env._("Agent"), self.env._("Colleague")
        customer = self.ticket_id.partner_id
        hidden = []
        for partner, user in people.items():
            if partner == customer:
                continue
            role = agent if user == self.agent_id else colleague
            hidden.append((partner.name or "", role))
            hidden += [
                (address, role) for address in {partner.email, user.login} - {False, ""}
            ]
        return hidden

    def _prepare_desk_message(self, message, people, hide):
        author = message.author_id
        user = people.get(author)
        robot_id = self.env["ir.model.data"]._xmlid_to_res_id("base.partner_root")
        if message.message_type == "auto_comment" or author.id == robot_id:
            role, name = "system", self.env._("Sent by itself")
        elif user and user == self.agent_id:
            role = "agent"
            name = self.env._("Agent") if hide is not None else author.name
        elif user and author != self.ticket_id.partner_id:
            role = "staff"
            name = self.env._("Colleague") if hide is not None else author.name
        else:
            role, name = "customer", author.name or message.email_from or ""
        body = str(message.body or "")
        subject = message.subject or ""
        if (self.ticket_id.name or "").casefold() in subject.casefold():
            subject = ""
        if hide is not None:
            keep = self.ticket_id.partner_id.name or ""
            body = hide_people(body, hide, keep)
            subject = hide_people(subject, hide, keep)
        return {
            "id": message.id,
            "at": _epoch(message.date),
            "author": name,
            "role": role,
            "is_note": message.is_internal or message.subtype_id.internal,
            "is_reviewed": message == self.message_id,
            "subject": subject,
            "body": body,
            "attachments": [
                {
                    "id": attachment.id,
                    "name": attachment.name,
                    "mimetype": attachment.mimetype or "",
                    # A ticket that its reader may not open stays closed to him.
                    "token": attachment._get_raw_access_token(),
                }
                for attachment in message.attachment_ids
            ],
        }

    def _prepare_desk_opening(self, rows, hide):
        """What the customer wrote in the form, where no message says the same."""
        ticket = self.ticket_id
        text = html2plaintext(ticket.description or "").strip()
        if not text or any(
            text == html2plaintext(row["body"]).strip()
            for row in rows[:2]
            if row["role"] == "customer"
        ):
            return []
        body = str(ticket.description)
        return [
            {
                "id": 0,
                "at": _epoch(ticket.csp_received_at or ticket.create_date),
                "author": ticket.partner_id.name or ticket.partner_name or "",
                "role": "customer",
                "is_note": False,
                "is_reviewed": False,
                "subject": "",
                "body": body
                if hide is None
                else hide_people(body, hide, ticket.partner_id.name or ""),
                "attachments": [],
            }
        ]

    def _prepare_desk_events(self):
        Event = self.env["csp.ticket.event"]
        kinds = dict(Event._fields["kind"]._description_selection(self.env))
        events = Event.search_fetch(
            [("ticket_id", "=", self.ticket_id.id), ("kind", "in", TOLD_EVENTS)],
            ["kind", "at", "data"],
            order="at, id",
            limit=MESSAGES_AT_MOST,
        )
        names_people = ("handover", "escalated")
        return [
            {
                "id": event.id,
                "at": _epoch(event.at),
                "kind": event.kind,
                "label": kinds[event.kind],
                "text": ""
                if self._hides_agent() and event.kind in names_people
                else event.summary or "",
            }
            for event in events
        ]

    def _prepare_desk_sections(self):
        """Criteria as the scorecard orders them, each with its steps."""
        lines = {line.criterion_id: line for line in self.line_ids}
        names = self.env["csp.scorecard.criterion"]._step_names()
        total = sum(criterion.weight for criterion in lines)
        sections = []
        for criterion in self.scorecard_id._criteria_in_order():
            line = lines.get(criterion)
            if not line:
                continue
            section = criterion.section_id
            if not sections or sections[-1]["id"] != (section.id or 0):
                sections.append(
                    {"id": section.id or 0, "name": section.name or "", "criteria": []}
                )
            count = criterion._step_count()
            sections[-1]["criteria"].append(
                {
                    "line": line.id,
                    "name": criterion.name,
                    "description": criterion.description or "",
                    "share": round(100 * criterion.weight / total) if total else 0,
                    "allow_na": criterion.allow_na,
                    "critical": criterion.critical or "",
                    "standard": criterion.standard_id.name or "",
                    "standard_text": criterion.standard_id.description or "",
                    "causes": criterion.cause_ids.ids,
                    "steps": [
                        {
                            "value": value,
                            "name": names[criterion.scale][value - 1],
                            "text": criterion[f"step_{value}"] or "",
                            "is_bad": scoring.points(value, count) < scoring.BAD_BELOW,
                        }
                        for value in range(1, count + 1)
                    ],
                }
            )
        return sections

    def _prepare_desk_causes(self):
        causes = self.env["csp.quality.cause"].search([("active", "=", True)])
        causes |= self.line_ids.cause_ids | self.line_ids.criterion_id.cause_ids
        return [
            {
                "id": cause.id,
                "name": cause.name,
                "description": cause.description or "",
                "active": cause.active,
            }
            for cause in causes.sorted(lambda one: (one.sequence, one.id))
        ]

    def _prepare_marks(self):
        """What is marked, and what it is worth: the part that changes while one works.

        :return: dict with `state`, `lines` (by line), `comment`, `score` (None where
            nothing applies), `failed`, `sections` and `missing`
        """
        self.ensure_one()
        self.line_ids.fetch(["step", "not_applicable", "comment", "quote"])
        return {
            "state": self.state,
            "lines": {
                line.id: {
                    "step": line.step,
                    "not_applicable": line.not_applicable,
                    "comment": line.comment or "",
                    "cause_ids": line.cause_ids.ids,
                    "quote": line.quote or "",
                    "quote_message_id": line.quote_message_id.id,
                    "is_bad": line.is_bad,
                }
                for line in self.line_ids
            },
            "comment": self.comment or "",
            "score": self.score if self.is_scored else None,
            "failed": self.is_failed,
            "sections": self.section_scores or {},
            "missing": self.missing_count,
        }

    def _prepare_desk_earlier(self, reader):
        """Scores of the same agent that the reader may see, the newest first."""
        if self._hides_agent() or self.calibration_id or self.agent_id == reader:
            return []
        earlier = self.with_user(reader).search_fetch(
            [
                ("agent_id", "=", self.agent_id.id),
                ("state", "!=", "to_do"),
                ("calibration_id", "=", False),
                ("is_scored", "=", True),
                ("id", "!=", self.id),
            ],
            ["score", "is_failed", "done_at"],
            order="done_at desc, id desc",
            limit=EARLIER_AT_MOST,
        )
        return [
            {
                "id": review.id,
                "score": review.score,
                "failed": review.is_failed,
                "done_at": _epoch(review.done_at),
            }
            for review in earlier
        ]

    def _prepare_desk_next(self, reader):
        """What the reviewer has to do after this one."""
        if self.reviewer_id != reader:
            return {"id": False, "count": 0}
        to_do = self.with_user(reader).search(
            [
                ("reviewer_id", "=", reader.id),
                ("state", "=", "to_do"),
                ("id", "!=", self.id),
            ],
            order="due_date, id",
        )
        return {"id": to_do[:1].id, "count": len(to_do)}

    def get_marks(self):
        """What is marked by now, for a page that was open for a while.

        :raises AccessError: for those who may not read the review
        """
        self.ensure_one()
        self.check_access("read")
        # sudo: csp.quality.review: his own page, checked above
        return self.sudo()._prepare_marks()

    # === Keeping ===

    def save_mark(self, line_id, values, known=None):
        """Keep what the reviewer marked or wrote for one criterion.

        :param values: any of `step`, `not_applicable`, `comment`, `quote`,
            `quote_message_id` and `cause_ids` (ids)
        :param known: the comment that the page last knew; where another one was
            written since, nothing is kept and the answer has it as `conflict`
        :return: see `_prepare_marks`
        :raises AccessError: for everybody but the reviewer
        :raises UserError: once the review is done, or for a mark that does not exist
        """
        self.ensure_one()
        self.check_access("read")
        line = self.env["csp.quality.review.line"].browse(line_id)
        if line not in self.line_ids:
            raise UserError(self.env._("This criterion is not one of the review."))
        values = dict(values)
        if self._is_overtaken(line, values, known):
            return {**self.get_marks(), "conflict": line.comment or ""}
        if "cause_ids" in values:
            values["cause_ids"] = [fields.Command.set(values["cause_ids"])]
        if values.get("quote"):
            values["quote"] = values["quote"][:QUOTE_LENGTH]
        line.write(values)
        if not line.is_bad and line.cause_ids:
            line.cause_ids = False
        return self.get_marks()

    def save_comment(self, text, known=None):
        """Keep what the reviewer says on the whole.

        :param known: see `save_mark`
        :return: see `_prepare_marks`
        """
        self.ensure_one()
        self.check_access("read")
        if self._is_overtaken(self, {"comment": text}, known):
            return {**self.get_marks(), "conflict": self.comment or ""}
        self.write({"comment": text})
        return self.get_marks()

    def _is_overtaken(self, record, values, known):
        """Whether another page has written another comment since this one read it."""
        if known is None or "comment" not in values:
            return False
        self._begin_marking()
        record.invalidate_recordset(["comment"])
        return (record.comment or "") not in (known, values["comment"])


def _epoch(moment):
    """UTC epoch seconds of a naive UTC moment; 0 for none."""
    return int(to_epoch(moment)) if moment else 0
