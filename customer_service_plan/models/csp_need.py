from odoo import api, fields, models
from odoo.exceptions import UserError


class CspNeed(models.Model):
    """Something that customers may want, whatever the segment: price, speed, fairness.

    One catalogue for all companies; how much a segment wants it, and how well it is
    met, is said by `csp.segment.need`.
    """

    _name = "csp.need"
    _description = "Customer Need"
    _order = "sequence, id"
    _rec_names_search = ["name", "code"]

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        copy=False,
        help="A short word that stays the same in every language, for imports.",
    )
    description = fields.Char(
        string="What customers mean by it",
        translate=True,
        help="One sentence as a customer would say it.",
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)

    _code_unique = models.Constraint(
        "UNIQUE(code)", "Another need has this code already."
    )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_in_use(self):
        # sudo: csp.segment.need: only whether there are any, of whatever company
        Need = self.env["csp.segment.need"].sudo()
        uses = Need._read_group([("need_id", "in", self.ids)], groupby=["need_id"])
        if uses:
            raise UserError(
                self.env._(
                    "Segments say how important this is to them: %(needs)s. Archive it"
                    " instead: nobody is offered it any more, and nothing is lost.",
                    needs=", ".join(need.name for (need,) in uses),
                )
            )

    def copy_data(self, default=None):
        vals_list = super().copy_data(default=default)
        return [
            {**vals, "name": self.env._("%s (copy)", need.name)}
            for need, vals in zip(self, vals_list, strict=True)
        ]
