from odoo import api, models

from .protected import unless_uninstalled


class CspRuleSource(models.AbstractModel):
    """Records that decide which promise a ticket gets.

    The rules are compiled once per company and kept in memory by every process
    (`csp.policy._compiled_rules`); a change here drops them everywhere.
    """

    _name = "csp.rule.source"
    _description = "Source of Promise Rules"

    #: Fields that the compiled rules hold; None for all.
    _csp_rule_fields = None

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        self._csp_rules_changed()
        return records

    def write(self, vals):
        result = super().write(vals)
        if self._csp_rule_fields is None or not self._csp_rule_fields.isdisjoint(vals):
            self._csp_rules_changed()
        return result

    def unlink(self):
        result = super(CspRuleSource, unless_uninstalled(self)).unlink()
        self._csp_rules_changed()
        return result

    @api.model
    def _csp_rules_changed(self):
        """Drop the compiled rules, in the other processes too.

        Once more after the transaction: meanwhile another thread may have compiled the
        rules as they were before it.
        """
        self.env.registry.clear_cache()
        # Unlike the cache of the cursor, this is dropped by a rollback.
        postcommit = self.env.cr.postcommit
        if "csp_rules_changed" not in postcommit.data:
            postcommit.data["csp_rules_changed"] = True
            postcommit.add(self._csp_forget_rules)

    @api.model
    def _csp_forget_rules(self):
        """Drop what is kept in memory, here and in the other processes.

        These are told at once, since a shell does not do so by itself.
        """
        registry = self.env.registry
        registry.clear_cache()
        if registry.ready:
            registry.signal_changes()
