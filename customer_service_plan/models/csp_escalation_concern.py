from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools import clock, escalation
from ..tools.epoch import to_epoch
from ..tools.sql_array import int_array, text_array
from .csp_commitment import DueSteps, take_due

CONCERN_TRIGGERS = [
    (escalation.COMPLAINT, "Complaint"),
    (escalation.BAD_RATING, "Bad rating"),
    (escalation.REOPENED, "Reopened repeatedly"),
    (escalation.UNASSIGNED, "Nobody took it"),
]


class CspEscalationConcern(models.Model):
    """Something that somebody must look after though no promise runs out."""

    _name = "csp.escalation.concern"
    _inherit = ["csp.protected"]
    _description = "Matter to Look After"
    _log_access = False
    _order = "started_at desc, id desc"
    _rec_name = "trigger"

    ticket_id = fields.Many2one(
        comodel_name="helpdesk.ticket",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        related="ticket_id.company_id", store=True, string="Company"
    )
    trigger = fields.Selection(
        selection=CONCERN_TRIGGERS, string="What", required=True, readonly=True
    )
    started_at = fields.Datetime(string="Since", required=True, readonly=True)
    ended_at = fields.Datetime(string="Ended", readonly=True)
    hours_id = fields.Many2one(
        comodel_name="csp.hours",
        string="Counted in",
        readonly=True,
        ondelete="set null",
        help="Opening hours in which the times run; empty: day and night.",
    )
    list_id = fields.Many2one(
        comodel_name="csp.escalation.list",
        string="Escalation list",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    escalated_to = fields.Integer(
        readonly=True,
        aggregator=None,
        help="How far the chain has come: opening seconds since it began.",
    )
    next_step_at = fields.Datetime(
        readonly=True, help="When the service plan looks at this next."
    )

    _due = models.Index("(next_step_at) WHERE next_step_at IS NOT NULL")
    _one_open_per_trigger = models.UniqueIndex(
        "(ticket_id, trigger) WHERE ended_at IS NULL",
        "A ticket has one open matter of a kind at most.",
    )

    @api.model
    def _due_domain(self):
        return Domain("next_step_at", "<", fields.Datetime.now())

    @api.model
    def _take_due(self, limit):
        return take_due(self, limit)

    @api.model
    def _keep(self, dossiers):
        """Write down which matters began and ended on these tickets.

        Only what the ticket's escalation list has a step for is kept.
        """
        changed = [dossier for dossier in dossiers if dossier.concerns]
        if not changed:
            return
        Commitment = self.env["csp.commitment"]
        now = to_epoch(fields.Datetime.now())
        lists = Commitment._escalations(changed)
        begun, ended = [], []
        for dossier in changed:
            promise = dossier.case.promise
            chain = lists[dossier.company].chain_of(
                promise.version if promise else 0, dossier.is_complaint
            )
            for trigger, is_open in dossier.concerns.items():
                if not is_open and trigger in lists[dossier.company].concerns:
                    ended.append((dossier.ticket, trigger))
                elif is_open and chain and trigger in chain.concerns:
                    begun.append((dossier, trigger, chain))
            dossier.concerns = {}
        if ended:
            self._end(ended, now)
        if begun:
            self._begin(begun, now)

    @api.model
    def _begin(self, begun, now):
        rows = []
        for dossier, trigger, chain in begun:
            hours = self._hours_of(dossier)
            plan = escalation.plan_concern(
                trigger,
                now,
                None,
                chain,
                self.env["csp.commitment"]._opening_time(hours),
                now,
            )
            if plan.next_at is not None:
                dossier.wake_up_at(plan.next_at)
            row = dossier.ticket, dossier.company, trigger, hours or None, chain.id
            rows.append((*row, plan.next_at))
        tickets, companies, triggers, hours, lists, moments = zip(*rows, strict=True)
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO csp_escalation_concern (
                    ticket_id, company_id, trigger, started_at, hours_id, list_id,
                    next_step_at
                )
                SELECT ticket, company, trigger, %(now)s, hours, list,
                       to_timestamp(moment) AT TIME ZONE 'UTC'
                  FROM unnest(
                      %(tickets)s::int[], %(companies)s::int[], %(triggers)s::text[],
                      %(hours)s::int[], %(lists)s::int[], %(moments)s::bigint[]
                  ) AS row(ticket, company, trigger, hours, list, moment)
                    ON CONFLICT (ticket_id, trigger) WHERE ended_at IS NULL DO NOTHING
                """,
                now=fields.Datetime.now(),
                tickets=int_array(tickets),
                companies=int_array(companies),
                triggers=text_array(triggers),
                hours=int_array(hours),
                lists=int_array(lists),
                moments=int_array(moments),
            )
        )
        self.invalidate_model(flush=False)

    @api.model
    def _hours_of(self, dossier):
        """Id of the hours in which a ticket's matters are counted; 0: day and night."""
        promise = dossier.case.promise
        if promise:
            return promise.hours
        return self.env["csp.policy"]._compiled_rules(dossier.company).default_hours

    @api.model
    def _end(self, pairs, now):
        tickets, triggers = zip(*pairs, strict=True)
        self.env.cr.execute(
            SQL(
                """
                UPDATE csp_escalation_concern c
                   SET ended_at = %(now)s, next_step_at = NULL
                  FROM unnest(%(tickets)s::int[], %(triggers)s::text[])
                    AS ended(ticket, trigger)
                 WHERE c.ticket_id = ended.ticket AND c.trigger = ended.trigger
                   AND c.ended_at IS NULL
             RETURNING c.id
                """,
                now=fields.Datetime.now(),
                tickets=int_array(tickets),
                triggers=text_array(triggers),
            ),
            log_exceptions=False,
        )
        ended = [row[0] for row in self.env.cr.fetchall()]
        if ended:
            self.invalidate_model(flush=False)
            self.env["csp.escalation"]._settle(ended, column="concern_id")

    @api.model
    def _take_steps(self, dossiers, now):
        """Note the steps that are due on the open matters of these tickets.

        :return: list of `DueSteps`, one for each matter that has any
        """
        by_ticket = {dossier.ticket: dossier for dossier in dossiers}
        self.env.cr.execute(
            SQL(
                """
                SELECT id, ticket_id, trigger, hours_id, list_id, escalated_to,
                       date_part('epoch', started_at)::bigint
                  FROM csp_escalation_concern
                 WHERE ticket_id = ANY(%s) AND ended_at IS NULL AND next_step_at < %s
                """,
                list(by_ticket),
                fields.Datetime.now(),
            )
        )
        due, planned = [], []
        rows = self.env.cr.fetchall()
        lists = self.env["csp.commitment"]._escalations(dossiers) if rows else {}
        for concern, ticket, trigger, hours, list_id, done, started_at in rows:
            dossier = by_ticket[ticket]
            chain = lists[dossier.company].chains.get(list_id)
            if chain is None:
                planned.append((concern, done, None))
                continue
            timeline = self.env["csp.commitment"]._opening_time(hours)
            plan = escalation.plan_concern(
                trigger, started_at, done, chain, timeline, now
            )
            come_to = done if plan.come_to is None else plan.come_to
            planned.append((concern, come_to, plan.next_at))
            if plan.due:
                steps = [step.id for step in plan.due]
                dossier.note("escalated", now, {"concern": trigger, "steps": steps})
                due.append(DueSteps(ticket, list_id, plan.due, concern=concern))
        if planned:
            self._plan(planned)
        return due

    @api.model
    def _plan(self, planned):
        concerns, come_to, moments = zip(*planned, strict=True)
        self.env.cr.execute(
            SQL(
                """
                UPDATE csp_escalation_concern c
                   SET escalated_to = row.come_to,
                       next_step_at = to_timestamp(row.moment) AT TIME ZONE 'UTC'
                  FROM unnest(%(ids)s::int[], %(come_to)s::int[], %(moments)s::bigint[])
                    AS row(id, come_to, moment)
                 WHERE c.id = row.id
                """,
                ids=int_array(concerns),
                come_to=int_array(come_to),
                moments=int_array(moments),
            ),
            log_exceptions=False,
        )
        self.invalidate_model(flush=False)

    @api.model
    def _plan_anew(self, lists):
        """Have the open matters that follow these lists looked at by the next sweep."""
        self.env.cr.execute(
            SQL(
                """
                UPDATE csp_escalation_concern
                   SET next_step_at = %s
                 WHERE list_id = ANY(%s) AND ended_at IS NULL
                   AND escalated_to IS DISTINCT FROM %s
                """,
                fields.Datetime.now(),
                lists.ids,
                clock.OVER,
            )
        )
        self.invalidate_model(["next_step_at"], flush=False)

    @api.model
    def _stand_still(self, tickets):
        """Take no further step on the open matters of tickets: somebody has charge."""
        self.env.cr.execute(
            SQL(
                """
                UPDATE csp_escalation_concern
                   SET escalated_to = %s, next_step_at = NULL
                 WHERE ticket_id = ANY(%s) AND ended_at IS NULL
                """,
                clock.OVER,
                tickets.ids,
            ),
            log_exceptions=False,
        )
        self.invalidate_model(flush=False)
