from odoo import api, fields, models
from odoo.exceptions import UserError


class CspStandard(models.Model):
    """How we behave towards customers, whatever it is about: greeting, expression.

    One catalogue for all companies. It is alive: other words for a standard reach the
    versions that name it, since they say how we talk and promise nothing.
    """

    _name = "csp.standard"
    _description = "Standard of Behaviour"
    _order = "sequence, id"
    _rec_names_search = ["name", "description"]

    name = fields.Char(required=True, translate=True)
    description = fields.Text(
        string="What it means",
        translate=True,
        help="In words that one can check oneself against.",
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_in_use(self):
        # sudo: csp.procedure: only whether there are any, of whatever company
        procedure = (
            self.env["csp.procedure"]
            .sudo()
            .search([("standard_ids", "in", self.ids)], limit=1)
        )
        if procedure:
            raise UserError(
                self.env._(
                    "“%(standard)s” is to be observed in “%(procedure)s” "
                    "(%(version)s). Archive it instead: nobody is offered it any more.",
                    standard=(procedure.standard_ids & self)[:1].name,
                    procedure=procedure.name,
                    version=procedure.version_id.display_name,
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_checked(self):
        # sudo: csp.scorecard.criterion: only whether there are any, of whatever company
        criteria = self.env["csp.scorecard.criterion"].sudo()
        criterion = criteria.search([("standard_id", "in", self.ids)], limit=1)
        if criterion:
            raise UserError(
                self.env._(
                    "“%(criterion)s” of the scorecard “%(scorecard)s” checks this "
                    "standard. Archive it instead: nobody is offered it any more.",
                    criterion=criterion.name,
                    scorecard=criterion.scorecard_id.display_name,
                )
            )

    def copy_data(self, default=None):
        vals_list = super().copy_data(default=default)
        return [
            {**vals, "name": self.env._("%s (copy)", standard.name)}
            for standard, vals in zip(self, vals_list, strict=True)
        ]
