import hashlib
import json

from odoo import fields, models

#: Stored, copied fields that say nothing to who reads a version.
NO_CONTENT = frozenset({"html_field_history"})


class CspPolicyVersion(models.Model):
    """What a version says, as plain values: to prove that nobody has changed it."""

    _inherit = "csp.policy.version"

    content_hash = fields.Char(
        readonly=True,
        copy=False,
        help="A fingerprint (SHA-256) of all that the version said when tickets were "
        "first promised under it. It proves which words were read and signed.",
    )

    def _content(self):
        """All that this version says, in the source language and every translation.

        :return: nested dicts and lists of plain values, the same for the same content.
            Records that it names are given by their ids.
        """
        self.ensure_one()
        # sudo: csp.policy.version: the same content, whoever asks
        return _content_of(self.sudo().with_context(active_test=False, lang=None))

    def _content_hash(self):
        """SHA-256 of `_content`, in hexadecimal digits."""
        return _digest(self._content())

    def _promise_fingerprint(self):
        """SHA-256 of all that decides what is promised under this version, and when it
        is due: lines in their order with targets and goals, and the opening hours that
        they run on, in hexadecimal digits."""
        self.ensure_one()
        # sudo: csp.policy.version: the same content, whoever asks
        version = self.sudo().with_context(active_test=False, lang=None)
        lines = version.line_ids.sorted(lambda line: (line.sequence, line.id))
        skipped = {"sequence", "version_id"}
        return _digest(
            {
                "lines": [_content_of(line, skipped) for line in lines],
                "hours": {
                    hours.id: hours.revision for hours in version._hours_run_on()
                },
            }
        )

    def _hours_run_on(self):
        """Hours tables that the promises of this version run on."""
        self.ensure_one()
        company = self.company_id or self.env.company
        hours = self.line_ids.hours_id
        loose = self.line_ids.filtered(lambda line: not line.hours_id)
        if loose:
            channels = loose.channel_ids
            if loose.filtered(lambda line: not line.channel_ids):
                channels = self.env["helpdesk.ticket.channel"].search(
                    [("company_id", "in", [False, company.id])]
                )
            hours |= channels.csp_hours_id | company.csp_hours_id
        return hours.sorted("id")

    def _is_as_bound(self):
        """Whether the version still reads as it did when tickets were first promised
        under it; None where none ever were."""
        self.ensure_one()
        if not self.content_hash:
            return None
        return self.content_hash == self._content_hash()


def _content_of(record, skipped=frozenset()):
    """What is filled in: a field that a later release adds changes no fingerprint."""
    values = {}
    for name, field in sorted(record._fields.items()):
        if not (field.store and field.copy) or field.compute:
            continue
        if name in models.MAGIC_COLUMNS or name in NO_CONTENT or name in skipped:
            continue
        if field.type == "one2many":
            children = record[name].sorted(_in_order)
            values[name] = [
                _content_of(child, {field.inverse_name, "sequence"})
                for child in children
            ]
        elif field.type == "many2many":
            values[name] = sorted(record[name].ids)
        elif field.type == "many2one":
            values[name] = record[name].id
        elif field.translate:
            values[name] = field._get_stored_translations(record) or {}
        else:
            values[name] = record[name]
    return {name: value for name, value in values.items() if value}


def _in_order(record):
    return (record.sequence if "sequence" in record._fields else 0, record.id)


def _digest(content):
    text = json.dumps(content, sort_keys=True, default=str, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
