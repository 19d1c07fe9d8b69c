import json

from freezegun import freeze_time
from lxml import html

from odoo.tests import HttpCase, tagged

from .test_hours import OFFICE, HoursCommon


@tagged("post_install", "-at_install")
class TestServicePages(HttpCase):
    """What customers and programs see; the public user has no rights of his own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"].search([]).time_format = "%H:%M:%S"
        cls.company = cls.env.ref("base.main_company")
        cls.company.csp_hours_id = False
        cls.env["helpdesk.ticket.channel"].search([]).write({"csp_public": False})
        cls.hours = HoursCommon.create_hours.__func__(
            cls, OFFICE, name="Internal Name", tz="Europe/Athens"
        )
        cls.chat = cls.create_channel("Chat", csp_kind="chat")
        cls.phone = cls.create_channel(
            "Hotline",
            csp_kind="phone",
            csp_contact="+30 210 555",
            csp_hours_id=cls.hours.id,
            csp_outside_message="Call again in the morning.",
            csp_fallback_channel_id=cls.chat.id,
        )
        cls.secret = cls.create_channel("Secret", csp_kind="phone", csp_public=False)

    @classmethod
    def create_channel(cls, name, **values):
        return cls.env["helpdesk.ticket.channel"].create(
            {"name": name, "company_id": False, "csp_public": True, **values}
        )

    def get_json(self, query="", status=200):
        response = self.url_open(f"/service/hours{query}")
        self.assertEqual(response.status_code, status)
        self.assertTrue(response.headers["Content-Type"].startswith("application/json"))
        return json.loads(response.content), response

    def get_page(self, query="", status=200):
        response = self.url_open(f"/service{query}")
        self.assertEqual(response.status_code, status)
        return html.fromstring(response.content)

    def sections(self, page):
        return {
            section.find(".//h2").text_content().strip(): section.text_content()
            for section in page.xpath("//section[hasclass('o_csp_channel')]")
        }

    def test_json(self):
        self.env["csp.hours.exception"].create(
            [
                {
                    "hours_id": self.hours.id,
                    "name": "Epiphany",
                    "date_from": "2026-01-06",
                },
                {"hours_id": self.hours.id, "date_from": "2026-03-25"},
            ]
        )
        with freeze_time("2026-01-05 14:00:00"):
            data, response = self.get_json()
        self.assertEqual(
            set(data), {"company", "at", "channels"}, "nothing else is for everybody"
        )
        self.assertNotIn("Secret", response.text)
        self.assertNotIn("Internal Name", response.text)
        channels = {channel["name"]: channel for channel in data["channels"]}
        self.assertEqual(set(channels), {"Hotline", "Chat"})
        phone = channels["Hotline"]
        self.assertEqual(phone["contact"], "+30 210 555")
        self.assertTrue(phone["open"])
        self.assertEqual(phone["next_change"], "2026-01-05T17:00:00+02:00")
        self.assertEqual(phone["time_zone"], "Europe/Athens")
        self.assertEqual(
            phone["week"][0],
            {"weekday": 0, "from": "09:00", "to": "12:00", "next_day": False},
        )
        self.assertEqual(
            phone["exceptions"],
            [
                {
                    "name": "Epiphany",
                    "kind": "closed",
                    "first_day": "2026-01-06",
                    "last_day": "2026-01-06",
                }
            ],
        )
        self.assertEqual(
            phone["spans"][0],
            ["2026-01-05T16:00:00+02:00", "2026-01-05T17:00:00+02:00"],
        )
        self.assertEqual(phone["instead"], "Chat")
        self.assertTrue(channels["Chat"]["always_open"])
        self.assertIsNone(channels["Chat"]["next_change"])

    def test_json_headers(self):
        with freeze_time("2026-01-05 14:59:40"):
            _data, response = self.get_json()
        self.assertEqual(response.headers["Cache-Control"], "public, max-age=20")
        self.assertEqual(response.headers["Access-Control-Allow-Origin"], "*")
        self.assertNotIn("session_id", response.cookies)

    def test_json_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.phone.with_context(lang="fr_FR").name = "Ligne directe"
        names = [
            channel["name"] for channel in self.get_json("?lang=fr_FR")[0]["channels"]
        ]
        self.assertIn("Ligne directe", names)
        self.assertEqual(self.get_json("?lang=tlh")[0]["company"], self.company.name)

    def test_json_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.create_channel("Other Only", company_id=other.id)
        silent = self.env["res.company"].create({"name": "Silent"})
        data, _response = self.get_json(f"?company={other.id}")
        self.assertEqual(data["company"], "Other")
        self.assertIn("Other Only", [channel["name"] for channel in data["channels"]])
        self.assertNotIn("Other Only", self.get_json()[1].text)
        for wrong in (silent.id, 0, -1, "x", "9" * 40, "1;drop"):
            data, _response = self.get_json(f"?company={wrong}", status=404)
            self.assertEqual(set(data), {"error"})

    def test_json_is_read_only(self):
        response = self.url_open("/service/hours", data={"x": "y"})
        self.assertEqual(response.status_code, 405)

    def test_page(self):
        with freeze_time("2026-01-05 16:00:00"):
            page = self.get_page()
        sections = self.sections(page)
        self.assertEqual(set(sections), {"Hotline", "Chat"})
        self.assertIn("Closed, opens tomorrow at 09:00", sections["Hotline"])
        self.assertIn("Call again in the morning.", sections["Hotline"])
        self.assertIn("Europe/Athens", sections["Hotline"])
        self.assertIn("Open day and night", sections["Chat"])
        links = page.xpath("//section//a/@href")
        self.assertIn("tel:+30210555", links)

    def test_page_while_open(self):
        with freeze_time("2026-01-05 08:00:00"):
            sections = self.sections(self.get_page())
        self.assertIn("Open now, closes at 12:00", sections["Hotline"])
        self.assertNotIn("Call again", sections["Hotline"])

    def test_page_without_channels(self):
        self.env["helpdesk.ticket.channel"].search([]).write({"csp_public": False})
        page = self.get_page()
        self.assertFalse(self.sections(page))
        self.assertIn("not published", page.text_content())

    def test_page_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other & Sons"})
        self.create_channel("Other Only", company_id=other.id)
        page = self.get_page(f"?company={other.id}")
        self.assertIn("Other Only", self.sections(page))
        self.assertIn("Other & Sons", page.text_content())
        self.get_page("?company=999999999", status=404)

    def test_nothing_can_be_smuggled_into_the_page(self):
        self.chat.write(
            {"name": "<script>alert(1)</script>", "csp_contact": "javascript:alert(1)"}
        )
        page = self.get_page()
        self.assertFalse(page.xpath("//section//script"))
        self.assertFalse(
            [link for link in page.xpath("//section//a/@href") if "script" in link]
        )
