from odoo import api, fields, models
from odoo.exceptions import AccessError

#: What people may correct; the rest is kept by the profile.
CORRECTABLE = {"source", "stated_on"}


class CspCustomerStatement(models.Model):
    """Where one statement of a customer's profile comes from, and since when.

    Kept by the profile itself: what is known has a row, what is not has none. People
    may correct the source and the date.
    """

    _name = "csp.customer.statement"
    _description = "Source of a Statement about a Customer"
    _order = "profile_id, id"

    profile_id = fields.Many2one(
        comodel_name="csp.customer.profile",
        required=True,
        ondelete="cascade",
        readonly=True,
    )
    subject = fields.Selection(
        selection=[
            ("birth", "Age"),
            ("gender", "Gender"),
            ("education_level", "Education"),
            ("purchasing_power", "Purchasing Power"),
            ("tier", "Tier"),
            ("criteria", "Criteria"),
            ("preferred_channel", "Preferred Channel"),
            ("preferred_language", "Preferred Language"),
        ],
        string="Statement",
        required=True,
        readonly=True,
    )
    source = fields.Char(help="Who or what says so, such as a survey or the customer.")
    stated_on = fields.Date(required=True)
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Entered by",
        ondelete="set null",
        readonly=True,
    )

    _profile_subject_unique = models.Constraint(
        "UNIQUE(profile_id, subject)",
        "Each statement of a profile has one source.",
    )

    @api.depends("subject")
    @api.depends_context("lang")
    def _compute_display_name(self):
        subjects = dict(self._fields["subject"]._description_selection(self.env))
        for statement in self:
            statement.display_name = subjects.get(statement.subject)

    def write(self, vals):
        if not (self.env.su or vals.keys() <= CORRECTABLE):
            raise AccessError(
                self.env._(
                    "Only the source and the date of a statement can be corrected. "
                    "Change the profile to change what is stated."
                )
            )
        return super().write(vals)
