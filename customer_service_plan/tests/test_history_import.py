"""The import of past tickets, as a manager does it."""

import base64
import csv
import io
from contextlib import suppress
from datetime import datetime
from unittest.mock import patch

from freezegun import freeze_time
from openpyxl import Workbook
from psycopg2 import IntegrityError
from psycopg2.errors import SerializationFailure

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user
from odoo.tools import mute_logger

from odoo.addons.mail.tests.common import MailCase

from ..models import csp_history_import
from ..models.protected import BY_ADDON
from .common import CspCommon

HEADER = (
    "Case ID",
    "Activity",
    "Complete Timestamp",
    "Resource",
    "Severity",
    "Client",
)


def rows_of(case, *rows, severity="High", client="C-1"):
    return [[case, *row, "Ann", severity, client] for row in rows]


#: Two winters and a summer; Rome is UTC+1, in summer UTC+2.
PLAIN = [
    *rows_of(
        "1",
        ("Insert ticket", "2012/01/10 09:00:00.000"),
        ("Take in charge ticket", "2012/01/10 10:00:00.000"),
        ("Wait", "2012/01/10 11:00:00.000"),
        ("Assign seriousness", "2012/01/11 11:00:00.000"),
        ("Resolve ticket", "2012/01/11 12:00:00.000"),
        ("Closed", "2012/02/10 12:00:00.000"),
    ),
    *rows_of(
        "2",
        ("Insert ticket", "2012/07/10 09:00:00.000"),
        ("Resolve ticket", "2012/07/10 12:00:00.000"),
        ("Take in charge ticket", "2012/07/30 12:00:00.000"),
        ("Resolve ticket", "2012/07/30 13:00:00.000"),
        severity="Low",
        client="C-2",
    ),
    *rows_of(
        "3",
        ("Insert ticket", "2012/10/28 01:30:00.000"),
        ("Resolve ticket", "2012/10/28 02:30:00.000"),
        client="",
    ),
]


def to_csv(rows, header=HEADER):
    out = io.StringIO()
    csv.writer(out).writerows([header, *rows])
    return out.getvalue().encode()


class HistoryCommon(CspCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Import = cls.env["csp.history.import"].with_user(cls.manager)

    def _upload(self, content, filename="past.csv", **vals):
        batch = self.Import.create(
            {"filename": filename, "file": base64.b64encode(content), **vals}
        )
        batch.action_read()
        batch.write({"tz": "Europe/Rome", "source": vals.get("source", "Old desk")})
        return batch

    def _import(self, content, **vals):
        batch = self._upload(content, **vals)
        batch.action_check()
        if batch.ready_count:
            batch.action_import()
            self._run_cron()
        return batch

    def _run_cron(self):
        with self.enter_registry_test_mode():
            self.env.ref(
                "customer_service_plan.ir_cron_history_import"
            ).method_direct_trigger()
        self.env.invalidate_all()

    def _rejected(self, batch):
        text = base64.b64decode(batch.rejected_file).decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text)))

    def _ticket(self, batch, number):
        return batch.ticket_ids.filtered(lambda ticket: ticket.number == number)


class TestHistoryImport(HistoryCommon, MailCase):
    def test_closed_history_comes_in(self):
        with self.mock_mail_gateway(), self.mock_mail_app():
            batch = self._import(to_csv(PLAIN))
        self.assertEqual((batch.state, batch.ticket_count), ("done", 3))
        self.assertFalse(self._new_mails)
        self.assertFalse(self._new_msgs)
        tickets = batch.ticket_ids
        self.assertFalse(tickets.user_id)
        self.assertFalse(tickets.message_ids)
        self.assertFalse(tickets.message_follower_ids)
        self.assertFalse(tickets.activity_ids)
        self.assertFalse(tickets.csp_commitment_ids)
        self.assertFalse(tickets.csp_policy_version_id)
        self.assertEqual(set(tickets.mapped("rating_status")), {"no_rate"})
        self.assertEqual(tickets.stage_id, self.stage_done)
        ticket = self._ticket(batch, "1")
        self.assertEqual(
            [(event.kind, event.at) for event in ticket.csp_event_ids.sorted("id")],
            [
                ("received", datetime(2012, 1, 10, 8)),
                ("staff_reply", datetime(2012, 1, 10, 9)),
                ("paused", datetime(2012, 1, 10, 10)),
                ("resumed", datetime(2012, 1, 11, 10)),
                ("closed", datetime(2012, 1, 11, 11)),
            ],
        )
        self.assertRecordValues(
            ticket,
            [
                {
                    "csp_received_at": datetime(2012, 1, 10, 8),
                    "create_date": datetime(2012, 1, 10, 8),
                    "csp_first_response_at": datetime(2012, 1, 10, 9),
                    "csp_closed_at": datetime(2012, 1, 11, 11),
                    "closed_date": datetime(2012, 1, 11, 11),
                    "csp_closed_as": "solved",
                    "csp_waiting_on": "none",
                    "priority": "2",
                    "partner_name": "C-1",
                    "csp_import_ref": "Old desk: 1",
                }
            ],
        )
        self.assertEqual(ticket.csp_event_ids[-1:].data["by"], "Ann")

    def test_a_request_of_today_keeps_its_number(self):
        sequence = self.env.ref("helpdesk_mgmt.helpdesk_ticket_sequence")
        before = sequence.number_next_actual
        self._import(to_csv(PLAIN))
        self.assertEqual(sequence.number_next_actual, before)

    def test_summer_time_of_rome(self):
        batch = self._import(to_csv(PLAIN))
        self.assertEqual(
            self._ticket(batch, "2").csp_received_at, datetime(2012, 7, 10, 7)
        )
        # 1:30 is summer time; 2:30 comes twice that night, and is the later one.
        self.assertEqual(
            self._ticket(batch, "3").csp_received_at, datetime(2012, 10, 27, 23, 30)
        )
        self.assertEqual(
            self._ticket(batch, "3").csp_closed_at, datetime(2012, 10, 28, 1, 30)
        )

    def test_reopened_after_the_grace_time_of_the_company(self):
        self.assertEqual(self._reopened_within_grace(7), False)
        self.assertEqual(self._reopened_within_grace(30), True)

    def _reopened_within_grace(self, days):
        self.env.company.csp_reopen_grace_days = days
        batch = self._import(to_csv(PLAIN), source=f"Desk {days}")
        ticket = self._ticket(batch, "2")
        self.assertEqual(ticket.csp_reopen_count, 1)
        event = ticket.csp_event_ids.filtered(lambda event: event.kind == "reopened")
        return event.data["within_grace"]

    def test_broken_row_17(self):
        rows = [
            row
            for number in range(1, 9)
            for row in rows_of(
                str(number),
                ("Insert ticket", "2012/01/10 09:00:00.000"),
                ("Resolve ticket", "2012/01/11 12:00:00.000"),
            )
        ]
        # Line 17 of the file is its 16th row below the header.
        rows[15][2] = "2012/01/32 12:00:00.000"
        batch = self._import(to_csv(rows))
        self.assertEqual(batch.ticket_count, 7)
        self.assertFalse(self._ticket(batch, "8"))
        self.assertEqual((batch.rejected_row_count, batch.rejected_case_count), (2, 1))
        head, other, broken = self._rejected(batch)
        self.assertEqual(tuple(head[2:]), HEADER)
        self.assertEqual(broken[0], "17")
        self.assertIn("2012/01/32 12:00:00.000", broken[1])
        self.assertEqual(broken[2:], rows[15])
        self.assertEqual(other[0], "16")
        self.assertTrue(other[1].endswith("17"), other[1])
        # Corrected, the case comes in, and nothing comes twice.
        rows[15][2] = "2012/01/12 12:00:00.000"
        again = self._import(to_csv(rows))
        self.assertEqual((again.existing_count, again.ticket_count), (7, 1))
        self.assertFalse(again.rejected_file)

    def test_twice_changes_nothing(self):
        self._import(to_csv(PLAIN))
        before = self.env["helpdesk.ticket"].search_count([])
        batch = self._upload(to_csv(PLAIN))
        batch.action_check()
        self.assertEqual((batch.existing_count, batch.ready_count), (3, 0))
        with self.assertRaises(UserError):
            batch.action_import()
        self.assertEqual(self.env["helpdesk.ticket"].search_count([]), before)

    def test_archived_tickets_do_not_come_again(self):
        self._import(to_csv(PLAIN)).ticket_ids.action_archive()
        batch = self._upload(to_csv(PLAIN))
        batch.action_check()
        self.assertEqual(batch.existing_count, 3)

    def test_the_database_refuses_a_case_twice(self):
        batch = self._import(to_csv(PLAIN))
        ticket = batch.ticket_ids[0]
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            ticket.sudo().with_context(csp_history=BY_ADDON).copy(
                {"csp_import_ref": ticket.csp_import_ref}
            )

    def test_a_killed_run_goes_on(self):
        batch = self._upload(to_csv(PLAIN))
        batch.action_check()
        batch.action_import()

        def kill(_count, remaining):
            raise KeyboardInterrupt

        with patch.object(csp_history_import, "BATCH", 1):
            # Not assertRaises, whose savepoint would take back what was done.
            with suppress(KeyboardInterrupt):
                batch._work(kill)
            self.env.invalidate_all()
            self.assertEqual((batch.state, batch.ticket_count), ("running", 1))
            self.assertEqual(round(batch.progress), 33)
            self._run_cron()
        self.assertEqual((batch.state, batch.ticket_count), ("done", 3))
        self.assertFalse(batch.file)

    def test_stop_and_go_on(self):
        batch = self._upload(to_csv(PLAIN))
        batch.action_check()
        batch.action_import()
        with patch.object(csp_history_import, "BATCH", 1):
            batch._work(lambda _count, remaining: batch.action_stop() or 10)
            self.assertEqual((batch.state, batch.ticket_count), ("failed", 1))
            batch.action_import()
            self._run_cron()
        self.assertEqual((batch.state, batch.ticket_count), ("done", 3))

    def test_a_failing_batch_is_told_and_leaves_no_half_case(self):
        batch = self._upload(to_csv(PLAIN))
        batch.action_check()
        batch.action_import()
        with (
            patch.object(
                type(self.env["helpdesk.ticket"]),
                "_csp_replay",
                side_effect=ValueError("no more disk"),
            ),
            mute_logger("odoo.addons.customer_service_plan.models.csp_history_import"),
        ):
            self._run_cron()
        self.assertEqual((batch.state, batch.ticket_count), ("failed", 0))
        self.assertIn("no more disk", batch.failure)
        batch.action_import()
        self._run_cron()
        self.assertEqual((batch.state, batch.ticket_count), ("done", 3))

    def test_a_conflict_is_no_failure(self):
        batch = self._upload(to_csv(PLAIN))
        batch.action_check()
        batch.action_import()
        with patch.object(
            type(self.env["csp.history.import"]), "_work", side_effect=_conflict_once()
        ):
            self._run_cron()
        self.assertEqual(batch.state, "running")

    def test_removal_of_the_whole_import(self):
        other = self._create_ticket()
        batch = self._import(to_csv(PLAIN))
        tickets = batch.ticket_ids
        with self.assertRaises(UserError):
            batch.unlink()
        batch.action_remove()
        self._run_cron()
        self.assertEqual((batch.state, batch.ticket_count), ("removed", 0))
        self.assertFalse(tickets.exists())
        self.assertTrue(other.exists())
        events = self.env["csp.ticket.event"].search([("ticket_id", "in", tickets.ids)])
        self.assertFalse(events)
        # It can be imported again.
        self.assertEqual(self._import(to_csv(PLAIN)).ticket_count, 3)
        mapping = batch.mapping_id
        batch.unlink()
        self.assertFalse(mapping.exists())

    def test_xlsx(self):
        book = Workbook()
        book.active.append(list(HEADER))
        for row in PLAIN:
            at = datetime.strptime(row[2][:19], "%Y/%m/%d %H:%M:%S")
            book.active.append([int(row[0]), row[1], at, *row[3:]])
        out = io.BytesIO()
        book.save(out)
        sheet = self._import(out.getvalue(), filename="past.xlsx", source="Sheet")
        text = self._import(to_csv(PLAIN), source="Text")
        self.assertEqual(sheet.ticket_count, 3)
        for number in "123":
            one, two = self._ticket(sheet, number), self._ticket(text, number)
            self.assertEqual(self._snapshot(one), self._snapshot(two))

    def test_a_row_per_case(self):
        content = to_csv(
            [
                ["7", "10.01.2012 09:00", "10.01.2012 10:00", "13.01.2012 09:00"],
                ["8", "11.01.2012 09:00", "", "12.01.2012 09:00"],
            ],
            header=["Ticket ID", "Created at", "First response", "Resolved at"],
        )
        batch = self._import(content)
        self.assertEqual(batch.date_order, "dmy")
        ticket = self._ticket(batch, "7")
        self.assertEqual(ticket.csp_first_response_at, datetime(2012, 1, 10, 9))
        self.assertEqual(ticket.csp_closed_at, datetime(2012, 1, 13, 8))

    def test_cases_without_an_end(self):
        rows = PLAIN[:3]
        batch = self._upload(to_csv(rows))
        batch.action_check()
        self.assertEqual((batch.ready_count, batch.rejected_row_count), (0, 3))
        batch.action_back()
        batch.unfinished = "end_unsolved"
        batch.action_check()
        batch.action_import()
        self._run_cron()
        ticket = batch.ticket_ids
        self.assertEqual(ticket.csp_closed_as, "cancelled")
        self.assertEqual(ticket.stage_id, self.stage_cancelled)
        self.assertEqual(ticket.csp_closed_at, datetime(2012, 1, 10, 10))

    def test_undecided_activities_reject_their_cases(self):
        rows = [
            *PLAIN,
            *rows_of("4", ("Insert ticket", "2012/01/10 09:00:00.000")),
            *rows_of("4", ("Create SW anomaly", "2012/01/10 10:00:00.000")),
        ]
        batch = self._upload(to_csv(rows))
        self.assertEqual(batch.undecided_count, 1)
        batch.action_check()
        self.assertEqual((batch.ready_count, batch.rejected_case_count), (3, 1))

    def test_values_and_customers(self):
        partner = self.env["res.partner"].create({"name": "Old friend", "ref": "C-1"})
        tag = self.env["helpdesk.ticket.tag"].create({"name": "Gold"})
        batch = self._upload(to_csv(PLAIN))
        severities = batch.value_ids.filtered(lambda value: value.role == "priority")
        self.assertEqual(
            {value.name: value.priority for value in severities},
            {"High": "2", "Low": "0"},
        )
        resource = batch.column_ids.filtered(lambda column: column.name == "Resource")
        batch.write({"column_ids": [(1, resource.id, {"role": "tag"})]})
        value = batch.value_ids.filtered(lambda value: value.role == "tag")
        self.assertEqual((value.name, value.row_count), ("Ann", len(PLAIN)))
        value.tag_id = tag
        batch.customer_as = "ref"
        batch.action_check()
        batch.action_import()
        self._run_cron()
        self.assertEqual(batch.ticket_ids.tag_ids, tag)
        self.assertEqual(self._ticket(batch, "1").partner_id, partner)
        # A customer who is not known here is not kept, and none is made.
        self.assertFalse(self._ticket(batch, "2").partner_id)
        self.assertFalse(self._ticket(batch, "2").partner_name)

    def test_a_column_for_each_meaning(self):
        batch = self._upload(to_csv(PLAIN))
        resource = batch.column_ids.filtered(lambda column: column.name == "Resource")
        with self.assertRaises(ValidationError):
            batch.write({"column_ids": [(1, resource.id, {"role": "case"})]})
        resource.role = "case"
        with self.assertRaises(ValidationError):
            batch.action_check()

    def test_what_is_missing_is_said(self):
        batch = self._upload(to_csv(PLAIN))
        batch.column_ids.filtered(lambda column: column.role == "time").role = False
        with self.assertRaisesRegex(UserError, "time of the activity"):
            batch.action_check()

    def test_no_table(self):
        batch = self.Import.create(
            {"filename": "x.png", "file": base64.b64encode(b"\x89PNG\x00\x00")}
        )
        with self.assertRaises(UserError):
            batch.action_read()

    def test_saved_mapping_is_found_again(self):
        batch = self._upload(to_csv(PLAIN))
        seriousness = batch.activity_ids.filtered(
            lambda activity: activity.name == "Assign seriousness"
        )
        seriousness.event = "ignore"
        saved = self.env["csp.history.mapping"].browse(
            batch.action_save_mapping()["res_id"]
        )
        self.assertTrue(saved.is_saved)
        self.assertFalse(any(saved.column_ids.mapped("sample")))
        again = self._upload(to_csv(PLAIN), filename="more.csv")
        self.assertEqual(again.template_id, saved)
        self.assertEqual(again.tz, "Europe/Rome")
        self.assertEqual(
            again.activity_ids.filtered(
                lambda activity: activity.name == "Assign seriousness"
            ).event,
            "ignore",
        )
        # Changing it here leaves the saved one alone.
        again.activity_ids.event = "work"
        self.assertIn("ignore", saved.activity_ids.mapped("event"))

    def test_shipped_mapping_fits_the_public_log(self):
        mapping = self.env.ref("customer_service_plan.csp_history_mapping_4tu")
        header = [
            *["Case ID", "Activity", "Resource", "Complete Timestamp", "Variant"],
            *["Variant index", "Variant (2)", "seriousness", "customer", "product"],
            *["responsible_section", "seriousness_2", "service_level", "service_type"],
            *["support_section", "workgroup"],
        ]
        self.assertTrue(mapping._fits(header))
        self.assertFalse(mapping._missing_roles())
        self.assertFalse(mapping._fits(HEADER))

    def test_preview_shows_the_file_in_its_own_time(self):
        batch = self._upload(to_csv(PLAIN))
        batch.action_check()
        self.assertIn("2012-01-10 09:00:00", batch.preview)
        self.assertFalse(batch.ticket_ids)

    def test_preview_escapes_the_file(self):
        rows = rows_of(
            "<img src=x onerror=alert(1)>",
            ("Insert ticket", "2012/01/10 09:00:00.000"),
            ("Resolve ticket", "2012/01/11 12:00:00.000"),
        )
        batch = self._import(to_csv(rows))
        self.assertIn("&lt;img", batch.preview)
        self.assertIn("&lt;img", batch.ticket_ids.description)

    def test_form(self):
        with Form(self.Import) as form:
            form.file = base64.b64encode(to_csv(PLAIN))
        batch = form.record
        batch.action_read()
        with Form(batch) as form:
            form.tz = "Europe/Rome"
            with form.activity_ids.edit(0) as line:
                line.event = "work"
        self.assertEqual(batch.activity_ids[0].event, "work")

    def test_a_state_is_not_left_twice(self):
        batch = self._import(to_csv(PLAIN))
        for step in ("action_read", "action_check", "action_import", "action_stop"):
            with self.subTest(step=step), self.assertRaises(UserError):
                getattr(batch, step)()

    def test_cost_does_not_grow_with_the_cases(self):
        def queries(count, source):
            rows = [
                row
                for number in range(count)
                for row in rows_of(
                    str(number),
                    ("Insert ticket", "2012/01/10 09:00:00.000"),
                    ("Resolve ticket", "2012/01/11 12:00:00.000"),
                )
            ]
            batch = self._upload(to_csv(rows), source=source)
            batch.action_check()
            batch.action_import()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            batch._work()
            return self.env.cr.sql_log_count - before

        queries(1, "warm")
        # helpdesk_mgmt_rating asks for the ratings of each new ticket by itself.
        self.assertEqual(queries(50, "fifty") - queries(1, "one"), 49)


def _conflict_once():
    raised = []

    def work(*_args):
        if raised:
            return False
        raised.append(True)
        raise SerializationFailure

    return work


class TestHistoryAccess(HistoryCommon):
    def test_only_managers(self):
        batch = self._upload(to_csv(PLAIN))
        for model in (
            "csp.history.import",
            "csp.history.mapping",
            "csp.history.column",
            "csp.history.activity",
            "csp.history.value",
        ):
            records = self.env[model].with_user(self.agent)
            for operation in ("read", "write", "create", "unlink"):
                with self.subTest(model=model, operation=operation):
                    self.assertFalse(records.has_access(operation))
        for step in (
            "action_read",
            "action_check",
            "action_back",
            "action_import",
            "action_stop",
            "action_remove",
            "action_save_mapping",
        ):
            with self.subTest(step=step), self.assertRaises(AccessError):
                getattr(batch.with_user(self.agent), step)()

    def test_agent_does_not_see_where_a_ticket_came_from(self):
        batch = self._import(to_csv(PLAIN))
        ticket = batch.ticket_ids[0].with_user(self.agent)
        self.assertNotIn("csp_import_id", ticket.fields_get())

    def test_companies(self):
        company = self.env["res.company"].create({"name": "Second company"})
        self._import(to_csv(PLAIN))
        other = new_test_user(
            self.env,
            "csp_manager_2",
            groups="customer_service_plan.group_manager",
            company_id=company.id,
            company_ids=[(6, 0, company.ids)],
        )
        self.assertFalse(self.env["csp.history.import"].with_user(other).search([]))
        self.Import = self.env["csp.history.import"].with_user(other)
        # The same cases, for a company of its own.
        batch = self._import(to_csv(PLAIN))
        self.assertEqual(batch.ticket_count, 3)
        self.assertEqual(batch.ticket_ids.company_id, company)
        with self.assertRaises(AccessError):
            batch.with_user(self.manager).with_context(
                allowed_company_ids=self.env.company.ids
            ).read(["filename"])

    def test_same_cases_for_another_company_of_the_same_manager(self):
        company = self.env["res.company"].create({"name": "Second company"})
        self.manager.company_ids += company
        companies = (self.env.company | company).ids
        self.Import = self.Import.with_context(allowed_company_ids=companies)
        self._import(to_csv(PLAIN))
        batch = self._import(to_csv(PLAIN), company_id=company.id)
        self.assertEqual((batch.existing_count, batch.ticket_count), (0, 3))
        self.assertEqual(batch.ticket_ids.company_id, company)

    def test_saved_mapping_of_another_company_is_not_offered(self):
        company = self.env["res.company"].create({"name": "Second company"})
        saved = self.env["csp.history.mapping"].browse(
            self._upload(to_csv(PLAIN)).action_save_mapping()["res_id"]
        )
        saved.company_id = company
        batch = self._upload(to_csv(PLAIN))
        self.assertNotEqual(batch.template_id, saved)

    def test_rights_lost_meanwhile(self):
        batch = self._upload(to_csv(PLAIN))
        batch.action_check()
        batch.action_import()
        self.manager.group_ids = [(6, 0, self.env.ref("base.group_user").ids)]
        with mute_logger(
            "odoo.addons.customer_service_plan.models.csp_history_import",
            "odoo.addons.base.models.ir_rule",
            "odoo.addons.base.models.ir_model",
        ):
            self._run_cron()
        batch = batch.with_user(self.env.user)
        self.assertEqual((batch.state, batch.ticket_count), ("failed", 0))

    @freeze_time("2012-01-10 08:30:00")
    def test_nothing_from_the_future(self):
        batch = self._upload(to_csv(PLAIN))
        batch.action_check()
        self.assertEqual((batch.ready_count, batch.rejected_case_count), (0, 3))
        self.assertIn("future", batch.rejected_text)
