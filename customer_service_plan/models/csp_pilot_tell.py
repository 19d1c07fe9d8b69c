import logging

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, email_normalize, plaintext2html

from .csp_commitment import CONFLICTS
from .protected import BY_ADDON

_logger = logging.getLogger(__name__)


class CspPilot(models.Model):
    """Who is told of a trial, and what they say about it.

    Chosen customers and staff are told when it begins; any other customer as soon as
    he has a ticket in it. The scheduled action does that, in batches: taking in a
    ticket costs nothing more, and nobody is told twice, however often it runs.
    """

    _inherit = "csp.pilot"

    # === Told ===

    @api.model
    def _cron_trials(self, batch_size=100):
        """End what is over, and tell who takes part. Late, or twice, does no harm."""
        done = len(self._end_due())
        now = fields.Datetime.now()
        running = self.search(
            [
                ("state", "=", "running"),
                ("date_start", "<=", now),
                ("date_end", ">", now),
            ]
        )
        Row = self.env["csp.pilot.participation"]
        for pilot in running:
            try:
                with self.env.cr.savepoint():
                    pilot._find_participants()
            except CONFLICTS:
                raise
            except Exception:
                # The people of other trials are told all the same.
                _logger.exception("Who takes part in %s was not found out", pilot)
        waiting = [("pilot_id", "in", running.ids), ("state", "=", "to_tell")]
        commit_progress = self.env["ir.cron"]._commit_progress
        commit_progress(done, remaining=Row.search_count(waiting))
        while rows := Row.search(waiting, order="id", limit=batch_size):
            rows = rows.try_lock_for_update()
            if not rows:
                # Another run is telling these.
                break
            for pilot, some in rows.grouped("pilot_id").items():
                some.with_company(pilot.company_id)._tell()
            if not commit_progress(len(rows), remaining=Row.search_count(waiting)):
                break

    def _find_participants(self):
        """Note who is to be told and is not noted yet."""
        self.ensure_one()
        Row = self.env["csp.pilot.participation"].with_context(csp_by_addon=BY_ADDON)
        known = set(Row.search([("pilot_id", "=", self.id)]).partner_id.ids)
        values = []
        for user in self._staff_to_tell():
            if user.partner_id.id not in known:
                known.add(user.partner_id.id)
                values.append(self._prepare_row(user.partner_id, user))
        for partner in self._customers_to_tell():
            if partner.id not in known:
                known.add(partner.id)
                values.append(self._prepare_row(partner))
        return Row.create(values)

    def _prepare_row(self, partner, user=None):
        return {
            "pilot_id": self.id,
            "partner_id": partner.id,
            "user_id": user and user.id,
            "name": partner.display_name,
            "email": email_normalize(partner.email) or partner.email,
        }

    def _staff_to_tell(self):
        """Chosen people and the members of chosen teams; all teams if none is."""
        self.ensure_one()
        teams = self.team_ids
        if not teams and not self.user_ids:
            teams = self.env["helpdesk.ticket.team"].search(
                [("company_id", "in", [self.company_id.id, False])]
            )
        users = self.user_ids | teams.user_ids
        return users.filtered(lambda user: user.active and not user.share)

    def _customers_to_tell(self):
        """Chosen customers, and contacts of tickets that take part."""
        self.ensure_one()
        self.env["helpdesk.ticket"].flush_model(
            ["csp_policy_version_id", "csp_received_at", "partner_id", "company_id"]
        )
        begins, ends = self._span()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT ticket.partner_id
                  FROM helpdesk_ticket ticket
                 WHERE ticket.csp_policy_version_id = %(version)s
                   AND ticket.company_id = %(company)s
                   AND ticket.csp_received_at >= %(begins)s
                   AND ticket.csp_received_at < %(ends)s
                   AND NOT EXISTS (
                       SELECT FROM csp_pilot_participation told
                        WHERE told.pilot_id = %(pilot)s
                          AND told.partner_id = ticket.partner_id
                   )
                   AND ticket.partner_id IS NOT NULL
              GROUP BY ticket.partner_id
              ORDER BY MIN(ticket.id)
                """,
                version=self.version_id.id,
                company=self.company_id.id,
                begins=begins,
                ends=ends,
                pilot=self.id,
            )
        )
        chosen = self.env["res.partner"]
        if self.customer_mode == "list":
            chosen = self.partner_ids
        return chosen | chosen.browse(partner_id for (partner_id,) in rows)

    def _give_up_telling(self):
        """The trial is over: who was not told any more is not told of it."""
        # sudo: csp.pilot.participation: written by the addon, whoever decides
        rows = self.env["csp.pilot.participation"].sudo()
        rows = rows.search([("pilot_id", "in", self.ids), ("state", "=", "to_tell")])
        rows.with_context(csp_by_addon=BY_ADDON).write({"state": "too_late"})

    def _promises_text(self):
        """The promises of the version in words, a line each, in the language of the
        environment."""
        lines = self.version_id.line_ids.sorted(lambda each: (each.sequence, each.id))
        return "\n".join(
            self.env._(
                "%(condition)s: %(promise)s",
                condition=line.condition_text,
                promise=line.promise_text,
            )
            for line in lines
        )

    def _promises_to_customer(self, partner):
        """The promises that can hold for a customer, a line each.

        In which segments we put our customers is not said to any of them, nor what is
        promised to other segments.
        """
        segments = partner._csp_segments_in(self.company_id)
        texts = []
        for line in self.version_id.line_ids.sorted(
            lambda each: (each.sequence, each.id)
        ):
            is_his = not line.segment_ids or line.segment_ids & segments
            if not line.has_promise or not is_his:
                continue
            if line.match_all or line._has_condition(skipped=("segment_ids",)):
                texts.append(
                    self.env._(
                        "%(condition)s: %(promise)s",
                        condition=line._describe_conditions(skipped=("segment_ids",)),
                        promise=line.promise_text,
                    )
                )
            else:
                texts.append(line.promise_text)
        return "\n".join(texts) or self.env._("Nothing promised")

    # === Comments ===

    def action_comment(self, text):
        """Say what one thinks of the version on trial, as staff.

        :param str text: plain text
        :raises AccessError: for who may not see the trial
        :raises UserError: without a text, or before it was started
        """
        self.ensure_one()
        self.check_access("read")
        text = (text or "").strip() if isinstance(text, str) else ""
        if not text:
            raise UserError(self.env._("Write what you noticed."))
        if self.state == "draft":
            raise UserError(self.env._("%s was not started yet.", self.name))
        user = self.env.user
        self._add_comment(
            plaintext2html(text),
            source="staff",
            partner_id=user.partner_id.id,
            user_id=user.id,
            author_name=user.name,
            date=fields.Datetime.now(),
        )
        return True

    def _add_comment(self, body, **values):
        # sudo: csp.pilot.comment: whose comment it is was found out by the caller
        Comment = self.env["csp.pilot.comment"].sudo()
        return Comment.with_context(csp_by_addon=BY_ADDON).create(
            {"pilot_id": self.id, "body": body, **values}
        )

    # === The trial's own discussion is for colleagues ===

    def message_subscribe(self, partner_ids=None, subtype_ids=None):
        # sudo: res.partner: whether they are colleagues
        partners = self.env["res.partner"].sudo().browse(partner_ids or [])
        colleagues = partners.filtered(lambda partner: not partner.partner_share)
        return super().message_subscribe(colleagues.ids, subtype_ids)

    def _notify_get_recipients(self, message, msg_vals=False, **kwargs):
        recipients = super()._notify_get_recipients(message, msg_vals, **kwargs)
        return [each for each in recipients if not each.get("share")]
