from datetime import timedelta

from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError
from odoo.fields import Domain

LIVE_KINDS = {"phone", "in_person", "chat"}
SPOKEN_KINDS = {"phone", "in_person"}
# The channels that come with helpdesk_mgmt.
SHIPPED_KINDS = {
    "helpdesk_mgmt.helpdesk_ticket_channel_web": "web",
    "helpdesk_mgmt.helpdesk_ticket_channel_email": "email",
    "helpdesk_mgmt.helpdesk_ticket_channel_phone": "phone",
    "helpdesk_mgmt.helpdesk_ticket_channel_other": False,
}


class HelpdeskTicketChannel(models.Model):
    _name = "helpdesk.ticket.channel"
    _inherit = ["helpdesk.ticket.channel", "csp.rule.source"]
    _csp_rule_fields = frozenset({"csp_kind", "csp_live", "csp_hours_id"})
    _check_company_auto = True

    csp_kind = fields.Selection(
        selection=[
            ("phone", "Phone"),
            ("in_person", "In Person"),
            ("email", "E-mail"),
            ("web", "Web Form"),
            ("chat", "Live Chat"),
            ("sms", "Text Message"),
            ("social", "Social Media"),
            ("post", "Post"),
        ],
        string="Kind",
    )
    csp_live = fields.Boolean(
        string="Live",
        compute="_compute_csp_live",
        store=True,
        readonly=False,
        precompute=True,
        help="The customer talks to somebody at once, on the phone or at the counter. "
        "What staff enter here counts as answered when it is entered.",
    )
    csp_hours_id = fields.Many2one(
        comodel_name="csp.hours",
        string="Hours",
        index="btree_not_null",
        ondelete="restrict",
        check_company=True,
        help="When somebody is there to answer. Empty: the company's default hours; "
        "without these, day and night.",
    )
    csp_public = fields.Boolean(
        string="Published",
        help="Customers see this channel with its hours on the page /service, and "
        "programs under /service/hours.",
    )
    csp_contact = fields.Char(
        string="Address or Number",
        help="How customers reach you here: telephone number, e-mail address, web "
        "address, or the place of the counter.",
    )
    csp_outside_message = fields.Text(
        string="Outside Hours",
        translate=True,
        help="What customers are told when nobody is there.",
    )
    csp_fallback_channel_id = fields.Many2one(
        comodel_name="helpdesk.ticket.channel",
        string="Instead, Outside Hours",
        ondelete="set null",
        check_company=True,
        domain="[('id', '!=', id)]",
        help="The channel to use while this one is closed.",
    )
    csp_is_open = fields.Boolean(
        string="Open Now", compute="_compute_csp_status", search="_search_csp_is_open"
    )
    csp_status = fields.Char(string="Now", compute="_compute_csp_status")

    @api.depends("csp_kind")
    def _compute_csp_live(self):
        for channel in self:
            channel.csp_live = channel.csp_kind in LIVE_KINDS

    def _csp_contact_kind(self):
        """Whether people speak or write on this channel; unknown ones are written."""
        return "spoken" if self.csp_kind in SPOKEN_KINDS else "written"

    @api.depends("csp_hours_id", "csp_live", "company_id")
    @api.depends_context("company", "lang", "tz")
    def _compute_csp_status(self):
        now = fields.Datetime.now()
        for channel in self:
            # sudo: csp.hours: the state of a channel is shown to whoever sees it.
            hours = channel.sudo()._csp_get_hours()
            channel.csp_is_open = not hours or hours._is_open(now)
            channel.csp_status = channel._csp_get_status(hours, now)

    def _search_csp_is_open(self, operator, value):
        if operator != "in":
            return NotImplemented
        now = fields.Datetime.now()
        # sudo: csp.hours: only which of them are open is used, and only to find
        # channels, on which the user's own rights apply.
        tables = (
            self.env["csp.hours"]
            .sudo()
            .with_context(active_test=False)
            .search_fetch([("channel_ids", "!=", False)])
        )
        open_ids = [hours.id for hours in tables if hours._is_open(now)]
        open_domain = Domain("csp_hours_id", "in", open_ids)
        for company in self.env.companies:
            # sudo: csp.hours: as above
            default = company.sudo().csp_hours_id
            if default and not default._is_open(now):
                continue
            # A shared channel takes the hours of the company one works in.
            ids = [company.id, False] if company == self.env.company else [company.id]
            open_domain |= Domain("csp_hours_id", "=", False) & Domain(
                "company_id", "in", ids
            )
        wanted = Domain.FALSE
        if True in value:
            wanted |= open_domain
        if False in value:
            wanted |= ~open_domain
        return wanted

    @api.constrains("csp_fallback_channel_id")
    def _check_csp_fallback_channel_id(self):
        if self._has_cycle("csp_fallback_channel_id"):
            raise ValidationError(
                self.env._(
                    "The channels to use instead would lead customers in a circle."
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_named(self):
        self.env["csp.policy.line"]._refuse_if_named("channel_ids", self)

    def write(self, vals):
        """Forget what was published before."""
        result = super().write(vals)
        self.env.registry.clear_cache()
        return result

    def _csp_get_hours(self, company=None):
        """Return the hours of the channel, empty when it is open day and night.

        :param company: of the customer's request; by default the channel's own or the
            one the user works in
        """
        self.ensure_one()
        company = self.company_id or company or self.env.company
        return self.csp_hours_id or company.csp_hours_id

    def _csp_get_status(self, hours, at):
        """Return when customers are answered here, such as "Open now, closes at 18:00".

        :param hours: the hours that apply, none for day and night
        :param at: naive UTC
        """
        self.ensure_one()
        if not hours:
            return self.env._("Open day and night")
        return hours.with_env(self.env(su=True))._get_status_text(at)

    @api.model
    @tools.ormcache("self.env.lang", "company_id")
    def _csp_get_service_memo(self, company_id):
        """Return a place to keep the answer for a company, until something changes."""
        return {}

    @api.model
    def _csp_get_service(self, company_id):
        """Return the published channels of a company with their hours and state.

        Plain values without records or anything personal; kept for a minute, at most
        until the next opening or closing, and dropped when hours or channels change.
        """
        memo = self._csp_get_service_memo(company_id)
        now = fields.Datetime.now()
        service = memo.get("service")
        if service and service["valid_from"] <= now < service["valid_until"]:
            return service
        # sudo: res.company, helpdesk.ticket.channel, csp.hours: what is published, and
        # nothing else, is for everybody.
        company = self.env["res.company"].sudo().browse(company_id)
        channels = self.sudo().search(
            Domain("csp_public", "=", True)
            & Domain("company_id", "in", [company_id, False])
        )
        kinds = dict(self._fields["csp_kind"]._description_selection(self.env))
        hours_of = {channel: channel._csp_get_hours(company) for channel in channels}
        values_of = {
            hours: hours._get_service_values(now)
            for hours in self.env["csp.hours"].sudo().union(*hours_of.values())
        }
        day_and_night = {
            "open": True,
            "status": self.env._("Open day and night"),
            "next_change": None,
            "changes_at": False,
            "time_zone": None,
            "always_open": True,
            "week": [],
            "exceptions": [],
            "spans": [],
            "picture": {"always_open": True, "week": [], "coming": []},
        }
        changes = [
            values["changes_at"]
            for values in values_of.values()
            if values["changes_at"]
        ]
        service = {
            "valid_from": now,
            "valid_until": min([now + timedelta(minutes=1), *changes]),
            "company": {"id": company.id, "name": company.name},
            "channels": [
                {
                    "name": channel.name,
                    "kind": channel.csp_kind or "",
                    "kind_name": kinds.get(channel.csp_kind, ""),
                    "live": channel.csp_live,
                    "contact": channel.csp_contact or "",
                    "outside_message": channel.csp_outside_message or "",
                    "instead": (channel.csp_fallback_channel_id & channels).name or "",
                    "hours": values_of.get(hours_of[channel], day_and_night),
                }
                for channel in channels
            ],
        }
        memo["service"] = service
        return service

    @api.model
    @tools.ormcache()
    def _csp_get_service_companies(self):
        """Return the companies with published channels of their own, by id and name."""
        # sudo: helpdesk.ticket.channel: only of what is published.
        companies = self.sudo().search([("csp_public", "=", True)]).company_id
        return [(company.id, company.name) for company in companies]

    @api.model
    def _csp_setup(self):
        """Give the channels of helpdesk_mgmt their kind, and make them everybody's.

        They belong to the first company, so that others have none. Called when the
        addon is installed; what somebody changed before stays.
        """
        main_company = self.env.ref("base.main_company", raise_if_not_found=False)
        for xmlid, kind in SHIPPED_KINDS.items():
            channel = self.env.ref(xmlid, raise_if_not_found=False)
            if not channel:
                continue
            values = {}
            if kind and not channel.csp_kind:
                values["csp_kind"] = kind
            if channel.company_id == main_company:
                values["company_id"] = False
            if values:
                channel.write(values)
