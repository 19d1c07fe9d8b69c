import holidays

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain

from ..tools.public_holidays import find_region, get_language, get_regions

# Years that the package and people can mean.
FIRST_YEAR, LAST_YEAR = 1948, 2099


class CspHoursHoliday(models.TransientModel):
    _name = "csp.hours.holiday"
    _description = "Add Public Holidays"

    hours_id = fields.Many2one(
        comodel_name="csp.hours", required=True, ondelete="cascade"
    )
    country_id = fields.Many2one(
        comodel_name="res.country",
        required=True,
        ondelete="cascade",
        compute="_compute_country_id",
        store=True,
        readonly=False,
        precompute=True,
    )
    region = fields.Char(
        compute="_compute_region", store=True, readonly=False, precompute=True
    )
    regions = fields.Json(compute="_compute_regions")
    year_from = fields.Integer(
        string="From Year",
        required=True,
        default=lambda self: self._default_year(),
        aggregator=None,
    )
    year_to = fields.Integer(
        string="To Year",
        required=True,
        default=lambda self: self._default_year() + 1,
        aggregator=None,
    )
    line_ids = fields.One2many(
        comodel_name="csp.hours.holiday.line",
        inverse_name="wizard_id",
        string="Holidays",
        compute="_compute_line_ids",
        store=True,
        readonly=False,
    )
    known_count = fields.Integer(compute="_compute_known_count")
    problem = fields.Char(compute="_compute_problem")

    @api.model
    def _default_year(self):
        return fields.Date.context_today(self).year

    @api.depends("hours_id")
    def _compute_country_id(self):
        for wizard in self:
            wizard.country_id = (
                wizard.hours_id.country_id or self.env.company.country_id
            )

    @api.depends("country_id", "hours_id")
    def _compute_region(self):
        for wizard in self:
            wizard.region = wizard._get_region(wizard.hours_id.state_id)

    def _get_region(self, state):
        """Return the region of the package that is meant by a state of Odoo."""
        if not state or state.country_id != self.country_id:
            return False
        found = find_region(self.country_id.code, state.code or "", state.name)
        return found or False

    @api.depends("country_id")
    def _compute_regions(self):
        for wizard in self:
            country = wizard.country_id
            wizard.regions = [list(pair) for pair in get_regions(country.code or "")]

    @api.depends("country_id", "year_from", "year_to")
    @api.depends_context("lang")
    def _compute_problem(self):
        for wizard in self:
            wizard.problem = wizard._get_problem()

    def _get_problem(self):
        """Return why nothing can be proposed, empty when something can."""
        supported = holidays.list_supported_countries(include_aliases=False)
        if not self.country_id:
            return self.env._("Choose a country.")
        if self.country_id.code not in supported:
            return self.env._(
                "The public holidays of %s are not known here. Enter them by hand.",
                self.country_id.name,
            )
        if not FIRST_YEAR <= self.year_from <= self.year_to <= LAST_YEAR:
            return self.env._(
                "Choose years from %(first)s to %(last)s, the earlier one first.",
                first=FIRST_YEAR,
                last=LAST_YEAR,
            )
        return ""

    @api.depends("country_id", "region", "year_from", "year_to", "hours_id")
    @api.depends_context("lang")
    def _compute_line_ids(self):
        for wizard in self:
            commands = [Command.clear()]
            if not wizard._get_problem():
                commands += [
                    Command.create(values) for values in wizard._prepare_lines()
                ]
            wizard.line_ids = commands

    @api.depends("line_ids.is_known")
    def _compute_known_count(self):
        for wizard in self:
            wizard.known_count = len(wizard.line_ids.filtered("is_known"))

    def _find_holidays(self):
        """Return date and name of the public holidays, in order."""
        years = range(self.year_from, self.year_to + 1)
        code = self.country_id.code
        known = {region for region, _name in get_regions(code)}
        region = self.region if self.region in known else None
        country = holidays.country_holidays(code, subdiv=region, years=years)
        language = get_language(country, self.env.lang or "en_US")
        if language and language != country.language:
            country = holidays.country_holidays(
                code, subdiv=region, years=years, language=language
            )
        # A holiday moved over New Year may fall into a year nobody asked for.
        return sorted(item for item in country.items() if item[0].year in years)

    def _prepare_lines(self):
        """Return the values of the proposal; days closed already are not ticked."""
        closed = [
            (row.date_from, row.date_to)
            for row in self.hours_id.exception_ids
            if row.kind == "closed" and row.whole_day
        ]
        lines = []
        for day, name in self._find_holidays():
            is_known = any(first <= day <= last for first, last in closed)
            lines.append(
                {
                    "date": day,
                    "name": name,
                    "is_known": is_known,
                    "is_selected": not is_known,
                }
            )
        return lines

    def action_apply(self):
        """Add the ticked holidays to the table."""
        self.ensure_one()
        problem = self._get_problem()
        if problem:
            raise UserError(problem)
        self.hours_id.check_access("write")
        rows = self.env["csp.hours.exception"].search(
            Domain("hours_id", "=", self.hours_id.id)
            & Domain("kind", "=", "closed")
            & Domain("minute_to", "=", 0)
        )
        taken = set()
        commands = []
        for line in self.line_ids.filtered("is_selected").sorted("date"):
            known = any(row.date_from <= line.date <= row.date_to for row in rows)
            if known or line.date in taken:
                continue
            taken.add(line.date)
            commands.append(
                Command.create(
                    {
                        "name": line.name,
                        "date_from": line.date,
                        "date_to": line.date,
                        "kind": "closed",
                    }
                )
            )
        values = {"country_id": self.country_id.id}
        if self.hours_id.state_id.country_id != self.country_id:
            values["state_id"] = False
        if commands:
            values["exception_ids"] = commands
        self.hours_id.write(values)
        return {"type": "ir.actions.act_window_close"}
