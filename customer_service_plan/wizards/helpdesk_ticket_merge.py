from markupsafe import Markup

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools.mail import email_normalize


class HelpdeskTicketMerge(models.TransientModel):
    _inherit = "helpdesk.ticket.merge"

    @api.model
    def default_get(self, fields):
        if not self.env.context.get("active_ids"):
            raise UserError(self.env._("Select the tickets to merge first."))
        defaults = super().default_get(fields)
        tickets = self.env["helpdesk.ticket"].browse(self.env.context["active_ids"])
        defaults["dst_ticket_id"] = (tickets.filtered(self._csp_takes) or tickets)[
            :1
        ].id
        return defaults

    def merge_tickets(self):
        """Merge for agents, within one customer, and without answering anybody.

        In helpdesk_mgmt_merge only a Settings administrator gets to the end, the
        target's customer reads what the others wrote, and both tickets count as
        answered. No upstream thread known for any of these.
        """
        self.ensure_one()
        # Merged tickets are archived, and a second click has to see them.
        tickets = self.with_context(active_test=False).ticket_ids
        if done := self._csp_already_merged(tickets):
            return done._get_records_action()
        target = self.env["helpdesk.ticket"]
        if not self.create_new_ticket:
            target = self.dst_ticket_id
        self._csp_check(tickets, target)
        if self.create_new_ticket:
            target = target.create(self._prepare_csp_target_values(tickets))
            self.write({"create_new_ticket": False, "dst_ticket_id": target.id})
        merged = tickets - target
        merged.duplicate_id = target
        merged._csp_merged_into(target)
        # sudo: helpdesk.ticket.merge: the user may write all of these tickets (checked
        # above); Odoo lets only administrators move messages to another record
        wizard = self.sudo().with_context(csp_silent=True)
        return super(HelpdeskTicketMerge, wizard).merge_tickets()

    @api.model
    def _csp_takes(self, ticket):
        """Whether another ticket can be merged into this one."""
        return ticket.active and not ticket.closed and not ticket.duplicate_id

    @api.model
    def _csp_already_merged(self, tickets):
        """The ticket into which these were merged before; empty if they were not."""
        target = tickets.duplicate_id
        merged = tickets - target
        if len(target) == 1 and merged and not any(merged.mapped("active")):
            return target
        return target.browse()

    def _csp_check(self, tickets, target):
        """Refuse what must not become one ticket, and say why."""
        involved = tickets | target
        involved.check_access("write")
        if self.create_new_ticket:
            target.check_access("create")
        if len(involved) < (1 if self.create_new_ticket else 2):
            raise UserError(self.env._("There is nothing to merge."))
        if target and not self._csp_takes(target):
            raise UserError(
                self.env._(
                    "%(ticket)s is closed or archived. Merge into an open ticket.",
                    ticket=target.display_name,
                )
            )
        gone = (tickets - target).filtered(lambda ticket: not ticket.active)
        if gone:
            raise UserError(
                self.env._(
                    "Archived or merged already: %(tickets)s",
                    tickets=", ".join(gone.mapped("display_name")),
                )
            )
        companies = involved.company_id
        if self.create_new_ticket:
            companies |= self.dst_helpdesk_team_id.company_id
        if len(companies) > 1:
            raise UserError(
                self.env._(
                    "These tickets belong to different companies: %(companies)s",
                    companies=", ".join(companies.mapped("name")),
                )
            )
        self._csp_check_customers(involved)

    @api.model
    def _csp_check_customers(self, tickets):
        """Refuse to show one customer what another one wrote.

        A ticket without contact belongs to whoever uses its e-mail address; without
        either it can be merged with any.
        """
        customers = tickets.commercial_partner_id
        known = {
            email_normalize(ticket.partner_email)
            for ticket in tickets
            if ticket.partner_id
        } | {partner.email_normalized for partner in tickets.partner_id}
        strangers = {
            email_normalize(ticket.partner_email) or ticket.partner_email
            for ticket in tickets
            if not ticket.partner_id and ticket.partner_email
        } - known
        if len(customers) + len(strangers) > 1:
            raise UserError(
                self.env._(
                    "These tickets are from different customers: %(customers)s. Each "
                    "would read what the others wrote. If they are one customer, give "
                    "the tickets the same contact first.",
                    customers=", ".join(
                        [*customers.mapped("display_name"), *sorted(strangers)]
                    ),
                )
            )

    def _prepare_csp_target_values(self, tickets):
        """Values of a new ticket that takes in these; the merge adds the texts.

        helpdesk_mgmt_merge leaves the contact and the priority empty where they
        differ, and always the channel: such a ticket matches no promise.
        """
        by_age = tickets.sorted(
            lambda ticket: (ticket.csp_received_at or ticket.create_date, ticket.id)
        )
        oldest = by_age[:1]
        from_contact = by_age.filtered("partner_id")[:1] or oldest
        category = tickets.category_id
        return {
            "name": self.dst_ticket_name,
            "description": "<p></p>",
            "company_id": oldest.company_id.id,
            "team_id": self.dst_helpdesk_team_id.id,
            "user_id": self.user_id.id,
            "partner_id": from_contact.partner_id.id,
            "partner_name": from_contact.partner_name,
            "partner_email": from_contact.partner_email,
            "category_id": category.id if len(category) == 1 else False,
            "channel_id": oldest.channel_id.id,
            "priority": max((t.priority for t in tickets if t.priority), default="1"),
        }

    def _merge_followers(self, merged_tickets):
        # Replaces the subscription of everybody: colleagues and this customer's people
        # follow on, other customers and suppliers do not.
        customer = self.dst_ticket_id.commercial_partner_id
        followers = merged_tickets.message_partner_ids.filtered(
            lambda partner: (
                not partner.partner_share
                or (customer and partner.commercial_partner_id == customer)
            )
        )
        self.dst_ticket_id.message_subscribe(partner_ids=followers.ids)

    def _add_message(self, way, ticket_numbers, ticket):
        # Replaces the public comment, which went to the customers as an answer.
        # The links come as HTML, joined to a plain string.
        ticket_numbers = Markup(ticket_numbers)
        if ticket == self.dst_ticket_id:
            body = self.env._("Merged into this ticket: %s", ticket_numbers)
        else:
            body = self.env._("This ticket was merged into %s.", ticket_numbers)
        ticket.message_post(
            body=body, message_type="notification", subtype_xmlid="mail.mt_note"
        )
