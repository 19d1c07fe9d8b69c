import logging

from odoo import api, fields, models
from odoo.exceptions import RedirectWarning, UserError

from ..tools import clock, procedures
from ..tools.epoch import to_epoch
from .ir_actions_server import is_automatic
from .protected import BY_ADDON, is_by_addon

#: So many open points are named in a message; the dialog shows them all.
NAMED_POINTS = 3


class HelpdeskTicket(models.Model):
    """How to work on a ticket, by the policy that it was promised under.

    What is shown follows from the version, the channel and the category of the ticket;
    only what was ticked is stored, in `csp.ticket.step`.
    """

    _inherit = "helpdesk.ticket"

    csp_has_guidance = fields.Boolean(
        string="Has a procedure",
        compute="_compute_csp_has_guidance",
        groups="helpdesk_mgmt.group_helpdesk_user_own",
    )
    csp_procedure_hint = fields.Json(
        string="Procedure so far",
        compute="_compute_csp_procedure_hint",
        groups="helpdesk_mgmt.group_helpdesk_user_own",
    )

    @api.depends("csp_policy_version_id", "channel_id", "category_id")
    def _compute_csp_has_guidance(self):
        guidance = self.env["csp.procedure"]._guidance()
        for ticket in self:
            ticket.csp_has_guidance = bool(
                ticket._csp_procedure(guidance) or ticket._csp_coverages(guidance)
            )

    @api.depends("csp_policy_version_id", "channel_id", "category_id")
    def _compute_csp_procedure_hint(self):
        guidance = self.env["csp.procedure"]._guidance()
        followed = {
            ticket: procedure
            for ticket in self
            if (procedure := ticket._csp_procedure(guidance)) and procedure.steps
        }
        ticks = self._csp_ticks() if followed else {}
        for ticket in self:
            procedure = followed.get(ticket)
            ticket.csp_procedure_hint = procedure and ticket._csp_hint(
                procedure, ticks.get(ticket._origin.id, [])
            )

    def _csp_procedure(self, guidance):
        """The procedure to follow on this ticket, as a pure rule, or None."""
        return procedures.fitting(
            guidance.procedures.get(self.csp_policy_version_id.id, ()),
            self.channel_id.id or 0,
            self.category_id.id or 0,
        )

    def _csp_coverages(self, guidance):
        """Ids of what the customer may be entitled to, as far as is known."""
        category = self.category_id.id or 0
        return [
            coverage.id
            for coverage in guidance.coverages.get(self.csp_policy_version_id.id, ())
            if coverage.covers(category)
        ]

    def _csp_step_rows(self):
        """All that was ticked on these tickets, what was taken back, too."""
        # sudo: csp.ticket.step: of tickets that the caller may see or closes
        return (
            self.env["csp.ticket.step"]
            .sudo()
            .search_fetch(
                [("ticket_id", "in", self.ids)],
                ["ticket_id", "step_id", "user_id", "at", "undone_at", "undone_by_id"],
                order="id",
            )
        )

    def _csp_ticks(self):
        """What stands ticked: dict of ticket id to a list of `procedures.Tick`."""
        return {
            ticket.id: rows._as_ticks()
            for ticket, rows in self._csp_step_rows().grouped("ticket_id").items()
        }

    def _csp_hint(self, procedure, ticks):
        """How far a procedure is: counts, and the step that comes next."""
        done, _former = procedures.settle(procedure.steps, ticks)
        following = [step.id for step in procedure.steps if step.id not in done]
        step = self.env["csp.procedure.step"].browse(following[:1])
        return {"done": len(done), "total": len(procedure.steps), "next": step.name}

    # === The page on the ticket ===

    def csp_procedure_data(self):
        """All that the page "Procedure" of this ticket shows.

        Moments are UTC epoch seconds.

        :return: dict with ``procedure`` (False where none fits), ``steps`` in their
            order, ``former`` (done under a procedure that applied before),
            ``standards``, ``coverages``, ``hint`` and what the user may do
        :raises AccessError: when the user may not read the ticket
        """
        self.ensure_one()
        self.check_access("read")
        guidance = self.env["csp.procedure"]._guidance()
        found = self._csp_procedure(guidance)
        procedure = self.env["csp.procedure"].browse(found.id if found else [])
        coverages = self.env["csp.coverage"].browse(self._csp_coverages(guidance))
        rows = self._csp_step_rows()
        ticks = rows._as_ticks()
        done, former = procedures.settle(found.steps if found else (), ticks)
        return {
            "ticket": self.id,
            "can_tick": self._csp_can_tick() and self.has_access("write"),
            "policy": self.csp_policy_version_id.display_name or False,
            "procedure": found
            and {"id": found.id, "name": procedure.name, "goal": procedure.goal},
            "hint": (self._csp_hint(found, ticks) if found and found.steps else False),
            "steps": [
                self._csp_step_data(step, done.get(step.id), rows)
                for step in self.env["csp.procedure.step"].browse(
                    step.id for step in (found.steps if found else ())
                )
            ],
            "former": [
                self._csp_tick_data(rows.browse(tick.id))
                | {"name": rows.browse(tick.id).step_id.name}
                for tick in former
            ],
            "standards": [
                {
                    "id": standard.id,
                    "name": standard.name,
                    "description": standard.description or "",
                }
                for standard in procedure.standard_ids.sorted(
                    lambda standard: (standard.sequence, standard.id)
                )
            ],
            "coverages": [coverage._panel_data() for coverage in coverages],
        }

    def _csp_step_data(self, step, tick, rows):
        """One step as the page shows it; `tick` is None while it is open."""
        row = rows.browse(tick.id if tick else [])
        return {
            "id": step.id,
            "name": step.name,
            "note": step.note or "",
            "required": step.required,
            "done": bool(tick),
            "can_untick": bool(tick) and self._csp_can_untick(row),
            "history": [
                self._csp_tick_data(old)
                for old in rows
                if old.step_id == step and old.undone_at
            ],
            **self._csp_tick_data(row),
        }

    def _csp_tick_data(self, row):
        # sudo: res.users: names of colleagues, also of those who left
        return {
            "user": row.user_id.sudo().name or "",
            "at": to_epoch(row.at) if row.at else False,
            "undone_by": row.undone_by_id.sudo().name or "",
            "undone_at": to_epoch(row.undone_at) if row.undone_at else False,
        }

    def _csp_can_tick(self):
        """What was not done before a ticket was closed is not said to be later."""
        return self.active and not self.csp_closed_as

    def _csp_can_untick(self, row):
        """Whether the user ticked this himself, or leads those who did."""
        user = self.env.user
        # sudo: helpdesk.ticket.team: only who leads it
        leader = self.team_id.sudo().user_id
        return user in (row.user_id, leader) or user.has_group(
            "helpdesk_mgmt.group_helpdesk_manager"
        )

    def csp_tick_step(self, step_id, done=True):
        """Tick a step of this ticket's procedure, or take a tick back.

        Asking again for what is so already changes nothing: two people who tick the
        same step at once both get the answer that it is done.

        :param int step_id: a step of the procedure that applies now
        :param bool done: False takes the tick back
        :return: what `csp_procedure_data` returns then
        :raises AccessError: when the user may not write the ticket
        :raises UserError: when the step is of another procedure, the ticket is closed,
            or somebody else's tick is to be taken back
        """
        self.ensure_one()
        self.check_access("write")
        found = self._csp_procedure(self.env["csp.procedure"]._guidance())
        steps = found.steps if found else ()
        if step_id not in {step.id for step in steps}:
            raise UserError(
                self.env._(
                    "Another procedure applies to this ticket meanwhile. Load the page "
                    "again to see it."
                )
            )
        if not self._csp_can_tick():
            raise UserError(
                self.env._(
                    "The ticket is closed: its steps stay as they were. Reopen it to "
                    "go on."
                )
            )
        rows = self._csp_step_rows()
        tick = procedures.settle(steps, rows._as_ticks())[0].get(step_id)
        if done and not tick:
            rows._tick([(self.id, step_id)])
        elif tick and not done:
            row = rows.browse(tick.id)
            if not self._csp_can_untick(row):
                raise UserError(
                    self.env._(
                        "Only %(user)s, who ticked it, the team leader or a manager "
                        "can take this back.",
                        # sudo: res.users: the name of a colleague
                        user=row.user_id.sudo().name or "…",
                    )
                )
            row.with_user(self.env.user)._take_back()
        return self.csp_procedure_data()

    # === Before closing ===

    def write(self, vals):
        if vals.get("stage_id"):
            self._csp_ask_before_closing(vals)
        return super().write(vals)

    def _csp_open_points(self):
        """What is still to be done on these tickets before they count as solved.

        To be extended by whatever knows more of such points: call super() and add to
        the lists. It is asked whenever a person closes tickets as solved, so it must
        not query anything where nothing of its kind is in use, and the same for one
        ticket as for many. `_csp_settle_open_points` is its counterpart.

        :return: dict of ticket to a list of plain texts; only tickets with such points
        """
        points = {}
        for ticket, steps in self._csp_open_steps().items():
            points[ticket] = self.env["csp.procedure.step"].browse(steps).mapped("name")
        return points

    def _csp_settle_open_points(self):
        """Settle what a person can settle by saying that it is done.

        What cannot be settled so stays, and `_csp_open_points` names it again.
        """
        self.check_access("write")
        self.env["csp.ticket.step"]._tick(
            [
                (ticket.id, step)
                for ticket, steps in self._csp_open_steps().items()
                for step in steps
            ]
        )

    def _csp_open_steps(self):
        """Required steps that nobody did yet: dict of ticket to ids of steps."""
        guidance = self.env["csp.procedure"]._guidance()
        if not guidance.asking:
            return {}
        asked = self.filtered(
            lambda ticket: ticket.csp_policy_version_id.id in guidance.asking
        )
        followed = {
            ticket: procedure.steps
            for ticket in asked
            if (procedure := ticket._csp_procedure(guidance))
            and any(step.required for step in procedure.steps)
        }
        if not followed:
            return {}
        ticks = self.browse(ticket.id for ticket in followed)._csp_ticks()
        open_steps = {
            ticket: procedures.missing(steps, ticks.get(ticket.id, ()))
            for ticket, steps in followed.items()
        }
        return {
            ticket: [step.id for step in steps]
            for ticket, steps in open_steps.items()
            if steps
        }

    def _csp_ask_before_closing(self, vals):
        """Lead a person who closes tickets as solved to what is still to be done.

        Customers, mails, automations and scheduled actions are never held up.
        """
        stages = self.env["csp.policy"]._compiled_rules(self.env.company.id).stages
        meaning = stages.get(vals["stage_id"])
        if not meaning or meaning.closed_as != clock.SOLVED:
            return
        if vals.get("duplicate_id") or not vals.get("active", True):
            return
        if not self._csp_is_person():
            return
        # sudo: helpdesk.ticket: read before the write below asks for the rights
        closing = self.sudo().filtered(
            lambda ticket: (
                ticket.active and not ticket.csp_closed_as and not ticket.duplicate_id
            )
        )
        points = closing._csp_open_points() if closing else {}
        if not points:
            return
        self.check_access("write")
        question = RedirectWarning(
            self._csp_describe_open_points(points),
            self.env.ref("customer_service_plan.csp_ticket_close_action").id,
            self.env._("See what is open"),
            {"csp_closing": {"tickets": self.ids, "stage": vals["stage_id"]}},
        )
        # Asking is no fault: the server would log it as one.
        question.loglevel = logging.INFO
        raise question

    def _csp_is_person(self):
        """Whether a colleague acts himself and was not asked yet."""
        env = self.env
        return not (
            env.su
            or is_by_addon(env)
            or is_automatic()
            or env.context.get("csp_was_asked") is BY_ADDON
            or not env.user._is_internal()
        )

    @api.model
    def _csp_describe_open_points(self, points):
        """Open points in a message, the first ones by name."""
        lines = [
            f"{ticket.number}: {text}"
            for ticket, texts in points.items()
            for text in texts
        ]
        named = lines[:NAMED_POINTS]
        if len(lines) > NAMED_POINTS:
            named.append(self.env._("and more: %s", len(lines) - NAMED_POINTS))
        return self.env._(
            "Before closing, this is still to be done:\n%(points)s",
            points="\n".join(named),
        )

    @api.model
    def _csp_closing(self):
        """For writes of who was asked, and answered, what is still open."""
        return self.with_context(csp_was_asked=BY_ADDON)
