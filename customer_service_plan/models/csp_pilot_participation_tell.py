import logging
from collections import defaultdict

from odoo import fields, models
from odoo.tools import email_normalize, plaintext2html

from .csp_commitment import CONFLICTS
from .protected import BY_ADDON

_logger = logging.getLogger(__name__)

READ = "customer_service_plan.mail_activity_type_read_trial"


class CspPilotParticipation(models.Model):
    """How the people of a trial are told, each once."""

    _inherit = "csp.pilot.participation"

    def _tell(self):
        """Queue one mail for each of these people, who take part in one trial."""
        rows = self.with_context(csp_by_addon=BY_ADDON)
        by_state = defaultdict(rows.browse)
        addresses = set(
            self.search(
                [("pilot_id", "in", self.pilot_id.ids), ("state", "=", "told")]
            ).mapped("email")
        )
        unwanted = self._unwanted_addresses()
        for row in rows:
            state = row._obstacle(addresses, unwanted)
            by_state[state] |= row
            if not state:
                addresses.add(row.email)
        for state, some in by_state.items():
            if state == "to_do":
                some._give_to_do()
            elif state:
                some.write({"state": state})
        to_tell = by_state[""]
        for for_staff in (False, True):
            some = to_tell.filtered(
                lambda row, staff=for_staff: bool(row.user_id) == staff
            )
            some._send("staff" if for_staff else "customer")

    def _unwanted_addresses(self):
        # sudo: mail.blacklist: only whether they want no mail
        found = (
            self.env["mail.blacklist"]
            .sudo()
            .search([("email", "in", [row.email for row in self if row.email])])
        )
        return set(found.mapped("email"))

    def _obstacle(self, addresses, unwanted):
        """Why this person gets no mail; empty if he does."""
        self.ensure_one()
        partner = self.partner_id
        if not partner.active:
            return "archived"
        if not email_normalize(self.email):
            return "to_do" if self.user_id else "no_email"
        if self.email in addresses:
            return "same_address"
        if self.email in unwanted:
            return "to_do" if self.user_id else "unwanted"
        if partner.message_bounce:
            return "to_do" if self.user_id else "bounced"
        return ""

    def _give_to_do(self):
        for row in self:
            note = plaintext2html(row.change_text or "")
            try:
                with self.env.cr.savepoint():
                    row.pilot_id.activity_schedule(
                        READ, user_id=row.user_id.id, note=note
                    )
            except CONFLICTS:
                raise
            except Exception:
                _logger.exception("%s could not be told of a trial", row.name)
                row.write({"state": "failed"})
            else:
                row.write({"state": "to_do", "told_at": fields.Datetime.now()})

    def _send(self, whom):
        """Queue the mails of a batch; one by one if that fails, since one contact's
        language or name must not keep the others in the dark."""
        pilot = self.pilot_id
        template = pilot[f"{whom}_template_id"] or pilot._default_template(whom)
        if not self or not template:
            return self.write({"state": "failed"})
        try:
            with self.env.cr.savepoint():
                return self._queue_mails(template)
        except Exception:
            if len(self) == 1:
                _logger.exception("%s could not be told of a trial", self.name)
                return self.write({"state": "failed"})
        for row in self:
            row._send(whom)
        return True

    def _queue_mails(self, template):
        mails = template.send_mail_batch(
            self.ids,
            force_send=False,
            email_values={
                # Without the message an answer would not be found to belong here.
                "auto_delete": False,
                "is_notification": True,
            },
            email_layout_xmlid="mail.mail_notification_light",
        )
        by_row = {mail.res_id: mail.mail_message_id.id for mail in mails}
        now = fields.Datetime.now()
        for row in self:
            row.write(
                {"state": "told", "told_at": now, "message_id": by_row.get(row.id)}
            )
        return True
