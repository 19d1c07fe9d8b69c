from datetime import datetime

from freezegun import freeze_time

from odoo.addons.base.tests.common import BaseCommon

from ..models import csp_commitment
from ..tools.epoch import to_epoch


class TestSweepWake(BaseCommon):
    @freeze_time("2026-01-05 09:00:00")
    def test_sweep_is_planned_after_the_commit(self):
        """What a commit empties must not be what the sweep is planned by."""
        self.patch(csp_commitment, "_SWEEP_PLANNED_AT", {})
        deadline = datetime(2026, 1, 5, 11)
        cron = self.env.ref("customer_service_plan.ir_cron_sweep")
        triggers = self.env["ir.cron.trigger"]
        triggers.search([("cron_id", "=", cron.id)]).unlink()
        commitments = self.env["csp.commitment"]
        commitments._wake_sweep_after_commit(to_epoch(deadline))
        with self.enter_registry_test_mode():
            # The order of a commit: the transaction is cleared, then hooks run.
            self.env.flush_all()
            self.env.cr.clear()
            self.env.cr.postcommit.run()
        found = triggers.search([("cron_id", "=", cron.id)]).mapped("call_at")
        self.assertEqual(found, [datetime(2026, 1, 5, 11, 0, 1)])
