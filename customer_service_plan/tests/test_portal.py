from freezegun import freeze_time
from lxml import html

from odoo import http
from odoo.tests import HttpCase, new_test_user, tagged

from .helpdesk import HelpdeskMixin


@tagged("post_install", "-at_install")
class TestPortal(HelpdeskMixin, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_helpdesk()
        cls.portal_user = new_test_user(
            cls.env,
            login="csp-portal",
            password="csp-portal",
            email="portal@kalnas.example",
            groups="base.group_portal",
            tz="Europe/Vilnius",
        )
        cls.portal_user.partner_id.parent_id = cls.customer
        cls.other = cls.env["res.partner"].create({"name": "Stranger"})
        cls.ticket = cls.create_ticket()
        cls.foreign_ticket = cls.create_ticket(partner_id=cls.other.id)

    def close(self, ticket, stage, method="POST", csrf=True, **values):
        values |= {"ticket_id": ticket.id, "stage_id": stage.id}
        if csrf:
            values["csrf_token"] = http.Request.csrf_token(self)
        return self.url_open(
            "/ticket/close",
            data=values if method == "POST" else None,
            params=values if method == "GET" else None,
            method=method,
            allow_redirects=False,
        )

    def assertOpen(self, ticket):
        self.assertEqual(ticket.stage_id, self.stage_new)

    # OCA/helpdesk#1089: any user closes any ticket by opening a link.

    def test_customer_closes_own_ticket(self):
        self.authenticate("csp-portal", "csp-portal")
        response = self.close(self.ticket, self.stage_done)
        self.assertEqual(response.status_code, 302)
        self.assertURLEqual(
            response.headers["Location"], f"/my/ticket/{self.ticket.id}"
        )
        self.assertEqual(self.ticket.stage_id, self.stage_done)
        self.assertEqual(self.ticket.csp_closed_as, "solved")

    def test_no_link_closes(self):
        self.authenticate("csp-portal", "csp-portal")
        response = self.close(self.ticket, self.stage_done, method="GET")
        self.assertEqual(response.status_code, 405)
        self.assertOpen(self.ticket)

    def test_no_foreign_page_closes(self):
        self.authenticate("csp-portal", "csp-portal")
        with self.assertLogs("odoo.http", "WARNING"):
            response = self.close(self.ticket, self.stage_done, csrf=False)
        self.assertEqual(response.status_code, 400)
        self.assertOpen(self.ticket)

    def test_nobody_closes_foreign_ticket(self):
        self.authenticate("csp-portal", "csp-portal")
        response = self.close(self.foreign_ticket, self.stage_done)
        self.assertURLEqual(response.headers["Location"], "/my")
        self.assertOpen(self.foreign_ticket)

    def test_colleague_without_helpdesk_rights(self):
        new_test_user(self.env, login="csp-clerk", password="csp-clerk")
        self.authenticate("csp-clerk", "csp-clerk")
        self.close(self.ticket, self.stage_done)
        self.assertOpen(self.ticket)

    def test_visitor_needs_the_token(self):
        self.authenticate(None, None)
        self.close(self.ticket, self.stage_done)
        self.assertOpen(self.ticket)
        self.close(self.ticket, self.stage_done, access_token="wrong")
        self.assertOpen(self.ticket)
        token = self.ticket._portal_ensure_token()
        response = self.close(self.ticket, self.stage_done, access_token=token)
        self.assertIn(token, response.headers["Location"])
        self.assertEqual(self.ticket.stage_id, self.stage_done)
        self.assertEqual(self.url_open(response.headers["Location"]).status_code, 200)

    def test_stage_must_be_offered(self):
        self.authenticate("csp-portal", "csp-portal")
        other_team = self.env["helpdesk.ticket.team"].create({"name": "Other"})
        foreign_stage = self.stage_done.copy(
            {"name": "Other done", "team_ids": other_team.ids, "closed": True}
        )
        self.assertTrue(foreign_stage.close_from_portal)
        for stage in (self.stage_awaiting, foreign_stage):
            response = self.close(self.ticket, stage)
            self.assertEqual(response.status_code, 302)
            self.assertOpen(self.ticket)

    def test_nonsense(self):
        self.authenticate("csp-portal", "csp-portal")
        for values in (
            {},
            {"ticket_id": "x", "stage_id": "1"},
            {"ticket_id": "999999"},
        ):
            response = self.url_open(
                "/ticket/close",
                data={"csrf_token": http.Request.csrf_token(self), **values},
                allow_redirects=False,
            )
            self.assertURLEqual(response.headers["Location"], "/my")

    def test_closed_stays_as_it_was_closed(self):
        self.authenticate("csp-portal", "csp-portal")
        self.ticket.stage_id = self.stage_done
        self.close(self.ticket, self.stage_cancelled)
        self.assertEqual(self.ticket.stage_id, self.stage_done)

    def test_buttons(self):
        self.authenticate("csp-portal", "csp-portal")
        self.assertButtons(f"/my/ticket/{self.ticket.id}", "csrf_token")
        self.authenticate(None, None)
        token = self.ticket._portal_ensure_token()
        url = f"/my/ticket/{self.ticket.id}?access_token={token}"
        self.assertButtons(url, "csrf_token", "access_token")

    def assertButtons(self, url, *values):
        page = html.fromstring(self.url_open(url).content)
        forms = page.xpath("//form[@action='/ticket/close']")
        self.assertEqual(len(forms), 2)
        for form in forms:
            self.assertEqual(form.method, "POST")
            self.assertEqual(set(form.fields), {"ticket_id", "stage_id", *values})
            self.assertTrue(all(form.fields.values()))

    def test_no_promise_no_block(self):
        self.authenticate("csp-portal", "csp-portal")
        page = self.url_open(f"/my/ticket/{self.ticket.id}").text
        self.assertNotIn("What we promise", page)

    def test_promises(self):
        """The customer sees his promises, in his time zone, and how they stand."""
        with freeze_time("2026-11-02 08:00:00"):
            self.publish_promise(first_response_minutes=120, resolution_minutes=600)
            ticket = self.create_ticket()
        self.authenticate("csp-portal", "csp-portal")
        page = self.url_open(f"/my/ticket/{ticket.id}").text
        self.assertIn("What we promise", page)
        self.assertIn("First reply", page)
        self.assertIn(
            "by Nov 2, 2026, 12:00 PM (Europe/Vilnius)", page.replace("\u202f", " ")
        )
        # Long past by the clock on the wall, and no sweep has run.
        self.assertIn("Late. We are sorry", page)
        with freeze_time("2026-11-02 09:00:00"):
            ticket.with_user(self.agent).message_post(
                body="We come tomorrow",
                message_type="comment",
                subtype_xmlid="mail.mt_comment",
            )
            ticket.with_user(self.agent).stage_id = self.stage_awaiting
        page = self.url_open(f"/my/ticket/{ticket.id}").text
        self.assertIn("Answered on", page)
        self.assertIn("Waiting for your answer", page)
        with freeze_time("2026-11-02 09:30:00"):
            ticket.with_user(self.agent).stage_id = self.stage_in_progress
        with freeze_time("2026-11-04 09:00:00"):
            ticket.with_user(self.agent).stage_id = self.stage_done
        page = self.url_open(f"/my/ticket/{ticket.id}").text
        self.assertIn("Solved on", page)
