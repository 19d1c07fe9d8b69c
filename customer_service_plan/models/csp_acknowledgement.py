import hashlib
import secrets
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.http import request
from odoo.tools import consteq

from ..tools import reading
from .protected import BY_ADDON

#: Somebody has still to sign.
OPEN = ("to_read", "opened", "read")
#: The to-do of whoever is asked.
TODO = "customer_service_plan.mail_activity_type_read"


class CspAcknowledgement(models.Model):
    """Who was asked to read which version of a policy, and has signed it when.

    One row per person and version. It is written by the addon only: nobody can sign for
    another, sign what he did not open to its end, or change a date. A row stays for
    good; who need not sign any more is released. Moments are naive UTC.
    """

    _name = "csp.acknowledgement"
    _inherit = ["csp.protected", "mail.thread", "mail.activity.mixin"]
    _description = "Read and Signed"
    _order = "is_open desc, due_date, id desc"
    _rec_name = "user_id"
    _rec_names_search = ["version_id.policy_id.name", "user_id.name"]

    version_id = fields.Many2one(
        comodel_name="csp.policy.version",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    policy_id = fields.Many2one(
        related="version_id.policy_id", store=True, index=True, related_sudo=True
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Who",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    team_id = fields.Many2one(
        comodel_name="helpdesk.ticket.team",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="The team by which this person is asked, else one of his teams.",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    state = fields.Selection(
        selection=[
            ("to_read", "To read"),
            ("opened", "Opened"),
            ("read", "Read to the end"),
            ("signed", "Signed"),
            ("released", "Released"),
        ],
        required=True,
        readonly=True,
    )
    is_open = fields.Boolean(
        string="Still to sign", compute="_compute_is_open", store=True
    )
    due_date = fields.Date(string="Sign by", required=True, readonly=True)
    is_late = fields.Boolean(
        string="Overdue", compute="_compute_is_late", search="_search_is_late"
    )
    is_newcomer = fields.Boolean(
        string="Newcomer",
        readonly=True,
        help="Joined after the version was published, and has the time of newcomers.",
    )
    asked_at = fields.Datetime(string="Asked on", required=True, readonly=True)
    opened_at = fields.Datetime(string="Opened on", readonly=True)
    read_at = fields.Datetime(string="Read to the end on", readonly=True)
    signed_at = fields.Datetime(string="Signed on", readonly=True)
    signed_percent = fields.Float(
        string="Signed (%)",
        compute="_compute_is_open",
        store=True,
        aggregator="avg",
        help="Of those who are to sign: the share that has.",
    )

    # What was signed
    signed_name = fields.Char(
        string="Name", readonly=True, help="As it was when this person signed."
    )
    lang = fields.Char(
        string="Language code", readonly=True, help="In which the text was read."
    )
    lang_name = fields.Char(string="Language", compute="_compute_lang_name")
    content_hash = fields.Char(
        string="Fingerprint of the version",
        readonly=True,
        help="SHA-256 of everything that the version says, in all languages, when this "
        "person signed.",
    )
    text_hash = fields.Char(
        string="Fingerprint of the text",
        readonly=True,
        help="SHA-256 of the very text that this person read, in its language.",
    )
    integrity = fields.Selection(
        selection=[
            ("intact", "Unchanged since it was signed"),
            ("changed", "Not what was signed"),
        ],
        string="Text",
        compute="_compute_integrity",
    )
    proof_text = fields.Char(string="Proof", compute="_compute_proof_text")

    # Who need not sign any more
    release_reason = fields.Selection(
        selection=[
            ("left", "No longer among those who are asked"),
            ("replaced", "Replaced by a newer version"),
            ("retired", "The version is out of force"),
            ("manager", "Released by a manager"),
        ],
        string="Why released",
        readonly=True,
    )
    released_at = fields.Datetime(string="Released on", readonly=True)
    released_by_id = fields.Many2one(
        comodel_name="res.users",
        string="Released by",
        readonly=True,
        ondelete="restrict",
    )
    release_note = fields.Text(string="Reason given", readonly=True)

    is_mine = fields.Boolean(compute="_compute_is_mine")
    may_release = fields.Boolean(compute="_compute_may_release")

    # One look at the text: what has to come back with "I am at the end".
    look_key = fields.Char(readonly=True, groups=fields.NO_ACCESS)
    look_at = fields.Datetime(readonly=True, groups=fields.NO_ACCESS)

    _one_per_person = models.UniqueIndex(
        "(version_id, user_id)", "This person is already asked to sign this version."
    )
    _open_due = models.Index("(due_date) WHERE is_open")

    @api.depends("version_id", "user_id")
    @api.depends_context("uid", "lang")
    def _compute_display_name(self):
        # sudo: csp.policy.version: the name of what somebody is asked to read, who
        # may be no agent
        for row in self:
            name = row.version_id.sudo().display_name or ""
            if row.user_id != self.env.user:
                name = self.env._(
                    "%(version)s: %(user)s",
                    version=name,
                    user=row.user_id.sudo().name or "",
                )
            row.display_name = name

    @api.depends("state")
    def _compute_is_open(self):
        for row in self:
            row.is_open = row.state in OPEN
            row.signed_percent = 100 if row.state == "signed" else 0

    @api.depends("state", "due_date")
    def _compute_is_late(self):
        today = fields.Date.context_today(self)
        for row in self:
            row.is_late = row.state in OPEN and row.due_date < today

    def _search_is_late(self, operator, value):
        if operator != "in":
            return NotImplemented
        today = fields.Date.context_today(self)
        return [("is_open", "=", True), ("due_date", "<", today)]

    @api.depends("lang")
    def _compute_lang_name(self):
        names = dict(self.env["res.lang"].get_installed())
        for row in self:
            row.lang_name = names.get(row.lang) or row.lang

    @api.depends("state", "content_hash", "text_hash", "lang")
    def _compute_integrity(self):
        for version, rows in self.grouped("version_id").items():
            # sudo: csp.policy.version: whoever may read the row may know whether the
            # text is still the one that was signed
            unchanged = version.sudo()._content_hash() if version else False
            for row in rows:
                row.integrity = row.state == "signed" and (
                    "intact"
                    if row.content_hash == unchanged
                    and row.text_hash == row._text_in(row.lang)[1]
                    else "changed"
                )

    @api.depends("state", "signed_at", "content_hash", "lang")
    @api.depends_context("lang")
    def _compute_proof_text(self):
        for row in self:
            row.proof_text = row.state == "signed" and self.env._(
                "%(user)s has read and signed %(version)s on %(moment)s UTC, in "
                "%(language)s; SHA-256 %(hash)s",
                user=row.signed_name,
                version=row.version_id.sudo().display_name,
                moment=fields.Datetime.to_string(row.signed_at),
                language=row.lang_name,
                hash=row.content_hash,
            )

    @api.depends("user_id")
    @api.depends_context("uid")
    def _compute_is_mine(self):
        for row in self:
            row.is_mine = row.user_id == self.env.user

    @api.depends("state")
    @api.depends_context("uid")
    def _compute_may_release(self):
        is_manager = self.env.user.has_group("customer_service_plan.group_manager")
        for row in self:
            row.may_release = is_manager and row.state in OPEN

    # === Reading and signing: by the person himself ===

    def action_open(self):
        """Give the text as published to the person who is asked to read it.

        Notes when he opened it first. While it is still to be read to the end, `token`
        has to come back with `action_read_to_end`, not before `wait` seconds.

        :return: dict of plain values for the page
        :raises AccessError: for everybody else, whatever his rights
        """
        self._check_mine()
        row = self._as_addon()
        now = fields.Datetime.now()
        html, fingerprint, lang = self._text_in(self.env.lang)
        data = {
            "id": self.id,
            "html": html,
            "token": False,
            "wait": 0,
            "intact": self.integrity != "changed",
        }
        if row.state in ("to_read", "opened"):
            token = secrets.token_urlsafe(24)
            row.write(
                {
                    "state": "opened",
                    "opened_at": row.opened_at or now,
                    "lang": lang,
                    "text_hash": fingerprint,
                    "look_key": _digest(token),
                    "look_at": now,
                }
            )
            data["token"] = token
            data["wait"] = reading.get_shortest_reading(reading.count_words(html))
        elif row.lang:
            # What he reads again is what he has read.
            html, _fingerprint, lang = self._text_in(row.lang)
            data["html"] = html
        return {**data, **self._page_data(lang)}

    def action_read_to_end(self, token):
        """Note that the end of the text has come into the person's view.

        :param str token: what `action_open` gave; it is good once
        :raises UserError: too soon after opening, or with another token
        """
        self._check_mine()
        row = self._as_addon()
        if row.state in ("to_read", "opened"):
            now = fields.Datetime.now()
            known = isinstance(token, str) and row.look_key
            if not known or not consteq(_digest(token), row.look_key):
                raise UserError(
                    self.env._(
                        "This page is out of date: you have opened the text again "
                        "since. Load it anew."
                    )
                )
            words = reading.count_words(self._text_in(row.lang)[0])
            shortest = timedelta(seconds=reading.get_shortest_reading(words))
            if now - row.look_at < shortest:
                raise UserError(
                    self.env._("So fast nobody can read it. Take your time.")
                )
            row.write({"state": "read", "read_at": now, "look_key": False})
        return self._page_data(row.lang)

    def action_acknowledge(self):
        """Sign the version: the person has read it and will follow it.

        Only by the person himself, after reading to the end, and only the version that
        is asked for. Signing twice changes nothing.

        :raises AccessError: for everybody else, whatever his rights
        :raises UserError: when it is not read to the end, or no longer asked for
        """
        self._check_mine()
        row = self._as_addon()
        if row.state == "signed":
            return self._page_data(row.lang)
        version = row.version_id
        if row.state == "released" or version != row.policy_id._version_to_sign():
            raise UserError(
                self.env._(
                    "You are no longer asked to sign %(version)s. See what you have "
                    "to read now.",
                    version=version.display_name,
                )
            )
        if row.state != "read":
            raise UserError(self.env._("Read it to the end first."))
        fingerprint = version._content_hash()
        kept = version.content_hash
        text = row._text_in(row.lang)[1]
        if (kept and kept != fingerprint) or row.text_hash != text:
            raise UserError(
                self.env._(
                    "The text of %(version)s is not the one that was published. Please "
                    "tell the owner of the policy; nothing was signed.",
                    version=version.display_name,
                )
            )
        row.write(
            {
                "state": "signed",
                "signed_at": fields.Datetime.now(),
                "signed_name": self.env.user.name,
                "content_hash": fingerprint,
            }
        )
        row.activity_unlink([TODO])
        return self._page_data(row.lang)

    def _check_mine(self):
        """Refuse everybody but the person who is asked.

        :raises AccessError: also for managers and administrators, and for code that
            acts in another's name while somebody else is logged in
        """
        self.ensure_one()
        self.check_access("read")
        logged_in = request and request.env and request.env.uid or self.env.uid
        if self.user_id != self.env.user or logged_in != self.env.uid:
            raise AccessError(
                self.env._(
                    "Everybody reads and signs for himself: this is for %(user)s to "
                    "sign.",
                    user=self.user_id.sudo().name,
                )
            )

    def _as_addon(self):
        # sudo: csp.acknowledgement: facts are written by the addon only; the caller
        # has asked who may have them written
        return self.sudo().with_context(csp_by_addon=BY_ADDON)

    def _text_in(self, lang):
        """The text of the version as it was published.

        :return: HTML, its fingerprint, and the language it is in, which is another one
            where the policy was not translated
        """
        self.ensure_one()
        # sudo: csp.policy.version: somebody reads what he is asked to read
        version = self.version_id.sudo()
        known = version._fields["document"]._get_stored_translations(version) or {}
        shown = lang if lang in known else "en_US"
        html = str(version.with_context(lang=shown).document or "")
        return html, _digest(html), shown

    def _page_data(self, lang):
        """What the page of the reader shows beside the text."""
        row = self.sudo()
        following = self.search(
            [
                ("user_id", "=", self.env.uid),
                ("is_open", "=", True),
                ("id", "!=", self.id),
            ],
            limit=1,
        )
        names = dict(self.env["res.lang"].get_installed())
        return {
            "state": row.state,
            "policy": row.policy_id.name,
            "due": fields.Date.to_string(row.due_date),
            "late": row.is_late,
            "signed_at": fields.Datetime.to_string(row.signed_at) or False,
            "hash": row.content_hash or False,
            "release_reason": row.release_reason or False,
            "lang": names.get(lang) or lang,
            "other_lang": lang != self.env.lang,
            "next": following
            and {"id": following.id, "name": following.display_name}
            or False,
        }

    # === Asking and releasing ===

    def _ask_again(self, due, team_of):
        """Ask people who were released and are to sign again, from the beginning."""
        if not self:
            return
        now = fields.Datetime.now()
        self.write(
            {
                "state": "to_read",
                "asked_at": now,
                "due_date": due,
                "is_newcomer": True,
                "opened_at": False,
                "read_at": False,
                "lang": False,
                "text_hash": False,
                "look_key": False,
                "look_at": False,
                "release_reason": False,
                "released_at": False,
                "released_by_id": False,
                "release_note": False,
                **self._not_told_yet(),
            }
        )
        self._follow_team(team_of)
        self._give_todos()

    def _follow_team(self, team_of):
        """Keep the team and company of these people as they are today."""
        wanted = {}
        for row in self:
            user = row.user_id
            if user not in team_of:
                continue
            company = row.version_id.company_id or user.company_id
            values = (team_of[user].id, company.id)
            if (row.team_id.id, row.company_id.id) != values:
                wanted[values] = wanted.get(values, self.browse()) | row
        for (team, company), rows in wanted.items():
            rows.write({"team_id": team, "company_id": company})

    def _release(self, why, note=False):
        """These people need not sign any more; the rows stay.

        :param str why: a value of `release_reason`
        """
        if not self:
            return
        self.write(
            {
                "state": "released",
                "release_reason": why,
                "released_at": fields.Datetime.now(),
                "released_by_id": self.env.uid if why == "manager" else False,
                "release_note": note,
            }
        )
        self.activity_unlink([TODO])

    def action_release(self, reason):
        """Release people from signing; their rows stay, with the reason.

        :param str reason: for whoever asks later
        :raises AccessError: for everybody but managers of the plan
        :raises UserError: without a reason, or for what is signed already
        """
        self.check_access("read")
        if not self.env.user.has_group("customer_service_plan.group_manager"):
            raise AccessError(
                self.env._("Only managers of the service plan release somebody.")
            )
        reason = (reason or "").strip()
        if not reason:
            raise UserError(self.env._("Say why, so that it can be read later."))
        if self.filtered(lambda row: row.state not in OPEN):
            raise UserError(
                self.env._("Who has signed or is released already stays as he is.")
            )
        self._as_addon()._release("manager", reason)
        return True

    def action_verify(self):
        """Tell whether what these people signed is still what the versions say."""
        self.check_access("read")
        signed = self.filtered(lambda row: row.state == "signed")
        changed = signed.filtered(lambda row: row.integrity != "intact")
        if changed:
            text = self.env._(
                "Not what was signed: %s", ", ".join(changed.mapped("display_name"))
            )
        else:
            text = self.env._(
                "Signatures compared: %s. Each text is still the one that was signed.",
                len(signed),
            )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "message": text,
                "type": "danger" if changed else "success",
                "sticky": bool(changed),
            },
        }


def _digest(text):
    return hashlib.sha256(text.encode()).hexdigest()
