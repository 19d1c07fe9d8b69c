from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.base.models.res_partner import _tz_get

from ..tools import history


class CspHistoryMapping(models.Model):
    """What the columns and the activities of a file of past tickets mean.

    Each import has a mapping of its own, made from a guess or from a saved one, and
    keeps it: it tells later how its cases were read.
    """

    _name = "csp.history.mapping"
    _description = "Mapping for Past Tickets"
    _order = "name, id"

    name = fields.Char(required=True)
    is_saved = fields.Boolean(
        string="Saved",
        readonly=True,
        copy=False,
        help="Offered for other files, rather than part of a single import.",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        index="btree_not_null",
        ondelete="cascade",
        help="Leave it empty to offer it in every company.",
    )
    source = fields.Char(
        help="A short name for the system the cases come from. A case with the same "
        "number from the same source is the same case, and is not imported twice.",
    )
    tz = fields.Selection(
        selection=_tz_get,
        string="Time zone",
        required=True,
        default=lambda self: self._default_tz(),
        help="The times in the file are local times of this zone, unless they name "
        "another one themselves. A time that comes twice, when summer time ends, is "
        "taken for the later one.",
    )
    date_order = fields.Selection(
        selection=[
            (history.YEAR_FIRST, "Year, month, day"),
            (history.DAY_FIRST, "Day, month, year"),
            (history.MONTH_FIRST, "Month, day, year"),
        ],
        string="Order in dates",
        required=True,
        default=history.YEAR_FIRST,
    )
    first_row_is_receipt = fields.Boolean(
        string="A case without a receipt was received with its first row",
        default=True,
        help="Otherwise a case without a row for its receipt is left out.",
    )
    next_ends_wait = fields.Boolean(
        string="Waiting ends with the next row of the case",
        default=True,
        help="For files that tell when waiting begins, but not when it ends. Rows "
        "whose activity means nothing do not count.",
    )
    work_reopens = fields.Boolean(
        string="Work on a closed case reopens it",
        default=True,
        help="For files that do not tell when a case is reopened. Work are also an "
        "answer, waiting and its end.",
    )
    unfinished = fields.Selection(
        selection=[
            (history.LEAVE_OUT, "Leave them out"),
            (history.END_UNSOLVED, "End them at their last row, as not solved"),
        ],
        string="Cases without an end",
        required=True,
        default=history.LEAVE_OUT,
        help="Left out: they can be imported later, from a file in which they have "
        "ended. Ended as not solved: they never count as kept, and what was late at "
        "their last row counts as missed. For files of a system that is no longer "
        "used.",
    )
    customer_as = fields.Selection(
        selection=[
            ("nothing", "Is not kept"),
            ("text", "Is kept as a text on the ticket"),
            ("ref", "Is the reference of a contact"),
            ("email", "Is the e-mail address of a contact"),
        ],
        string="The customer",
        required=True,
        default="text",
        help="Contacts are only looked up, never made. A customer who is linked sees "
        "the past tickets in the portal.",
    )
    column_ids = fields.One2many(
        comodel_name="csp.history.column",
        inverse_name="mapping_id",
        string="Columns",
        copy=True,
    )
    activity_ids = fields.One2many(
        comodel_name="csp.history.activity",
        inverse_name="mapping_id",
        string="Activities",
        copy=True,
    )
    value_ids = fields.One2many(
        comodel_name="csp.history.value",
        inverse_name="mapping_id",
        string="Values",
        copy=True,
    )
    note = fields.Text(
        string="Remarks", help="Why the activities mean what is said here."
    )

    @api.model
    def _default_tz(self):
        return self.env.user.tz or self.env.company.partner_id.tz or "UTC"

    @api.constrains("column_ids")
    def _check_columns(self):
        for mapping in self:
            roles = [role for role in mapping.column_ids.mapped("role") if role]
            if len(roles) == len(set(roles)):
                continue
            labels = dict(
                mapping.column_ids._fields["role"]._description_selection(self.env)
            )
            double = next(role for role in roles if roles.count(role) > 1)
            raise ValidationError(
                self.env._(
                    "Two columns are said to hold the same: %s. Choose one.",
                    labels[double],
                )
            )

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        if not default or "name" not in default:
            for vals in vals_list:
                vals["name"] = self.env._("%s (copy)", vals["name"])
        return vals_list

    def _missing_roles(self):
        """What a file cannot be read without, as texts for people."""
        self.ensure_one()
        roles = set(self.column_ids.mapped("role"))
        missing = []
        if history.CASE not in roles:
            missing.append(self.env._("the number of the case"))
        if history.ACTIVITY in roles:
            if history.TIME not in roles:
                missing.append(self.env._("the time of the activity"))
        elif "received_at" not in roles:
            missing.append(
                self.env._("the activity, or the time at which a case was received")
            )
        return missing

    def _fits(self, header):
        """Whether a file with these columns has all that this mapping reads."""
        self.ensure_one()
        names = {history.fold(name) for name in header}
        used = self.column_ids.filtered("role").mapped("name")
        return bool(used) and all(history.fold(name) in names for name in used)

    def _plan(self, header, grace_days, now):
        """This mapping for a file with that header.

        :param grace_days: within which a reopened case goes on
        :param now: epoch seconds, after which no row can be
        """
        self.ensure_one()
        roles = {
            history.fold(column.name): column.role
            for column in self.column_ids
            if column.role
        }
        columns = {}
        for index, name in enumerate(header):
            role = roles.get(history.fold(name))
            if role:
                columns[index] = role
        return history.Plan(
            columns=columns,
            events={
                history.fold(activity.name): activity.event
                for activity in self.activity_ids
                if activity.event
            },
            zone=self.tz,
            date_order=self.date_order,
            first_row_is_receipt=self.first_row_is_receipt,
            next_ends_wait=self.next_ends_wait,
            work_reopens=self.work_reopens,
            unfinished=self.unfinished,
            grace_seconds=grace_days * 86_400,
            now=now,
        )
