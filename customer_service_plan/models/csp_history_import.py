import base64
import csv
import io
import logging
import time
from collections import Counter
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from markupsafe import Markup
from psycopg2.errors import SerializationFailure

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, plaintext2html, split_every

from ..tools import history
from ..tools.epoch import from_epoch, to_epoch
from .csp_history_value import TARGETS
from .protected import BY_ADDON

_logger = logging.getLogger(__name__)

#: Tickets in one transaction: enough to be fast, few enough to see progress.
BATCH = 500
PREVIEW_CASES = 6
#: More different values than these are no list that a person would go through.
MOST_ACTIVITIES = 200
MOST_VALUES = 100


class CspHistoryImport(models.Model):
    """A file of past tickets on its way into the help desk, and afterwards the record
    of what came in.

    Imported tickets are closed history: nobody is told, assigned or reminded, and they
    carry no promise until a manager applies a policy to them.
    """

    _name = "csp.history.import"
    _inherits = {"csp.history.mapping": "mapping_id"}
    _description = "Import of Past Tickets"
    _order = "id desc"
    _rec_name = "filename"

    mapping_id = fields.Many2one(
        comodel_name="csp.history.mapping",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self.env.company,
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Started by",
        readonly=True,
        copy=False,
        ondelete="set null",
        help="The import works with the access rights of this person.",
    )
    state = fields.Selection(
        selection=[
            ("draft", "File"),
            ("mapping", "Mapping"),
            ("checked", "Check"),
            ("running", "Importing"),
            ("done", "Imported"),
            ("failed", "Stopped"),
            ("removing", "Removing"),
            ("removed", "Removed"),
        ],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
    )
    file = fields.Binary(
        attachment=True,
        copy=False,
        help="CSV, also packed with gzip, or XLSX. The first row has the names of the "
        "columns. It is not kept after the import.",
    )
    filename = fields.Char(string="Name of the file", default="", copy=False)
    template_id = fields.Many2one(
        comodel_name="csp.history.mapping",
        string="Saved mapping",
        domain="[('is_saved', '=', True), ('company_id', 'in', [False, company_id])]",
        ondelete="set null",
        help="Empty: a saved one is used if it fits the columns of the file, "
        "otherwise the columns are guessed.",
    )
    understood_as = fields.Char(readonly=True, copy=False)
    undecided_count = fields.Integer(compute="_compute_undecided_count")

    # What the check found.
    row_count = fields.Integer(string="Rows", readonly=True, copy=False)
    case_count = fields.Integer(string="Cases", readonly=True, copy=False)
    ready_count = fields.Integer(string="Cases to import", readonly=True, copy=False)
    existing_count = fields.Integer(
        string="Already here",
        readonly=True,
        copy=False,
        help="Cases that an earlier import brought in. They stay as they are.",
    )
    rejected_row_count = fields.Integer(
        string="Rejected rows", readonly=True, copy=False
    )
    rejected_case_count = fields.Integer(
        string="Rejected cases",
        readonly=True,
        copy=False,
        help="A case with a row that cannot be read is left out as a whole: without "
        "that row it would be measured wrongly.",
    )
    rejected_text = fields.Text(string="Reasons", readonly=True, copy=False)
    rejected_file = fields.Binary(attachment=True, readonly=True, copy=False)
    rejected_filename = fields.Char(compute="_compute_rejected_filename")
    note_text = fields.Text(string="Put in order", readonly=True, copy=False)
    preview = fields.Html(string="First cases", readonly=True, copy=False)

    # The run.
    started_at = fields.Datetime(string="Started", readonly=True, copy=False)
    finished_at = fields.Datetime(string="Finished", readonly=True, copy=False)
    failure = fields.Text(string="What went wrong", readonly=True, copy=False)
    ticket_ids = fields.One2many(
        comodel_name="helpdesk.ticket",
        inverse_name="csp_import_id",
        context={"active_test": False},
    )
    ticket_count = fields.Integer(string="Tickets", compute="_compute_ticket_count")
    progress = fields.Float(compute="_compute_ticket_count", aggregator="avg")

    @api.depends("filename", "file")
    def _compute_display_name(self):
        for batch in self:
            batch.display_name = batch.filename or self.env._("New import")

    @api.depends("filename")
    def _compute_rejected_filename(self):
        for batch in self:
            stem = (batch.filename or "").split(".")[0]
            batch.rejected_filename = f"{stem}_rejected.csv"

    @api.depends("activity_ids.event")
    def _compute_undecided_count(self):
        for batch in self:
            batch.undecided_count = sum(
                not activity.event for activity in batch.activity_ids
            )

    @api.depends("state", "ready_count")
    def _compute_ticket_count(self):
        counts = dict(
            self.env["helpdesk.ticket"]
            .with_context(active_test=False)
            ._read_group(
                [("csp_import_id", "in", self.ids)], ["csp_import_id"], ["__count"]
            )
        )
        for batch in self:
            batch.ticket_count = counts.get(batch, 0)
            total = batch.ready_count
            batch.progress = 100.0 * batch.ticket_count / total if total else 0.0

    # === Life ===

    @api.model_create_multi
    def create(self, vals_list):
        prepared = []
        for vals in vals_list:
            company_id = vals.get("company_id") or self.env.company.id
            vals = dict(vals, company_id=company_id)
            vals.setdefault("name", vals.get("filename") or self.env._("New import"))
            prepared.append(vals)
        batches = super().create(prepared)
        for batch in batches:
            # Examples from the file stay with the company the file belongs to.
            batch.mapping_id.company_id = batch.company_id
        return batches

    def write(self, vals):
        result = super().write(vals)
        if "column_ids" in vals:
            for batch in self.filtered(lambda batch: batch.state == "mapping"):
                batch._read_values(batch._read_table())
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_with_tickets(self):
        if any(batch.ticket_count for batch in self):
            raise UserError(
                self.env._(
                    "The tickets of this import are still here. Remove the import "
                    "first."
                )
            )

    def unlink(self):
        mappings = self.mapping_id
        result = super().unlink()
        mappings.unlink()
        return result

    def _refuse_unless(self, *states):
        self.check_access("write")
        for batch in self:
            if batch.state not in states:
                raise UserError(
                    self.env._(
                        "“%s” has gone on in the meantime. Reload the page.",
                        batch.display_name,
                    )
                )

    # === Step 1: the file ===

    def action_read(self):
        """Recognise the file and propose what its columns mean."""
        self._refuse_unless("draft", "mapping")
        for batch in self:
            if not batch.file:
                raise UserError(self.env._("Choose a file first."))
            table = batch._read_table()
            rows = list(islice(table.rows(), history.SAMPLE_ROWS))
            if not rows:
                raise UserError(self.env._("There are no rows below the header."))
            template = batch.template_id or batch._find_template(table.header)
            batch._take_template(template)
            batch._read_columns(table, rows)
            batch.write(
                {
                    "name": batch.filename or self.env._("Past tickets"),
                    "state": "mapping",
                    "template_id": template.id,
                    "source": batch.source
                    or (batch.filename or "").split(".")[0]
                    or self.env._("Past tickets"),
                    "understood_as": batch._describe_file(table),
                }
            )
            batch._read_values(table)
        return True

    def _read_table(self):
        self.ensure_one()
        content = base64.b64decode(self.with_context(bin_size=False).file or b"")
        with self._explained():
            return history.read_table(content)

    def _explained(self):
        return _Explained(self.env)

    def _describe_file(self, table):
        separators = {
            ",": self.env._("comma"),
            ";": self.env._("semicolon"),
            "\t": self.env._("tab"),
            "|": self.env._("bar"),
        }
        if not table.separator:
            return self.env._("Spreadsheet, first sheet")
        return self.env._(
            "Text in %(encoding)s, columns separated by %(separator)s",
            encoding=table.encoding.removesuffix("-sig").upper(),
            separator=separators[table.separator],
        )

    def _find_template(self, header):
        """The saved mapping that reads most columns of such a file, if any fits."""
        saved = self.env["csp.history.mapping"].search(
            [
                ("is_saved", "=", True),
                ("company_id", "in", [False, self.company_id.id]),
            ]
        )
        fitting = saved.filtered(lambda mapping: mapping._fits(header))
        return max(
            fitting,
            key=lambda mapping: len(mapping.column_ids.filtered("role")),
            default=saved.browse(),
        )

    def _take_template(self, template):
        """Start from the settings of a saved mapping, or from none."""
        own = self.mapping_id
        own.column_ids.unlink()
        own.activity_ids.unlink()
        own.value_ids.unlink()
        if template:
            values = template.copy_data({"name": own.name})[0]
            values["company_id"] = self.company_id.id
            own.write(values)

    def _read_columns(self, table, rows):
        """Write the columns of the file, with what they probably hold."""
        by_name = {history.fold(line.name): line.role for line in self.column_ids}
        if any(by_name.values()):
            roles = {
                index: by_name.get(history.fold(name))
                for index, name in enumerate(table.header)
            }
        else:
            roles = history.guess_columns(table.header, rows)
        lines = []
        for index, name in enumerate(table.header):
            cells = [
                history.to_text(row.cells[index])
                for row in rows
                if index < len(row.cells)
            ]
            lines.append(
                {
                    "mapping_id": self.mapping_id.id,
                    "sequence": index,
                    "name": name,
                    "sample": " · ".join(islice(dict.fromkeys(filter(None, cells)), 4))[
                        :100
                    ],
                    "role": roles.get(index),
                }
            )
        self.column_ids.unlink()
        self.env["csp.history.column"].create(lines)
        times = [
            row.cells[index]
            for index, role in roles.items()
            if role == history.TIME or role in history.MOMENTS
            for row in rows
            if index < len(row.cells) and history.to_text(row.cells[index])
        ]
        order = history.guess_date_order(times)
        if order and not self.template_id:
            self.date_order = order

    def _read_values(self, table):
        """List the activities and values of the file; keep what was said of them."""
        self.ensure_one()
        roles = {history.fold(line.name): line.role for line in self.column_ids}
        columns = {
            index: role
            for index, name in enumerate(table.header)
            if (role := roles.get(history.fold(name)))
            and (role == history.ACTIVITY or role in TARGETS)
        }
        found = {role: Counter() for role in columns.values()}
        with self._explained():
            for row in table.rows():
                for index, role in columns.items():
                    if index < len(row.cells):
                        found[role][history.to_text(row.cells[index])] += 1
        for counts in found.values():
            counts.pop("", None)
        self._write_activities(found.pop(history.ACTIVITY, Counter()))
        self._write_values(found)

    def _write_activities(self, counts):
        if len(counts) > MOST_ACTIVITIES:
            raise UserError(
                self.env._(
                    "The column of the activities has %s different values. Is it "
                    "really that one?",
                    len(counts),
                )
            )
        known = {history.fold(line.name): line for line in self.activity_ids}
        names = {history.fold(name) for name in counts}
        self.activity_ids.filtered(
            lambda line: history.fold(line.name) not in names
        ).unlink()
        new = []
        for sequence, (name, count) in enumerate(counts.most_common()):
            line = known.get(history.fold(name))
            if line:
                line.write({"row_count": count, "sequence": sequence})
            else:
                new.append(
                    {
                        "mapping_id": self.mapping_id.id,
                        "sequence": sequence,
                        "name": name,
                        "row_count": count,
                        "event": history.guess_event(name),
                    }
                )
        self.env["csp.history.activity"].create(new)

    def _write_values(self, found):
        known = {(line.role, history.fold(line.name)): line for line in self.value_ids}
        wanted = {
            (role, history.fold(name)): (name, count)
            for role, counts in found.items()
            for name, count in counts.most_common(MOST_VALUES)
        }
        self.value_ids.filtered(
            lambda line: (line.role, history.fold(line.name)) not in wanted
        ).unlink()
        new = []
        for sequence, ((role, folded), (name, count)) in enumerate(wanted.items()):
            line = known.get((role, folded))
            if line:
                line.write({"row_count": count, "sequence": sequence})
            else:
                new.append(
                    {
                        "mapping_id": self.mapping_id.id,
                        "sequence": sequence,
                        "role": role,
                        "name": name,
                        "row_count": count,
                        TARGETS[role]: self._guess_target(role, folded),
                    }
                )
        self.env["csp.history.value"].create(new)

    def _guess_target(self, role, folded):
        """What has that very name here."""
        line_fields = self.env["csp.history.value"]._fields
        if role == "priority":
            for key, label in line_fields["priority"]._description_selection(self.env):
                if folded in (key, history.fold(label)):
                    return key
            return False
        records = self.env[line_fields[TARGETS[role]].comodel_name].search(
            [("company_id", "in", [False, self.company_id.id])]
        )
        return records.filtered(lambda record: history.fold(record.name) == folded)[
            :1
        ].id

    def action_save_mapping(self):
        """Keep this mapping for other files, without examples from this one."""
        self._refuse_unless("mapping", "checked", "done", "failed")
        self.ensure_one()
        saved = self.mapping_id.copy(
            {"name": self.source or self.name, "company_id": self.company_id.id}
        )
        saved.is_saved = True
        return {
            "type": "ir.actions.act_window",
            "res_model": "csp.history.mapping",
            "res_id": saved.id,
            "view_mode": "form",
            "target": "new",
        }

    # === Step 2: the check ===

    def action_check(self):
        """Read the whole file as the import will, without importing anything."""
        self._refuse_unless("mapping", "checked")
        for batch in self:
            batch.mapping_id._check_columns()
            missing = batch.mapping_id._missing_roles()
            if missing:
                raise UserError(
                    self.env._(
                        "Say which column holds %s.", self.env._(", and ").join(missing)
                    )
                )
            table, past = batch._build()
            rejected_cases = {row.case for row in past.rejected if row.case}
            pending = batch._pending(past.cases)
            batch.write(
                {
                    "state": "checked",
                    "row_count": past.row_count,
                    "case_count": past.case_count,
                    "ready_count": len(pending),
                    "existing_count": len(past.cases) - len(pending),
                    "rejected_row_count": len(past.rejected),
                    "rejected_case_count": len(rejected_cases),
                    "rejected_text": batch._describe_rejected(past),
                    "rejected_file": batch._rejected_file(table, past),
                    "note_text": batch._describe_notes(past.notes),
                    "preview": batch._render_preview(past.cases[:PREVIEW_CASES]),
                }
            )
        return True

    def action_back(self):
        """Return to the mapping."""
        self._refuse_unless("checked", "mapping")
        for batch in self:
            batch.state = "mapping" if batch.state == "checked" else "draft"
        return True

    def _build(self):
        """The cases of the file under this mapping.

        Deterministic: what was checked is what is imported, and a run that was cut off
        goes on where it was.
        """
        self.ensure_one()
        table = self._read_table()
        plan = self.mapping_id._plan(
            table.header,
            self.company_id.csp_reopen_grace_days,
            to_epoch(self.started_at or fields.Datetime.now()),
        )
        with self._explained():
            return table, history.build(table, plan)

    def _import_ref(self, case):
        return f"{self.source}: {case.ref}"

    def _pending(self, cases):
        """Those cases that no import has brought in yet."""
        refs = [self._import_ref(case) for case in cases]
        tickets = (
            self.env["helpdesk.ticket"]
            .with_context(active_test=False)
            .search_fetch(
                [
                    ("company_id", "=", self.company_id.id),
                    ("csp_import_ref", "in", refs),
                ],
                ["csp_import_ref"],
            )
        )
        here = set(tickets.mapped("csp_import_ref"))
        return [case for case, ref in zip(cases, refs, strict=True) if ref not in here]

    def _reason_texts(self):
        return {
            "too_many_cells": self.env._("more cells than the header has columns"),
            "no_case": self.env._("no case number"),
            "no_activity": self.env._("no activity"),
            "unknown_activity": self.env._("unknown activity"),
            "no_time": self.env._("no time"),
            "bad_date": self.env._("not a date in the order that was chosen"),
            "future": self.env._("lies in the future"),
            "no_receipt": self.env._("the case has no row for its receipt"),
            "before_receipt": self.env._("older than the receipt of the case"),
            "not_ended": self.env._("the case has not ended"),
            "other_row": self.env._("its case is left out because of line"),
        }

    def _describe_rejected(self, past):
        texts = self._reason_texts()
        counts = Counter(row.reason for row in past.rejected)
        others = counts.pop("other_row", 0)
        lines = [f"{count} × {texts[code]}" for code, count in counts.most_common()]
        if others:
            lines.append(
                self.env._("%s × another row of the same case is rejected", others)
            )
        return "\n".join(lines)

    def _rejected_file(self, table, past):
        """The rejected rows as they are in the file, with line number and reason."""
        if not past.rejected:
            return False
        texts = self._reason_texts()
        reasons = {}
        for row in past.rejected:
            text = texts[row.reason]
            reasons[row.line] = f"{text}: {row.value}" if row.value else text
        out = io.StringIO()
        writer = csv.writer(out, delimiter=table.separator or ",")
        writer.writerow([self.env._("Line"), self.env._("Reason"), *table.header])
        for row in table.rows():
            if row.line in reasons:
                cells = [history.to_text(cell) for cell in row.cells]
                writer.writerow([row.line, reasons[row.line], *cells])
        # With the mark that makes spreadsheet programs read it as UTF-8.
        return base64.b64encode(out.getvalue().encode("utf-8-sig"))

    def _describe_notes(self, notes):
        texts = {
            "assumed_receipt": self.env._(
                "%s cases have no row for their receipt: they were received with their "
                "first row."
            ),
            "answered_at_receipt": self.env._(
                "%s of these begin with an answer or with their end: their first "
                "response took no time, since the file knows nothing before it."
            ),
            "wait_ended": self.env._("%s waits ended with the next row."),
            "wait_goes_on": self.env._("%s waits followed a wait, which went on."),
            "wait_while_closed": self.env._("%s waits on closed cases mean nothing."),
            "closed_again": self.env._(
                "%s closings of cases that were closed already mean nothing: the first "
                "one counts."
            ),
            "reopened_by_work": self.env._(
                "%s times staff worked on a closed case, which reopened it."
            ),
            "received_again": self.env._("%s further receipts count as work."),
            "nothing_to_resume": self.env._("%s resumptions resumed nothing."),
            "nothing_to_reopen": self.env._("%s reopenings reopened nothing."),
            "ended_unsolved": self.env._(
                "%s cases have no end: they ended at their last row, as not solved."
            ),
        }
        return "\n".join(
            text % f"{notes[code]:,}" for code, text in texts.items() if notes[code]
        )

    def _render_preview(self, cases):
        """The first cases as events, in the time zone of the file."""
        kinds = dict(
            self.env["csp.ticket.event"]
            ._fields["kind"]
            ._description_selection(self.env)
        )
        zone = ZoneInfo(self.tz)
        row = Markup(
            "<tr><td class='text-nowrap pe-3'>%s</td><td class='text-nowrap pe-3'>%s"
            "</td><td class='pe-3'>%s</td><td class='text-end text-muted'>%s</td></tr>"
        )
        table = Markup(
            "<h5 class='mt-3 mb-1'>%s <small class='text-muted'>%s</small></h5>"
            "<table class='table table-sm mb-0'>%s</table>"
        )
        parts = []
        for case in cases:
            attributes = " · ".join(case.attributes.values())
            rows = [
                row
                % (
                    datetime.fromtimestamp(step.at, zone).strftime("%Y-%m-%d %H:%M:%S"),
                    kinds[step.kind],
                    self._describe_step(step),
                    self.env._("line %s", step.line),
                )
                for step in case.steps
            ]
            parts.append(table % (case.ref, attributes, Markup("").join(rows)))
        return Markup("").join(parts)

    def _describe_step(self, step):
        words = {
            "solved": self.env._("solved"),
            "cancelled": self.env._("not solved"),
            "customer": self.env._("for the customer"),
            "third_party": self.env._("for a third party"),
        }
        parts = [
            words.get(step.data.get("outcome") or step.data.get("waiting_on")),
            step.data.get("by"),
        ]
        return " · ".join(filter(None, parts))

    # === Step 3: the import ===

    def action_import(self):
        """Start the import, or let it go on; it runs in the background."""
        self._refuse_unless("checked", "failed", "running")
        for batch in self:
            if batch.state == "checked" and not batch.ready_count:
                raise UserError(self.env._("There is no case to import."))
            batch.write(
                {
                    "state": "running",
                    "user_id": self.env.uid,
                    "started_at": batch.started_at or fields.Datetime.now(),
                    "failure": False,
                }
            )
        self._wake_up()
        return True

    def action_stop(self):
        """Stop after the tickets in work; those already imported stay."""
        self._refuse_unless("running")
        self.write({"state": "failed", "failure": self.env._("Stopped by hand.")})
        return True

    def action_remove(self):
        """Remove every ticket of this import again."""
        self._refuse_unless("done", "failed", "removing")
        self.write({"state": "removing", "user_id": self.env.uid})
        self._wake_up()
        return True

    def _wake_up(self):
        # sudo: ir.cron: only lets the scheduled action of this import run now
        self.env.ref("customer_service_plan.ir_cron_history_import").sudo()._trigger()

    @api.model
    def _cron_run(self):
        """Do what imports wait for, in batches that are committed one by one."""
        Cron = self.env["ir.cron"]
        while batch := self.search(
            [("state", "in", ("running", "removing"))], order="id", limit=1
        ):
            try:
                ended = batch._as_its_user()._work(Cron._commit_progress)
            except SerializationFailure:
                # Somebody changed the import meanwhile; what was done stays done.
                self.env.cr.rollback()
                ended = True
            except Exception as error:
                self.env.cr.rollback()
                _logger.exception("Import %s of past tickets stopped", batch.id)
                batch.invalidate_recordset()
                batch.write({"state": "failed", "failure": str(error)})
                ended = Cron._commit_progress(1, remaining=0)
            if not ended:
                return

    def _as_its_user(self):
        """Work with the rights of who started it, in the company of the tickets."""
        return (
            self.with_user(self.user_id)
            .with_context(lang=self.user_id.lang, tz=self.user_id.tz)
            .with_company(self.company_id)
        )

    def _work(self, checkpoint=None):
        """Import or remove what is left.

        :param checkpoint: called with the number of tickets done and `remaining=` after
            each batch; gives the seconds that are left
        :return: whether it came to its end
        """
        self.ensure_one()
        began = time.monotonic()
        if self.state == "removing":
            todo = self.with_context(active_test=False).ticket_ids.ids
            step, finish = self._remove_tickets, self._finish_removing
        else:
            todo = self._pending(self._build()[1].cases)
            step, finish = self._import_cases, self._finish_importing
        # Reading a large file takes its time, which is to be worth while.
        prepared = time.monotonic()
        patience = prepared - began
        state = self.state
        done = 0
        for part in split_every(BATCH, todo, list):
            step(part)
            done += len(part)
            if checkpoint:
                # One more than the tickets: the finish is still to do.
                left = checkpoint(len(part), remaining=len(todo) - done + 1)
                self.invalidate_recordset()
                if self.state != state:
                    return True
                if not left and time.monotonic() - prepared > patience:
                    return False
        finish()
        if checkpoint:
            checkpoint(1, remaining=0)
        return True

    def _finish_importing(self):
        self.write(
            {
                "state": "done",
                "finished_at": fields.Datetime.now(),
                "file": False,
                "ready_count": self.ticket_count,
            }
        )

    def _finish_removing(self):
        self.write({"state": "removed", "file": False})

    def _remove_tickets(self, ids):
        tickets = self.env["helpdesk.ticket"].with_context(csp_by_addon=BY_ADDON)
        tickets.browse(ids).unlink()

    def _import_cases(self, cases):
        """Make tickets of cases, with their events, as closed history."""
        self.ensure_one()
        lookup = self._lookup(cases)
        tickets = (
            self.env["helpdesk.ticket"]
            # No log, no follower, no mail: nothing happens today.
            .with_context(csp_history=BY_ADDON, tracking_disable=True)
            .create([self._prepare_ticket_values(case, lookup) for case in cases])
        )
        self._date_back(tickets)
        self.env["csp.ticket.event"]._insert(
            [
                (ticket.id, step.kind, step.at, None, None, step.data or None)
                for ticket, case in zip(tickets, cases, strict=True)
                for step in case.steps
            ]
        )
        tickets._csp_replay()
        return tickets

    def _prepare_ticket_values(self, case, lookup):
        closing = next(step for step in reversed(case.steps) if step.kind == "closed")
        closed_at = from_epoch(closing.at)
        text = self.env._(
            "Imported from %(file)s: %(case)s",
            file=self.filename or self.source,
            case=case.ref,
        )
        values = {
            "name": case.attributes.get("subject") or self.source,
            # Its own number: the tickets of today are numbered without gaps.
            "number": case.ref,
            "description": plaintext2html(text),
            "company_id": self.company_id.id,
            "user_id": False,
            "team_id": False,
            "rating_status": "no_rate",
            "csp_import_id": self.id,
            "csp_import_ref": self._import_ref(case),
            "csp_received_at": from_epoch(case.received_at),
            "closed_date": closed_at,
            "last_stage_update": closed_at,
        }
        for role, field_name in TARGETS.items():
            target = lookup.values.get(
                (role, history.fold(case.attributes.get(role, "")))
            )
            if target and role == "tag":
                values["tag_ids"] = [fields.Command.link(target)]
            elif target:
                values[field_name] = target
        values["stage_id"] = lookup.get_stage(
            values["team_id"], closing.data.get("outcome")
        )
        customer = case.attributes.get("customer", "")
        if self.customer_as != "nothing" and customer:
            partner = lookup.partners.get(history.fold(customer))
            if partner:
                values["partner_id"] = partner.id
                values["partner_name"] = partner.name
                values["partner_email"] = partner.email
            elif self.customer_as == "text":
                values["partner_name"] = customer
        return values

    def _date_back(self, tickets):
        """Let past tickets count in the month they came in, not in that of the import.

        The field is not one that can be written, only set beside the ORM.
        """
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE helpdesk_ticket SET create_date = csp_received_at"
                " WHERE id = ANY(%s)",
                tickets.ids,
            )
        )
        tickets.invalidate_recordset(["create_date"])

    def _lookup(self, cases):
        return _Lookup(self, cases)

    # === Afterwards ===

    def action_open_tickets(self):
        """Show the tickets of this import."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Imported tickets"),
            "res_model": "helpdesk.ticket",
            "view_mode": "list,form",
            "domain": [("csp_import_id", "=", self.id)],
            "context": {"active_test": False, "create": False},
        }

    def action_apply_policy(self):
        """Ask which policy to measure these tickets by."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_promise_apply_action"
        )
        action["context"] = {
            "default_import_id": self.id,
            "default_company_id": self.company_id.id,
        }
        return action

    # === From the shell ===

    @api.model
    def _import_file(self, filename, content, mapping=None, company=None, report=None):
        """Do all the steps at once, with the mapping that fits best.

        :param content: bytes of the file
        :param mapping: a saved mapping; none: as in the screens
        :param report: called with (tickets done, tickets in all) after each batch,
            which is then committed
        :return: the import, not finished where a person must first decide on something
        """
        batch = self.create(
            {
                "filename": filename,
                "file": base64.b64encode(content),
                "template_id": mapping.id if mapping else False,
                "company_id": (company or self.env.company).id,
                "user_id": self.env.uid,
            }
        )
        batch.action_read()
        if batch.mapping_id._missing_roles() or batch.undecided_count:
            return batch
        batch.action_check()
        if not batch.ready_count:
            return batch
        batch.write({"state": "running", "started_at": fields.Datetime.now()})
        total = batch.ready_count

        def checkpoint(count, remaining):
            left = self.env["ir.cron"]._commit_progress(count, remaining=remaining)
            if remaining:
                report(total - remaining + 1, total)
            return left

        batch._as_its_user()._work(report and checkpoint)
        return batch


class _Lookup:
    """What cases refer to, fetched once for a batch of them."""

    def __init__(self, batch, cases):
        self._env = batch.env
        self._company = batch.company_id
        self._stages = {}
        self.values = {
            (line.role, history.fold(line.name)): line._target()
            for line in batch.value_ids
        }
        self.partners = {}
        field_name = {"ref": "ref", "email": "email_normalized"}.get(batch.customer_as)
        if field_name:
            texts = {case.attributes.get("customer", "") for case in cases} - {""}
            if field_name == "email_normalized":
                texts = {text.lower() for text in texts}
            found = batch.env["res.partner"].search_fetch(
                [
                    (field_name, "in", list(texts)),
                    ("company_id", "in", [False, self._company.id]),
                ],
                [field_name, "name", "email"],
                order="id desc",
            )
            # The oldest contact of several with the same reference.
            self.partners = {
                history.fold(partner[field_name]): partner for partner in found
            }

    def get_stage(self, team_id, outcome):
        """Id of the first closing stage with that outcome that the team may use.

        :raises UserError: when there is no closing stage at all
        """
        key = team_id, outcome
        if key not in self._stages:
            team = self._env["helpdesk.ticket.team"].browse(team_id or [])
            stages = team.with_company(self._company)._get_applicable_stages()
            if not stages.filtered("closed"):
                stages = self._env["helpdesk.ticket.stage"].search(
                    [("company_id", "in", [False, self._company.id])]
                )
            stages = stages.filtered("closed")
            if not stages:
                raise UserError(
                    self._env._(
                        "There is no closing stage that imported tickets could be in."
                    )
                )
            fitting = stages.filtered(
                lambda stage: (stage.csp_outcome or "solved") == outcome
            )
            self._stages[key] = (fitting or stages)[0].id
        return self._stages[key]


class _Explained:
    """Turns what is wrong with a file into words for its user."""

    def __init__(self, env):
        self._env = env

    def __enter__(self):
        return self

    def __exit__(self, _type, error, _traceback):
        if not isinstance(error, history.HistoryError):
            return
        texts = {
            "empty": self._env._("The file is empty."),
            "too_large": self._env._("The file is too large. Divide it by cases."),
            "no_table": self._env._(
                "The file has a single column only. It must be a CSV, whose columns "
                "are separated by comma, semicolon, tab or bar, or an XLSX."
            ),
            "not_text": self._env._("This is neither a CSV nor an XLSX file."),
        }
        text = texts.get(error.code) or self._env._("The file is damaged.")
        if error.line:
            text = self._env._(
                "%(problem)s It can be read up to line %(line)s.",
                problem=text,
                line=error.line,
            )
        raise UserError(text) from error
