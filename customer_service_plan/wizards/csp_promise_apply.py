from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from ..models.csp_commitment import COMMITMENT_KINDS

#: Tickets of one call from the browser, which shows the progress in between.
CHUNK = 1000


class CspPromiseApply(models.TransientModel):
    """Measure past tickets by a policy, and see how often it would have been kept.

    Tickets that came in before the service plan, or with an import, carry no promise.
    Here a manager gives them one, dated at their receipt. It is the same rule that
    serves the tickets of today: what is shown are the rows of the tickets themselves.
    """

    _name = "csp.promise.apply"
    _description = "Apply a Policy to Past Tickets"

    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self.env.company,
    )
    import_id = fields.Many2one(
        comodel_name="csp.history.import",
        string="Of the import",
        domain="[('company_id', '=', company_id), ('ticket_ids', '!=', False)]",
        ondelete="cascade",
    )
    date_from = fields.Date(string="Received from")
    date_to = fields.Date(string="Received until")
    ticket_ids = fields.Many2many(
        comodel_name="helpdesk.ticket",
        string="Chosen tickets",
        default=lambda self: self._default_ticket_ids(),
    )
    version_id = fields.Many2one(
        comodel_name="csp.policy.version",
        string="Policy",
        required=True,
        domain="[('state', 'in', ('published', 'retired')),"
        " ('company_id', 'in', [False, company_id])]",
        ondelete="cascade",
        help="Also for tickets that are older than its beginning.",
    )
    state = fields.Selection(
        selection=[
            ("choose", "Choose"),
            ("running", "Measuring"),
            ("done", "Figures"),
            ("taking_back", "Taking back"),
            ("taken_back", "Taken back"),
        ],
        default="choose",
        readonly=True,
    )
    candidate_count = fields.Integer(
        string="Tickets without a promise", compute="_compute_candidate_count"
    )
    last_id = fields.Integer(readonly=True)
    total_count = fields.Integer(string="Tickets", readonly=True)
    done_count = fields.Integer(string="Measured", readonly=True)
    promised_count = fields.Integer(string="Got a promise", readonly=True)
    taken_back_count = fields.Integer(string="Without a promise again", readonly=True)
    progress = fields.Float(compute="_compute_progress")
    line_ids = fields.One2many(
        comodel_name="csp.promise.apply.line",
        inverse_name="apply_id",
        string="Figures",
        readonly=True,
    )

    @api.model
    def _default_ticket_ids(self):
        if self.env.context.get("active_model") != "helpdesk.ticket":
            return self.env["helpdesk.ticket"]
        return self.env["helpdesk.ticket"].browse(self.env.context.get("active_ids"))

    @api.depends("company_id", "import_id", "date_from", "date_to", "ticket_ids")
    def _compute_candidate_count(self):
        Ticket = self.env["helpdesk.ticket"].with_context(active_test=False)
        for apply in self:
            apply.candidate_count = Ticket.search_count(apply._candidate_domain())

    @api.depends("done_count", "total_count")
    def _compute_progress(self):
        for apply in self:
            total = apply.total_count
            apply.progress = 100.0 * apply.done_count / total if total else 0.0

    @api.constrains("company_id", "version_id")
    def _check_version_company(self):
        for apply in self:
            company = apply.version_id.company_id
            if company not in (company.browse(), apply.company_id):
                raise ValidationError(
                    self.env._(
                        "%(version)s holds for %(company)s only. It cannot be applied "
                        "to the tickets of %(other)s.",
                        version=apply.version_id.display_name,
                        company=company.name,
                        other=apply.company_id.name,
                    )
                )

    def _scope_domain(self):
        """The chosen tickets, with a promise or not."""
        self.ensure_one()
        domain = [
            ("company_id", "=", self.company_id.id),
            ("csp_received_at", "!=", False),
        ]
        if self.import_id:
            domain.append(("csp_import_id", "=", self.import_id.id))
        if self.ticket_ids:
            domain.append(("id", "in", self.ticket_ids.ids))
        if self.date_from:
            domain.append(("csp_received_at", ">=", self.date_from))
        if self.date_to:
            after = fields.Date.add(self.date_to, days=1)
            domain.append(("csp_received_at", "<", after))
        return domain

    def _candidate_domain(self):
        return [*self._scope_domain(), ("csp_policy_version_id", "=", False)]

    def _promised_domain(self):
        version = ("csp_policy_version_id", "=", self.version_id.id)
        return [*self._scope_domain(), version]

    def _reopen(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Apply a policy to past tickets"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_apply(self):
        """Start; the page then asks for one part after the other."""
        self.check_access("write")
        self.ensure_one()
        if self.version_id.state not in ("published", "retired"):
            raise UserError(
                self.env._("Publish the version first: a draft may still change.")
            )
        if not self.candidate_count:
            raise UserError(
                self.env._(
                    "All of these tickets have a promise already, or none exist."
                )
            )
        self.write(
            {
                "state": "running",
                "total_count": self.candidate_count,
                "done_count": 0,
                "promised_count": 0,
                "last_id": 0,
            }
        )
        return self._reopen()

    def action_run_chunk(self):
        """Measure the next part; each call is a transaction of its own, so that one
        that is cut off is simply asked for again.

        :return: whether there is more to do
        """
        self.check_access("write")
        self.ensure_one()
        if self.state == "taking_back":
            return self._take_back_chunk()
        if self.state != "running":
            return False
        tickets = self._next_tickets(self._candidate_domain())
        if not tickets:
            self.line_ids.unlink()
            self.env["csp.promise.apply.line"].create(
                [dict(vals, apply_id=self.id) for vals in self._figures()]
            )
            self.state = "done"
            return False
        promised = tickets._csp_promise_from_receipt(self.version_id)
        self.write(
            {
                "last_id": tickets[-1].id,
                "done_count": self.done_count + len(tickets),
                "promised_count": self.promised_count + len(promised),
            }
        )
        return True

    def _next_tickets(self, domain):
        return (
            self.env["helpdesk.ticket"]
            .with_context(active_test=False)
            .search([*domain, ("id", ">", self.last_id)], order="id", limit=CHUNK)
        )

    def action_take_back(self):
        """Start to undo what was applied by mistake, one part after the other."""
        self.check_access("write")
        self.ensure_one()
        Ticket = self.env["helpdesk.ticket"].with_context(active_test=False)
        total = Ticket.search_count(self._promised_domain())
        if not total:
            raise UserError(
                self.env._(
                    "None of these tickets is promised anything under %s.",
                    self.version_id.display_name,
                )
            )
        self.write(
            {
                "state": "taking_back",
                "total_count": total,
                "done_count": 0,
                "taken_back_count": 0,
                "last_id": 0,
            }
        )
        return self._reopen()

    def _take_back_chunk(self):
        tickets = self._next_tickets(self._promised_domain())
        if not tickets:
            self.state = "taken_back"
            self.version_id._message_log(
                body=self.env._(
                    "Promises given afterwards were taken back: %s tickets.",
                    self.taken_back_count,
                )
            )
            return False
        taken_back = tickets._csp_take_back_promise(self.version_id)
        self.write(
            {
                "last_id": tickets[-1].id,
                "done_count": self.done_count + len(tickets),
                "taken_back_count": self.taken_back_count + len(taken_back),
            }
        )
        return True

    def action_show(self):
        """Only show the figures of promises that were made before."""
        self.check_access("write")
        self.ensure_one()
        self.write({"state": "running", "total_count": 0, "last_id": 2**31 - 1})
        self.action_run_chunk()
        return self._reopen()

    def _figures(self):
        """What became of the promises of that version on the chosen tickets.

        Kept of those decided: excused and cancelled ones count neither way. Times are
        opening time, of promises that ended by being kept or missed.

        :return: values of `csp.promise.apply.line`, by line of the policy and kind
        """
        self.env.flush_all()
        tickets = self.env["helpdesk.ticket"].with_context(active_test=False)
        query = tickets._search(self._scope_domain())
        rows = self.env.execute_query_dict(
            SQL(
                """
                SELECT policy_line_id, kind,
                       COUNT(*) AS case_count,
                       COUNT(*) FILTER (WHERE state = 'met') AS kept_count,
                       COUNT(*) FILTER (WHERE state = 'missed') AS missed_count,
                       COUNT(*) FILTER (WHERE state = 'excused') AS excused_count,
                       COUNT(*) FILTER (WHERE state = 'cancelled') AS cancelled_count,
                       COUNT(*) FILTER (
                           WHERE state IN ('running', 'paused')
                       ) AS open_count,
                       percentile_cont(0.5) WITHIN GROUP (ORDER BY consumed_seconds)
                           FILTER (WHERE state IN ('met', 'missed')
                                     AND ended_at IS NOT NULL) AS median,
                       percentile_cont(0.9) WITHIN GROUP (ORDER BY consumed_seconds)
                           FILTER (WHERE state IN ('met', 'missed')
                                     AND ended_at IS NOT NULL) AS p90
                  FROM csp_commitment
                 WHERE policy_version_id = %s
                   AND ticket_id IN %s
                 GROUP BY policy_line_id, kind
                """,
                self.version_id.id,
                query.subselect(),
            )
        )
        order = {kind: at for at, (kind, _label) in enumerate(COMMITMENT_KINDS)}
        lines = {line.id: at for at, line in enumerate(self.version_id.line_ids)}
        rows.sort(key=lambda row: (order[row["kind"]], lines[row["policy_line_id"]]))
        for row in rows:
            row["median_hours"] = (row.pop("median") or 0) / 3600
            row["p90_hours"] = (row.pop("p90") or 0) / 3600
        return rows

    def action_open_tickets(self):
        """Show the tickets behind the figures."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Past tickets with a promise"),
            "res_model": "helpdesk.ticket",
            "view_mode": "list,form",
            "domain": self._promised_domain(),
            "context": {"active_test": False, "create": False},
        }
