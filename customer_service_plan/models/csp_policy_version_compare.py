from typing import NamedTuple

from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import is_html_empty

from ..tools import comparison, matching
from ..tools.comparison import Item
from .csp_policy_line import CONDITION_FIELDS, TARGET_FIELDS, format_minutes


class Text(NamedTuple):
    """One thing that is said, before and after, and piece by piece."""

    label: str
    before: str
    after: str

    @property
    def changed(self):
        return self.before != self.after


class Entry(NamedTuple):
    """What became of one entry of a list, for the page."""

    row: comparison.Row
    #: Its title: names before and after.
    title: Text
    #: What it says, in the order of the page.
    texts: list[Text]
    #: Entries within it, such as the steps of a procedure.
    parts: list["Entry"] = []

    @property
    def kind(self):
        """As its row, but changed where only a part of it is."""
        kind = self.row.kind
        if kind in (comparison.SAME, comparison.MOVED) and any(
            part.kind != comparison.SAME for part in self.parts
        ):
            return comparison.CHANGED
        return kind


class CspPolicyVersion(models.Model):
    """What is different between two versions."""

    _inherit = "csp.policy.version"

    comparison = fields.Html(
        string="What changes",
        compute="_compute_comparison",
        sanitize=False,
        help="This version beside the one in force, while it is to be approved.",
    )

    @api.depends("state", "policy_id.version_ids.state")
    @api.depends_context("lang")
    def _compute_comparison(self):
        for version in self:
            base = version.state == "in_review" and version._compared_by_default()
            version.comparison = bool(base) and version._render_comparison(base)

    def _compared_by_default(self):
        """The version that this one is best compared with: the one in force, else the
        one before it."""
        self.ensure_one()
        current = self.policy_id.current_version_id
        if current and current != self:
            return current
        earlier = self.policy_id.version_ids.filtered(
            lambda version: version.number < self.number
        )
        bound = earlier.filtered(lambda version: version.published_at)
        return (bound or earlier).sorted("number")[-1:]

    def _render_comparison(self, base):
        """What is different from `base`, as a page in the language of the reader."""
        self.ensure_one()
        (self | base).check_access("read")
        # sudo: csp.policy.version: who may read both reads all that they say
        new, old = self.sudo(), base.sudo()
        new, old = (each.with_context(active_test=False) for each in (new, old))
        return new.env["ir.qweb"]._render(
            "customer_service_plan.policy_comparison",
            {"version": new, "base": old, **new._comparison_values(old)},
        )

    def _comparison_values(self, base):
        """What the page says: entries of each list, and texts."""
        purpose = Text(
            self.env._("Purpose"),
            comparison.plain_text(base.purpose),
            comparison.plain_text(self.purpose),
        )
        formats = (
            not purpose.changed
            and (base.purpose or "") != (self.purpose or "")
            and not (is_html_empty(base.purpose) and is_html_empty(self.purpose))
        )
        lists = {
            "promises": self._compared_promises(base),
            "procedures": self._compared_procedures(base),
            "coverages": self._compared_coverages(base),
        }
        settings = [text for text in self._compared_settings(base) if text.changed]
        is_same = not (
            purpose.changed
            or formats
            or settings
            or self._compared_scorecard(base).changed
            or any(
                entry.kind != comparison.SAME
                for entries in lists.values()
                for entry in entries
            )
        )
        return {
            **lists,
            "purpose": purpose,
            "only_formats": formats,
            "settings": settings,
            "scorecard": self._compared_scorecard(base),
            "is_same": is_same,
            "words": self._words_of_change(),
        }

    @api.model
    def _words_of_change(self):
        """For each kind of change its sign and its word."""
        return {
            comparison.ADDED: ("+", self.env._("New")),
            comparison.REMOVED: ("−", self.env._("Removed")),
            comparison.CHANGED: ("~", self.env._("Changed")),
            comparison.MOVED: ("↕", self.env._("Moved")),
            comparison.SAME: ("=", self.env._("Unchanged")),
        }

    @api.model
    def _marked(self, text, kind):
        """One side of two texts: HTML, in which what is only there stands out by a
        sign, a line and a word for who hears it.

        :param Text text: both sides
        :param str kind: "removed" for the side before, "added" for the one after
        """
        if kind == comparison.REMOVED:
            tag, sign, word = "del", "−", self.env._("removed:")
        else:
            tag, sign, word = "ins", "+", self.env._("new:")
        mark = Markup(
            '{{blank}}<{tag}><span class="o_csp_sign" aria-hidden="true">{sign}</span>'
            '<span class="visually-hidden">{word} </span>{{text}}</{tag}>'
        ).format(tag=Markup(tag), sign=sign, word=word)
        parts = []
        for piece in comparison.compare_texts(text.before, text.after):
            if piece.kind == comparison.SAME:
                parts.append(piece.text)
            elif piece.kind == kind:
                bare = piece.text.lstrip()
                blank = piece.text[: len(piece.text) - len(bare)]
                parts.append(mark.format(blank=blank, text=bare) if bare else blank)
        return Markup("").join(parts)

    @api.model
    def _value_changed(self, text, kind):
        """A short value, before and after if it has changed: HTML.

        :param Text text: both values
        :param str kind: what became of what it belongs to
        """
        none = "–"
        if kind == comparison.ADDED:
            return Markup("<ins>%s</ins>") % text.after if text.after else none
        if kind == comparison.REMOVED:
            return Markup("<del>%s</del>") % text.before if text.before else none
        if not text.changed:
            return text.after or none
        return Markup(
            '<del><span class="visually-hidden">{was} </span>{before}</del>'
            ' <span aria-hidden="true">→</span> '
            '<ins><span class="visually-hidden">{becomes} </span>{after}</ins>'
        ).format(
            was=self.env._("before:"),
            before=text.before or none,
            becomes=self.env._("after:"),
            after=text.after or none,
        )

    # === Lists ===

    def _compared(self, before, after, describe, parts=None):
        """Entries of two recordsets of parts, the new order first.

        :param describe: gives item, title and (label, text) of each of its cells
        :param parts: gives the entries within a pair of records
        """
        before, after = before.sorted(_in_order), after.sorted(_in_order)
        olds = [describe(record) for record in before]
        news = [describe(record) for record in after]
        entries = []
        for row in comparison.compare(
            [item for item, *_rest in olds], [item for item, *_rest in news]
        ):
            old = olds[row.before] if row.before is not None else None
            new = news[row.after] if row.after is not None else None
            labels = [label for label, _text in (new or old)[2]]
            texts = [
                Text(label, was, becomes)
                for label, was, becomes in zip(
                    labels,
                    [text for _label, text in old[2]] if old else [""] * len(labels),
                    [text for _label, text in new[2]] if new else [""] * len(labels),
                    strict=True,
                )
            ]
            title = Text("", old[1] if old else "", new[1] if new else "")
            within = []
            if parts:
                within = parts(
                    before[row.before] if old else before.browse(),
                    after[row.after] if new else after.browse(),
                )
            entries.append(Entry(row, title, texts, within))
        return entries

    def _say_place(self, row):
        return self.env._(
            "from place %(before)s to %(after)s",
            before=row.before + 1,
            after=row.after + 1,
        )

    def _compared_promises(self, base):
        return self._compared(base.line_ids, self.line_ids, self._describe_line)

    def _compared_procedures(self, base):
        return self._compared(
            base.procedure_ids,
            self.procedure_ids,
            self._describe_procedure,
            lambda old, new: self._compared(
                old.step_ids, new.step_ids, self._describe_step
            ),
        )

    def _compared_coverages(self, base):
        return self._compared(
            base.coverage_ids, self.coverage_ids, self._describe_coverage
        )

    @api.model
    def _describe_line(self, line):
        conditions = {
            (name, key)
            for name in CONDITION_FIELDS
            if name.endswith("_ids")
            for key in line[name].ids
        }
        if line.priority_from or line.priority_to:
            lowest, highest = line.priority_from or "0", line.priority_to or "3"
            conditions |= {
                ("priority", str(level))
                for level in range(int(lowest), int(highest) + 1)
            }
        if line.complaint != matching.ANY:
            conditions.add(("complaint", line.complaint))
        if line.match_all:
            conditions = {("all", True)}
        texts = [
            (
                line._fields[name]._description_string(self.env),
                line[name] and format_minutes(self.env, line[name]) or "",
            )
            for name in TARGET_FIELDS.values()
        ]
        texts += [
            (
                self.env._("Goal"),
                self.env._("%s %%", f"{line.goal_percent:g}")
                if line.has_promise
                else "",
            ),
            (
                line._fields["hours_id"]._description_string(self.env),
                line.hours_id.name or self.env._("Hours of the channel"),
            ),
        ]
        return self._item(conditions, texts), line.condition_text, texts

    @api.model
    def _describe_procedure(self, procedure):
        conditions = {
            (name, key)
            for name in ("channel_ids", "category_ids")
            for key in procedure[name].ids
        }
        texts = [
            (self.env._("For"), procedure.condition_text),
            (self.env._("Goal of the contact"), procedure.goal or ""),
            (
                self.env._("How we behave"),
                "\n".join(procedure.standard_ids.mapped("name")),
            ),
        ]
        item = self._item(
            conditions, [("", procedure.name), *texts], comparison.words(procedure.name)
        )
        return item, procedure.name, texts

    @api.model
    def _describe_step(self, step):
        texts = [
            (step._fields["note"]._description_string(self.env), step.note or ""),
            (
                step._fields["required"]._description_string(self.env),
                self.env._("Yes") if step.required else "",
            ),
        ]
        item = self._item(comparison.words(step.name), [("", step.name), *texts])
        return item, step.name, texts

    @api.model
    def _describe_coverage(self, coverage):
        kinds = dict(coverage._fields["kind"]._description_selection(self.env))
        labels = {
            name: coverage._fields[name]._description_string(self.env)
            for name in ("kind", "product", "duration_text", "entitlement", "how_to")
        }
        texts = [
            (labels["kind"], kinds[coverage.kind]),
            (labels["product"], coverage.product or ""),
            (
                self.env._("Categories"),
                ", ".join(coverage.category_ids.mapped("display_name")),
            ),
            (labels["duration_text"], coverage.duration_text or ""),
            (labels["entitlement"], coverage.entitlement or ""),
            (labels["how_to"], coverage.how_to or ""),
            (self.env._("Only if"), coverage.condition or ""),
        ]
        item = self._item(
            comparison.words(coverage.name), [("", coverage.name), *texts]
        )
        return item, coverage.name, texts

    @api.model
    def _item(self, conditions, texts, words=frozenset()):
        return Item(frozenset(conditions), dict(texts), words)

    # === The rest ===

    def _compared_scorecard(self, base):
        """By what the quality of the tickets is reviewed, before and after."""
        names = (
            version.scorecard_id.name or self.env._("The first that fits the channel")
            for version in (base, self)
        )
        return Text(self._fields["scorecard_id"]._description_string(self.env), *names)

    def _compared_settings(self, base):
        """What is said of lateness and silence, before and after."""

        def label(name):
            return self._fields[name]._description_string(self.env)

        def duration(version, name):
            minutes = version[name]
            return format_minutes(self.env, minutes) if minutes else ""

        texts = [
            Text(
                label("escalation_list_id"),
                *(
                    version.escalation_list_id.name
                    or self.env._("The list of the company")
                    for version in (base, self)
                ),
            )
        ]
        for name in ("remind_after_minutes", "close_after_minutes"):
            texts.append(
                Text(
                    label(name), *(duration(version, name) for version in (base, self))
                )
            )
        for name, condition in (
            ("remind_template_id", "remind_after_minutes"),
            ("close_stage_id", "close_after_minutes"),
            ("close_template_id", "close_after_minutes"),
        ):
            texts.append(
                Text(
                    label(name),
                    *(
                        (version[condition] and version[name].display_name) or ""
                        for version in (base, self)
                    ),
                )
            )
        return texts


def _in_order(record):
    return (record.sequence, record.id)
