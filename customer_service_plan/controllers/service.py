from odoo import fields, http
from odoo.http import request

ICONS = {
    "phone": "fa-phone",
    "in_person": "fa-map-marker",
    "email": "fa-envelope",
    "web": "fa-pencil-square-o",
    "chat": "fa-comments",
    "sms": "fa-mobile",
    "social": "fa-share-alt",
    "post": "fa-inbox",
}


class ServiceController(http.Controller):
    def _get_company_id(self, company):
        """Return the company that a visitor means, ``None`` when there is no such one.

        :param company: an id as text, or nothing for the company of the page
        """
        known = dict(
            request.env["helpdesk.ticket.channel"]._csp_get_service_companies()
        )
        current = request.env.company.id
        if not company:
            return current
        if company.isdecimal() and int(company) in {current, *known}:
            return int(company)
        return None

    @http.route(
        "/service",
        type="http",
        auth="public",
        methods=["GET"],
        website=True,
        readonly=True,
        sitemap=True,
    )
    def service(self, company=None, **_kwargs):
        """Show how and when customers reach the company."""
        company_id = self._get_company_id(company)
        if company_id is None:
            raise request.not_found()
        channel = request.env["helpdesk.ticket.channel"]
        service = channel._csp_get_service(company_id)
        return request.render(
            "customer_service_plan.service_page",
            {
                "service": service,
                "companies": channel._csp_get_service_companies(),
                "icons": ICONS,
                "page_name": "service",
            },
        )

    @http.route(
        "/service/hours",
        type="http",
        auth="public",
        methods=["GET"],
        cors="*",
        readonly=True,
        save_session=False,
    )
    def service_hours(self, company=None, lang=None, **_kwargs):
        """Return the published channels with hours and state as JSON.

        Times are ISO 8601 with offset, in the time zone of the hours; ``from`` and
        ``to`` are local times of day, 24:00 being the end of the day.
        """
        company_id = self._get_company_id(company)
        if company_id is None:
            return request.make_json_response(
                {"error": "No such company, or nothing published by it."}, status=404
            )
        channel = request.env["helpdesk.ticket.channel"]
        if lang in dict(request.env["res.lang"].get_installed()):
            channel = channel.with_context(lang=lang)
        service = channel._csp_get_service(company_id)
        now = fields.Datetime.now()
        rest = int((service["valid_until"] - now).total_seconds())
        hidden = {"changes_at", "picture"}
        return request.make_json_response(
            {
                "company": service["company"]["name"],
                "at": f"{service['valid_from'].isoformat()}+00:00",
                "channels": [
                    {
                        "name": channel["name"],
                        "kind": channel["kind"],
                        "live": channel["live"],
                        "contact": channel["contact"],
                        "outside_message": channel["outside_message"],
                        "instead": channel["instead"],
                        **{
                            key: value
                            for key, value in channel["hours"].items()
                            if key not in hidden
                        },
                    }
                    for channel in service["channels"]
                ],
            },
            headers={
                "Cache-Control": f"public, max-age={max(rest, 1)}",
                "Vary": "Accept-Language, Cookie",
            },
        )
