from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import clean_context

from .protected import BY_ADDON, is_by_addon, unless_uninstalled

#: What coach and agent put down together; that it is done is said by methods.
PLANNED = frozenset(
    {"coaching_id", "sequence", "what", "kind", "survey_id", "due_date"}
)


class CspCoachingAction(models.Model):
    """One thing that agent and coach agreed on, with its day.

    Coach and leaders write it while the coaching is planned; from the agreement on it
    stays as it is, and is ticked by the agent or the coach when it is done.
    """

    _name = "csp.coaching.action"
    _description = "Agreed Action"
    _order = "coaching_id, sequence, id"
    _rec_name = "what"

    coaching_id = fields.Many2one(
        comodel_name="csp.coaching", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="coaching_id.company_id")
    sequence = fields.Integer(default=10)
    what = fields.Char(
        required=True, help="What is done, so that both know when it is done."
    )
    kind = fields.Selection(
        selection=[
            ("agreement", "Agreement"),
            ("exercise", "Exercise"),
            ("training", "Training"),
        ],
        default="agreement",
        required=True,
        help="Something to do differently from now on, something to practise, or a "
        "course to take.",
    )
    survey_id = fields.Many2one(
        comodel_name="survey.survey",
        string="Course or test",
        index="btree_not_null",
        ondelete="set null",
    )
    survey_title = fields.Char(compute="_compute_survey_title")
    due_date = fields.Date(string="Until", index="btree_not_null")
    done_at = fields.Datetime(string="Done on", readonly=True, copy=False)
    done_by_id = fields.Many2one(
        comodel_name="res.users",
        string="Ticked by",
        readonly=True,
        copy=False,
        ondelete="set null",
    )
    is_done = fields.Boolean(string="Done", compute="_compute_is_done")
    is_late = fields.Boolean(string="Overdue", compute="_compute_is_late")
    reminded_at = fields.Datetime(string="Reminded on", readonly=True, copy=False)

    @api.depends("survey_id")
    @api.depends_context("lang")
    def _compute_survey_title(self):
        for action in self:
            # sudo: survey.survey: the title of what the agent is to take
            action.survey_title = action.survey_id.sudo().title

    @api.depends("done_at")
    def _compute_is_done(self):
        for action in self:
            action.is_done = bool(action.done_at)

    @api.depends("due_date", "done_at", "coaching_id.state")
    def _compute_is_late(self):
        today = fields.Date.context_today(self)
        for action in self:
            action.is_late = bool(
                action.coaching_id.state == "agreed"
                and not action.done_at
                and action.due_date
                and action.due_date < today
            )

    @api.model_create_multi
    def create(self, vals_list):
        if not is_by_addon(self.env):
            for vals in vals_list:
                self._refuse_fields(vals.keys() - PLANNED)
            # A tick in the context would be one by nobody.
            self = self.with_context(clean_context(self.env.context))
        actions = super().create(vals_list)
        actions._begin_change()
        return actions

    def write(self, vals):
        if is_by_addon(self.env):
            return super().write(vals)
        self._refuse_fields(vals.keys() - PLANNED)
        self._begin_change()
        result = super().write(vals)
        # Where it belongs now is planned, too.
        self._begin_change()
        return result

    def unlink(self):
        return super(CspCoachingAction, unless_uninstalled(self)).unlink()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_agreed(self):
        self._begin_change()

    def _refuse_fields(self, names):
        if names:
            raise AccessError(
                self.env._("That something is done is said by a click, not written.")
            )

    def _begin_change(self):
        """:raises AccessError: for everybody but coach and leaders
        :raises UserError: once it is agreed"""
        if is_by_addon(self.env):
            return
        self.coaching_id._check_coaches()
        self.coaching_id._lock()
        if self.coaching_id.filtered(lambda coaching: coaching.state != "planned"):
            raise UserError(
                self.env._(
                    "What was agreed stays as it is. To change it, begin the plan "
                    "again; the agent then agrees once more."
                )
            )
        self.coaching_id._take_back()
        for action in self.filtered("survey_id"):
            action.survey_id.check_access("read")

    def action_done(self):
        """Tick what is done: by the agent, the coach, or who leads the agent.

        :raises AccessError: for everybody else
        :raises UserError: unless it is agreed and still to be done
        """
        self._begin_ticking()
        if self.filtered("done_at"):
            raise UserError(self.env._("It is ticked already."))
        self._tick(fields.Datetime.now(), self.env.uid)
        return True

    def action_not_done(self):
        """Take a tick back, by who may tick it."""
        self._begin_ticking()
        self._tick(False, False)
        return True

    def action_open_survey(self):
        """Open the course or test, for the agent with an attempt of his own."""
        self.ensure_one()
        self.check_access("read")
        # sudo: survey.survey: the one that was chosen for this agent
        survey = self.survey_id.sudo()
        if not survey:
            raise UserError(self.env._("No course or test was chosen."))
        answer = None
        agent = self.coaching_id.agent_id
        if survey.access_mode == "token" and self.env.user == agent:
            # Only invited people reach it: this is the invitation.
            answer = survey._create_answer(user=agent)
        return {**survey.action_start_survey(answer=answer), "target": "new"}

    def _begin_ticking(self):
        self.check_access("read")
        if self.coaching_id.filtered(lambda coaching: coaching.state != "agreed"):
            raise UserError(
                self.env._("It is ticked once it is agreed, until the end.")
            )

    def _tick(self, moment, user_id):
        # sudo: csp.coaching.action: of who reads it, checked by the caller
        actions = self.sudo().with_context(csp_by_addon=BY_ADDON)
        actions.write({"done_at": moment, "done_by_id": user_id})
        actions.coaching_id._follow_actions()
