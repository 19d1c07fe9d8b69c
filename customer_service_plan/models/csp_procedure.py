from typing import NamedTuple

from odoo import api, fields, models, tools
from odoo.fields import Command, Domain

from ..tools import procedures

#: A condition does not fall away when what it names is archived.
ARCHIVED_TOO = {"active_test": False}


class Coverage(NamedTuple):
    """For which categories, sub-categories included, a coverage holds; empty: any."""

    id: int
    categories: frozenset[int]

    def covers(self, category):
        """Whether it is to be shown for a category; 0: not known yet."""
        return not (self.categories and category) or category in self.categories


class Guidance(NamedTuple):
    """What all policy versions say about how to work, in memory.

    Keys are ids of versions; `asking` are those that have required steps, and `names`
    the wording of each step in the source language.
    """

    procedures: dict[int, tuple[procedures.Procedure, ...]]
    coverages: dict[int, tuple[Coverage, ...]]
    asking: frozenset[int]
    names: dict[int, str]


class CspProcedure(models.Model):
    """How a contact is to go: what it must achieve, step by step.

    Of the procedures of a version the one that is most special for the channel and the
    category of a ticket is shown on it.
    """

    _name = "csp.procedure"
    _inherit = ["csp.version.part"]
    _description = "Procedure"
    _order = "version_id, sequence, id"

    version_id = fields.Many2one(
        comodel_name="csp.policy.version",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="version_id.company_id")
    version_state = fields.Selection(related="version_id.state")
    sequence = fields.Integer(default=10)
    name = fields.Char(required=True, translate=True)
    channel_ids = fields.Many2many(
        comodel_name="helpdesk.ticket.channel",
        relation="csp_procedure_channel_rel",
        column1="procedure_id",
        column2="channel_id",
        context=ARCHIVED_TOO,
        ondelete="restrict",
        string="Channels",
        help="Empty: every channel that has no procedure of its own.",
    )
    category_ids = fields.Many2many(
        comodel_name="helpdesk.ticket.category",
        relation="csp_procedure_category_rel",
        column1="procedure_id",
        column2="category_id",
        context=ARCHIVED_TOO,
        ondelete="restrict",
        string="Categories",
        help="With their sub-categories. Empty: every category.",
    )
    goal = fields.Text(
        translate=True,
        help="What the contact must achieve, in one plain sentence.",
    )
    step_ids = fields.One2many(
        comodel_name="csp.procedure.step",
        inverse_name="procedure_id",
        string="Steps",
        copy=True,
    )
    standard_ids = fields.Many2many(
        comodel_name="csp.standard",
        relation="csp_procedure_standard_rel",
        column1="procedure_id",
        column2="standard_id",
        context=ARCHIVED_TOO,
        ondelete="restrict",
        string="Standards to observe",
        help="How we behave in this contact, whatever it is about.",
    )
    condition_text = fields.Char(string="For", compute="_compute_texts")
    step_text = fields.Char(string="Steps in words", compute="_compute_texts")

    @api.depends_context("lang")
    @api.depends("channel_ids", "category_ids", "step_ids.required")
    def _compute_texts(self):
        for procedure in self:
            parts = [
                " / ".join(procedure[field].mapped("display_name"))
                for field in ("channel_ids", "category_ids")
                if procedure[field]
            ]
            procedure.condition_text = ", ".join(parts) or self.env._("Every contact")
            count = len(procedure.step_ids)
            required = len(procedure.step_ids.filtered("required"))
            procedure.step_text = (
                self.env._(
                    "%(count)s, required: %(required)s", count=count, required=required
                )
                if required
                else str(count)
            )

    def _prepare_copy_values(self):
        """Values of these procedures with their steps, for the next draft."""
        return [Command.create(values) for values in self.copy_data()]

    @api.model
    @tools.ormcache()
    def _guidance(self):
        """What the versions say about how to work: `Guidance`.

        Dropped with the compiled rules whenever a part of a version changes.
        """
        # sudo: csp.procedure: which procedure fits does not depend on who looks
        env = self.sudo().with_context(active_test=False, lang=None).env
        tree = env["helpdesk.ticket.category"]
        steps, by_version, coverages = {}, {}, {}
        asking, names = set(), {}
        for step in env["csp.procedure.step"].search(Domain.TRUE):
            row = procedures.Step(step.id, step.name, step.required)
            steps.setdefault(step.procedure_id.id, []).append(row)
            names[step.id] = step.name
            if step.required:
                asking.add(step.procedure_id.version_id.id)
        for procedure in env["csp.procedure"].search(Domain.TRUE):
            by_version.setdefault(procedure.version_id.id, []).append(
                procedures.Procedure(
                    id=procedure.id,
                    channels=frozenset(procedure.channel_ids.ids),
                    categories=_with_descendants(tree, procedure.category_ids),
                    steps=tuple(steps.get(procedure.id, ())),
                )
            )
        for coverage in env["csp.coverage"].search(Domain.TRUE):
            coverages.setdefault(coverage.version_id.id, []).append(
                Coverage(coverage.id, _with_descendants(tree, coverage.category_ids))
            )
        return Guidance(
            procedures={key: tuple(rows) for key, rows in by_version.items()},
            coverages={key: tuple(rows) for key, rows in coverages.items()},
            asking=frozenset(asking),
            names=names,
        )


def _with_descendants(model, records):
    if not records:
        return frozenset()
    return frozenset(model.search([("id", "child_of", records.ids)]).ids)
