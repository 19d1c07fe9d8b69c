from datetime import timedelta

from odoo import api, fields, models

from .csp_backtest import USUAL_DAYS


class CspPolicyVersion(models.Model):
    """What the past says about the promises of a version."""

    _inherit = "csp.policy.version"

    backtest_ids = fields.One2many(
        comodel_name="csp.backtest",
        inverse_name="version_id",
        string="Backtests",
        groups="customer_service_plan.group_manager",
    )
    backtest_count = fields.Integer(
        string="Tried on past tickets (times)",
        compute="_compute_backtest_count",
        groups="customer_service_plan.group_manager",
    )

    @api.depends("backtest_ids")
    def _compute_backtest_count(self):
        counts = dict(
            self.env["csp.backtest"]._read_group(
                domain=[("version_id", "in", self.ids)],
                groupby=["version_id"],
                aggregates=["__count"],
            )
        )
        for version in self:
            version.backtest_count = counts.get(version._origin, 0)

    def _fresh_backtest(self):
        """The latest backtest that still says something about this version: of the very
        same promises, and no older than the company wants it; or an empty one."""
        self.ensure_one()
        company = self.company_id or self.env.company
        # sudo: csp.backtest: whether there is one, whoever may publish
        last = (
            self.env["csp.backtest"]
            .sudo()
            .search(
                [
                    ("version_id", "=", self.id),
                    ("company_id", "=", company.id),
                    ("state", "=", "done"),
                ],
                order="run_at desc, id desc",
                limit=10,
            )
        )
        return last.filtered("is_fresh")[:1].sudo(self.env.su)

    def _backtest_values(self):
        """What is looked at where nobody chooses: the last 90 days or, where only
        imported tickets are there, all of the latest import."""
        self.ensure_one()
        company = self.company_id or self.env.company
        Backtest = self.env["csp.backtest"]
        today = Backtest._today(company)
        values = {
            "version_id": self.id,
            "company_id": company.id,
            "date_from": today - timedelta(days=USUAL_DAYS),
            "date_to": today,
        }
        if not Backtest.new(values)._count_tickets():
            last_import = self.env["csp.history.import"].search(
                [("company_id", "=", company.id), ("ticket_ids", "!=", False)],
                order="id desc",
                limit=1,
            )
            if last_import:
                return {
                    **values,
                    "date_from": False,
                    "date_to": False,
                    "import_id": last_import.id,
                }
        return values

    def _backtest_now(self, limit=20_000):
        """Try this version on past tickets at once, unless that would take long.

        :param int limit: number of tickets up to which nobody has to wait for it
        :return: the backtest, or an empty one
        """
        self.ensure_one()
        Backtest = self.env["csp.backtest"]
        values = self._backtest_values()
        if Backtest.new(values)._count_tickets() > limit or not self.line_ids.filtered(
            "has_promise"
        ):
            return Backtest
        test = Backtest.create(values)
        test.action_run()
        return test

    def action_backtest(self):
        """Prepare to try this version on past tickets."""
        self.check_access("write")
        self.ensure_one()
        values = self._backtest_values()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Try on past tickets"),
            "res_model": "csp.backtest",
            "view_mode": "form",
            "views": [(False, "form")],
            "context": {f"default_{name}": value for name, value in values.items()},
        }

    def action_view_backtests(self):
        """List what was found on past tickets."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_backtest_action"
        )
        action["domain"] = [("version_id", "=", self.id)]
        action["context"] = {"default_version_id": self.id}
        return action
