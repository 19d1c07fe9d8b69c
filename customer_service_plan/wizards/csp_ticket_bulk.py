from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, RedirectWarning, UserError
from odoo.fields import Command

#: So many customers are named, the others counted.
SHOWN_CUSTOMERS = 5


class CspTicketBulk(models.TransientModel):
    """Change several tickets at once: what is filled in, and nothing else.

    A ticket that cannot be changed keeps none of the others from it.
    """

    _name = "csp.ticket.bulk"
    _description = "Change Several Tickets"

    ticket_ids = fields.Many2many(
        comodel_name="helpdesk.ticket",
        relation="csp_ticket_bulk_rel",
        column1="wizard_id",
        column2="ticket_id",
        string="Tickets",
        default=lambda self: self._default_ticket_ids(),
    )
    summary = fields.Char(string="Chosen", compute="_compute_summary")
    team_ids = fields.Many2many(
        comodel_name="helpdesk.ticket.team",
        string="Teams of the tickets",
        compute="_compute_team_ids",
    )
    stage_id = fields.Many2one(
        comodel_name="helpdesk.ticket.stage",
        domain="['|', ('team_ids', '=', False), ('team_ids', 'in', team_ids)]",
        ondelete="cascade",
    )
    assign = fields.Selection(
        selection=[
            ("me", "To me"),
            ("user", "To somebody else"),
            ("nobody", "To nobody: back to the team"),
        ]
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="To whom",
        domain="[('share', '=', False)]",
        ondelete="cascade",
    )
    team_id = fields.Many2one(comodel_name="helpdesk.ticket.team", ondelete="cascade")
    priority = fields.Selection(
        selection=lambda self: (
            self.env["helpdesk.ticket"]
            ._fields["priority"]
            ._description_selection(self.env)
        )
    )
    tag_ids = fields.Many2many(
        comodel_name="helpdesk.ticket.tag", string="Tags to add", ondelete="cascade"
    )
    complaint = fields.Selection(
        selection=[("yes", "These are complaints"), ("no", "These are no complaints")]
    )
    state = fields.Selection(
        selection=[("choose", "Choose"), ("done", "Done")],
        default="choose",
        readonly=True,
    )
    changed_count = fields.Integer(string="Changed", readonly=True)
    refused_count = fields.Integer(string="Not changed", readonly=True)
    refused_text = fields.Html(string="Why not", readonly=True, sanitize=False)

    def _default_ticket_ids(self):
        if self.env.context.get("active_model") != "helpdesk.ticket":
            return False
        return [Command.set(self.env.context.get("active_ids") or [])]

    @api.depends("ticket_ids")
    def _compute_team_ids(self):
        for wizard in self:
            wizard.team_ids = wizard.ticket_ids.team_id

    @api.depends("ticket_ids")
    def _compute_summary(self):
        for wizard in self:
            tickets = wizard.ticket_ids
            by_customer = tickets.grouped(
                lambda ticket: (
                    ticket.commercial_partner_id.display_name
                    or ticket.partner_name
                    or ticket.partner_email
                    or self.env._("unknown")
                )
            )
            ranked = sorted(
                by_customer.items(), key=lambda item: (-len(item[1]), item[0])
            )
            shown = [
                f"{name} ({len(theirs)})" for name, theirs in ranked[:SHOWN_CUSTOMERS]
            ]
            if len(ranked) > SHOWN_CUSTOMERS:
                shown.append(self.env._("%s more", len(ranked) - SHOWN_CUSTOMERS))
            wizard.summary = self.env._(
                "Tickets: %(tickets)s. Customers: %(customers)s",
                tickets=len(tickets),
                customers=", ".join(shown),
            )

    def action_apply(self):
        """Change the tickets; those that could not be changed are named, with why."""
        self.ensure_one()
        vals = self._prepare_values()
        if not vals:
            raise UserError(self.env._("Fill in what is to be changed."))
        tickets = self.ticket_ids
        refused = self._apply(tickets, vals)
        changed_count = len(tickets) - len(refused)
        if not refused:
            return {
                "type": "ir.actions.client",
                "tag": "display_notification",
                "params": {
                    "type": "success",
                    "message": self.env._("Tickets changed: %s", changed_count),
                    "next": {
                        "type": "ir.actions.act_window_close",
                        "infos": {"changed": True},
                    },
                },
            }
        self.write(
            {
                "state": "done",
                "changed_count": changed_count,
                "refused_count": len(refused),
                "refused_text": Markup("<ul>%s</ul>")
                % Markup("").join(
                    Markup("<li>%s: %s</li>")
                    % (
                        ticket._get_html_link(title=ticket.display_name),
                        Markup("<br/>").join(reason.split("\n")),
                    )
                    for ticket, reason in refused
                ),
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Change several tickets"),
            "res_model": self._name,
            "res_id": self.id,
            "views": [(False, "form")],
            "target": "new",
        }

    def _prepare_values(self):
        """What to write: of each field only what was filled in."""
        vals = {}
        if self.team_id:
            vals["team_id"] = self.team_id.id
        if self.stage_id:
            vals["stage_id"] = self.stage_id.id
        if self.assign == "me":
            vals["user_id"] = self.env.uid
        elif self.assign == "user":
            if not self.user_id:
                raise UserError(self.env._("Say to whom the tickets are assigned."))
            vals["user_id"] = self.user_id.id
        elif self.assign == "nobody":
            vals["user_id"] = False
        if self.priority:
            vals["priority"] = self.priority
        if self.tag_ids:
            vals["tag_ids"] = [Command.link(tag.id) for tag in self.tag_ids]
        if self.complaint:
            vals["csp_is_complaint"] = self.complaint == "yes"
        return vals

    def _apply(self, tickets, vals):
        """Write to those of the tickets that take it.

        All at once; only where that is refused in two halves, down to the tickets that
        it is refused for: the others are not written one by one.

        :return: list of (ticket, why it was refused)
        """
        if not tickets:
            return []
        try:
            with self.env.cr.savepoint():
                self._check_fits(tickets)
                tickets.write(dict(vals))
            return []
        except AccessError:
            reason = self.env._("You may not change it in this way.")
        except (UserError, RedirectWarning) as error:
            reason = error.args[0]
        if len(tickets) == 1:
            return [(tickets, reason)]
        half = len(tickets) // 2
        return self._apply(tickets[:half], vals) + self._apply(tickets[half:], vals)

    def _check_fits(self, tickets):
        """Refuse a stage or a person that the ticket's team does not know."""
        for ticket in tickets:
            team = self.team_id or ticket.team_id
            stage = self.stage_id
            if stage.team_ids and team not in stage.team_ids:
                raise UserError(
                    self.env._(
                        "“%(stage)s” is no stage of its team, %(team)s.",
                        stage=stage.name,
                        team=team.name or self.env._("none"),
                    )
                )
            user = {"me": self.env.user, "user": self.user_id}.get(self.assign)
            if user and team and user not in team.user_ids:
                raise UserError(
                    self.env._(
                        "%(user)s is not in its team, %(team)s.",
                        user=user.name,
                        team=team.name,
                    )
                )
