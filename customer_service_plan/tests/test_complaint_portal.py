from lxml import html

from odoo import http
from odoo.tests import HttpCase, new_test_user, tagged

from .helpdesk import HelpdeskMixin


@tagged("post_install", "-at_install")
class TestComplaintPortal(HelpdeskMixin, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_helpdesk()
        cls.team.user_id = cls.agent
        cls.portal_user = new_test_user(
            cls.env,
            login="csp-portal",
            password="csp-portal",
            email="portal@kalnas.example",
            groups="base.group_portal",
        )
        cls.portal_user.partner_id.parent_id = cls.customer
        cls.other = cls.env["res.partner"].create({"name": "Stranger"})
        cls.ticket = cls.create_ticket()
        cls.foreign_ticket = cls.create_ticket(partner_id=cls.other.id)

    def complain(self, ticket, method="POST", csrf=True, **values):
        if csrf:
            values["csrf_token"] = http.Request.csrf_token(self)
        return self.url_open(
            f"/my/ticket/{ticket.id}/complaint",
            data=values if method == "POST" else None,
            params=values if method == "GET" else None,
            method=method,
            allow_redirects=False,
        )

    def test_customer_complains(self):
        self.authenticate("csp-portal", "csp-portal")
        page = html.fromstring(self.url_open(f"/my/ticket/{self.ticket.id}").content)
        form = page.xpath("//form[contains(@action, '/complaint')]")[0]
        self.assertEqual(form.method, "POST")
        self.assertTrue(form.fields["csrf_token"])
        response = self.complain(self.ticket, text="<b>Third</b> time!")
        self.assertEqual(response.status_code, 302)
        self.assertTrue(self.ticket.csp_is_complaint)
        self.assertEqual(self.ticket.csp_complaint_owner_id, self.agent)
        self.assertEqual(self.ticket.csp_complaint_source, "customer")
        message = self.ticket.message_ids.filtered(
            lambda m: m.author_id == self.portal_user.partner_id
        )
        self.assertIn("&lt;b&gt;Third", message[0].body)
        self.assertEqual(self.kinds(self.ticket)[-1], "customer_message")
        # Again does nothing.
        self.complain(self.ticket, text="Once more")
        kinds = [e.kind for e in self.ticket.csp_event_ids]
        self.assertEqual(kinds.count("customer_message"), 1)

    def test_what_the_customer_sees(self):
        self.ticket.csp_is_complaint = True
        self.authenticate("csp-portal", "csp-portal")
        url = f"/my/ticket/{self.ticket.id}"
        self.assertIn("We received your complaint", self.url_open(url).text)
        self.ticket._csp_complaint_decide("justified", "refund", 77.25, "Our secret")
        page = self.url_open(url).text
        self.assertIn("We decided about your complaint", page)
        for secret in ("77.25", "Our secret", "refund"):
            self.assertNotIn(secret, page)
        self.ticket._csp_complaint_move("told")
        self.ticket._csp_complaint_close()
        self.assertIn("Your complaint is settled", self.url_open(url).text)

    def test_no_link_complains(self):
        self.authenticate("csp-portal", "csp-portal")
        self.complain(self.ticket, method="GET", text="x")
        self.assertFalse(self.ticket.csp_is_complaint)

    def test_no_foreign_page_complains(self):
        self.authenticate("csp-portal", "csp-portal")
        with self.assertLogs("odoo.http", "WARNING"):
            response = self.complain(self.ticket, csrf=False)
        self.assertEqual(response.status_code, 400)
        self.assertFalse(self.ticket.csp_is_complaint)

    def test_nobody_complains_for_others(self):
        self.authenticate("csp-portal", "csp-portal")
        response = self.complain(self.foreign_ticket, text="x")
        self.assertURLEqual(response.headers["Location"], "/my")
        self.assertFalse(self.foreign_ticket.csp_is_complaint)

    def test_visitor_needs_the_token(self):
        self.authenticate(None, None)
        self.complain(self.ticket, text="x")
        self.complain(self.ticket, text="x", access_token="wrong")
        self.assertFalse(self.ticket.csp_is_complaint)
        token = self.ticket._portal_ensure_token()
        self.complain(self.ticket, text="It leaks again", access_token=token)
        self.assertTrue(self.ticket.csp_is_complaint)
        self.assertEqual(self.ticket.csp_complaint_source, "customer")
        self.assertEqual(self.kinds(self.ticket)[-1], "customer_message")

    def test_new_request(self):
        self.authenticate("csp-portal", "csp-portal")
        page = html.fromstring(self.url_open("/new/ticket").content)
        self.assertTrue(page.xpath("//form//input[@name='complaint']"))
        values = {
            "subject": "Broken again",
            "description": "For the third time",
            "csrf_token": http.Request.csrf_token(self),
        }
        self.url_open("/submitted/ticket", data=values)
        ticket = self.newest()
        self.assertFalse(ticket.csp_is_complaint)
        self.url_open("/submitted/ticket", data={**values, "complaint": "1"})
        ticket = self.newest()
        self.assertTrue(ticket.csp_is_complaint)
        self.assertTrue(ticket.csp_complaint_owner_id)
        self.assertEqual(ticket.csp_complaint_source, "customer")

    def newest(self):
        return self.env["helpdesk.ticket"].search([], order="id desc", limit=1)

    def test_customer_closes_the_ticket_of_his_complaint(self):
        """He may; the complaint stays open, and its owner is reminded."""
        self.ticket.csp_is_complaint = True
        self.authenticate("csp-portal", "csp-portal")
        self.url_open(
            "/ticket/close",
            data={
                "ticket_id": self.ticket.id,
                "stage_id": self.stage_done.id,
                "csrf_token": http.Request.csrf_token(self),
            },
            allow_redirects=False,
        )
        self.assertEqual(self.ticket.stage_id, self.stage_done)
        self.assertEqual(self.ticket.csp_complaint_state, "received")
        self.assertEqual(self.ticket.activity_ids.user_id, self.agent)
