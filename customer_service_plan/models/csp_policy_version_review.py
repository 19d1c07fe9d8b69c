from odoo import fields, models


class CspPolicyVersion(models.Model):
    """Publication sets the date of the next review, which gathers what staff wrote."""

    _inherit = "csp.policy.version"
    # Whoever reads a version may say what he thinks of it.
    _mail_post_access = "read"

    def _after_publication(self):
        result = super()._after_publication()
        self._plan_review()
        return result

    def _plan_review(self):
        """Count the interval from the beginning of the first version on.

        Until then it ran from the day on which the policy was created. A date that
        somebody has set himself stays, as does what the last review has decided.
        """
        for policy in self.policy_id:
            months = policy.review_interval_months
            if not months:
                continue
            version = self.filtered(
                lambda each, policy=policy: each.policy_id == policy
            )
            created = fields.Datetime.context_timestamp(policy, policy.create_date)
            default = fields.Date.add(created.date(), months=months)
            is_first = not (policy.version_ids - version).filtered("published_at")
            if not policy.next_review_date or (
                is_first and policy.next_review_date == default
            ):
                begins = max(version.mapped("effective_date"))
                today = fields.Date.context_today(policy)
                policy.next_review_date = fields.Date.add(
                    max(begins, today), months=months
                )
