import logging
from datetime import datetime, time, timedelta
from itertools import combinations

import pytz

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Domain
from odoo.tools import SQL, format_date

from .csp_commitment import CONFLICTS
from .locking import one_at_a_time

_logger = logging.getLogger(__name__)

#: Tickets are drawn from those closed within so many days.
DRAW_DAYS = 30
#: So many tickets are drawn: enough to tell something, few enough for an afternoon.
DRAW_COUNT = 5
MARK = "customer_service_plan.mail_activity_type_calibration"
STALLED = "customer_service_plan.mail_activity_type_calibration_stalled"
CRON = "customer_service_plan.ir_cron_calibrations"


class CspQualityCalibration(models.Model):
    """How a calibration is prepared, marked and ended."""

    _inherit = "csp.quality.calibration"

    # === Preparing ===

    def action_draw_tickets(self):
        """Add tickets by lot: closed in the last 30 days, one's own or not.

        :raises UserError: where none is left that the scorecard fits
        """
        self.ensure_one()
        self.check_access("write")
        if self.state != "draft":
            raise UserError(self.env._("It was started: its tickets stay."))
        if not self.scorecard_id:
            raise UserError(self.env._("Choose the scorecard first."))
        tickets = self._draw(DRAW_COUNT)
        if not tickets:
            raise UserError(
                self.env._(
                    "No ticket that fits was closed in the last %s days. Choose "
                    "tickets from the list.",
                    DRAW_DAYS,
                )
            )
        self.ticket_ids = [Command.link(ticket.id) for ticket in tickets]
        return True

    def _draw(self, count):
        """So many tickets by lot, that nobody has reviewed, and that the scorecard
        fits."""
        Ticket = self.env["helpdesk.ticket"]
        domain = (
            Domain("company_id", "=", self.company_id.id)
            & Domain("user_id", "!=", False)
            & Domain("csp_closed_at", ">=", f"-{DRAW_DAYS}d")
            & Domain("csp_closed_as", "=", "solved")
            & Domain("id", "not in", self.ticket_ids.ids)
        )
        # sudo: csp.quality.review: which tickets were reviewed, by whomever
        reviewed = self.env["csp.quality.review"].sudo()._search(Domain.TRUE)
        domain &= Domain("id", "not in", reviewed.subselect("ticket_id"))
        query = Ticket._search(domain)
        # Not all may fit: a few more are looked at.
        query.order = SQL("random()")
        query.limit = 20 * count
        fitting = Ticket.browse(query).filtered(self.scorecard_id._fits)
        return fitting[:count]

    def action_start(self):
        """Give each reviewer each ticket to mark, blind.

        :raises UserError: with what is still missing
        :raises AccessError: for everybody but managers
        """
        self.check_access("write")
        one_at_a_time(self)
        for calibration in self:
            missing = calibration._missing_texts()
            if missing:
                raise UserError("\n".join(missing))
            # sudo: csp.quality.review: begun for those who are named, by a manager
            reviews = self.env["csp.quality.review"].sudo()._by_addon()
            reviews.with_context(mail_create_nosubscribe=True).create(
                calibration._prepare_reviews()
            )
            calibration._by_addon().write(
                {
                    "state": "running",
                    "started_at": fields.Datetime.now(),
                    "is_stalled": False,
                }
            )
            calibration._ask_reviewers()
            calibration._wake_cron()
        return True

    def _missing_texts(self):
        """What is to be done before it can start: texts for the manager."""
        self.ensure_one()
        if self.state != "draft":
            return [self.env._("“%s” was already started.", self.name)]
        texts = []
        if self.scorecard_id.state != "in_use":
            texts.append(
                self.env._(
                    "“%s” is not in use: choose a scorecard that is.",
                    self.scorecard_id.display_name,
                )
            )
        if not self.due_date or self.due_date < self._today():
            texts.append(self.env._("Say by when everybody marks: a day to come."))
        if not self.ticket_ids:
            texts.append(self.env._("Choose the tickets that are marked."))
        if len(self.reviewer_ids) < 2:
            texts.append(self.env._("Choose at least two reviewers."))
        strangers = self.reviewer_ids.filtered(
            lambda user: (
                not user.active
                or self.company_id not in user.company_ids
                or not user.has_group("customer_service_plan.group_reviewer")
            )
        )
        if strangers:
            texts.append(
                self.env._(
                    "Cannot review here any more: %s",
                    ", ".join(strangers.mapped("name")),
                )
            )
        nobodys = self.ticket_ids.filtered(lambda ticket: not ticket.user_id)
        if nobodys:
            texts.append(
                self.env._(
                    "Nobody has worked on these tickets: %s",
                    ", ".join(nobodys.mapped("display_name")),
                )
            )
        lonely = (self.ticket_ids - nobodys).filtered(
            lambda ticket: len(self._markers(ticket)) < 2
        )
        if lonely and len(self.reviewer_ids) > 1:
            texts.append(
                self.env._(
                    "One person alone would mark these tickets, there is nothing to "
                    "compare: %s",
                    ", ".join(lonely.mapped("display_name")),
                )
            )
        return texts

    def _prepare_reviews(self):
        return [
            {
                "ticket_id": ticket.id,
                "reviewer_id": reviewer.id,
                "scorecard_id": self.scorecard_id.id,
                "calibration_id": self.id,
                "due_date": self.due_date,
                "is_blind": True,
            }
            for ticket in self.ticket_ids
            for reviewer in self._markers(ticket)
        ]

    def action_back_to_draft(self):
        """Take back what was started, as long as nobody has marked a ticket to its end.

        :raises UserError: where somebody has
        :raises AccessError: for everybody but managers
        """
        self.check_access("write")
        one_at_a_time(self)
        # sudo: csp.quality.calibration: what everybody has to mark, seen by nobody else
        for calibration in self.sudo():
            if calibration.state != "running":
                raise UserError(self.env._("“%s” is not running.", calibration.name))
            if calibration.review_ids.filtered(lambda review: not review.is_open):
                raise UserError(
                    self.env._(
                        "Some have marked already: compare what there is instead."
                    )
                )
            calibration.review_ids._by_addon().unlink()
            calibration.activity_unlink([MARK, STALLED])
            calibration._by_addon().write({"state": "draft", "started_at": False})
        return True

    # === Being marked ===

    def action_mark(self):
        """Open the next ticket that the user has to mark here; after that, all."""
        self.ensure_one()
        self.check_access("read")
        mine = self.env["csp.quality.review"].search(
            [("calibration_id", "=", self.id), ("reviewer_id", "=", self.env.uid)]
        )
        to_do = mine.filtered("is_open").sorted("id")[:1]
        action = {
            "type": "ir.actions.act_window",
            "res_model": mine._name,
            "name": self.name,
        }
        if to_do:
            return {**action, "res_id": to_do.id, "views": [(False, "form")]}
        return {
            **action,
            "views": [(False, "list"), (False, "form")],
            "domain": [("id", "in", mine.ids)],
        }

    def _ask_reviewers(self):
        """Give each reviewer a to-do, in his language."""
        kind = self.env.ref(MARK, raise_if_not_found=False)
        model = self.env["ir.model"]._get(self._name)
        # sudo: csp.quality.review: how many each has to mark
        counts = (
            self.env["csp.quality.review"]
            .sudo()
            ._read_group(
                domain=[("calibration_id", "=", self.id)],
                groupby=["reviewer_id"],
                aggregates=["__count"],
            )
        )
        values = []
        for reviewer, count in counts:
            lang = reviewer.lang or self.env.lang
            told = self.with_context(lang=lang)
            values.append(
                {
                    "activity_type_id": kind.id if kind else False,
                    "res_model_id": model.id,
                    "res_id": self.id,
                    "user_id": reviewer.id,
                    "date_deadline": self.due_date,
                    "automated": True,
                    "summary": told.env._(
                        "Mark tickets for the calibration: %s", count
                    ),
                }
            )
        # sudo: mail.activity: a reviewer cannot write calibrations, yet he is asked
        self.env["mail.activity"].sudo().create(values)

    def _after_marking(self, reviewer):
        """Somebody has marked a ticket to its end: compare when all have."""
        running = self.filtered(lambda calibration: calibration.state == "running")
        if not running:
            return
        # Two who end at the same moment: the second one begins again, and sees both.
        one_at_a_time(running)
        Review = self.env["csp.quality.review"]
        rows = Review._read_group(
            domain=[("calibration_id", "in", running.ids), ("is_open", "=", True)],
            groupby=["calibration_id"],
            aggregates=["reviewer_id:recordset"],
        )
        busy = dict(rows)
        for calibration in running:
            open_reviewers = busy.get(calibration, reviewer.browse())
            if reviewer not in open_reviewers:
                calibration.activity_unlink([MARK], user_id=reviewer.id)
            if not open_reviewers and calibration._is_comparable():
                calibration._compare()

    def _move_date(self):
        """Whoever still has to mark has the new date."""
        for calibration in self.filtered(lambda one: one.state == "running"):
            # sudo: csp.quality.review: those of everybody, by who may move the date
            reviews = calibration.sudo().review_ids
            reviews.filtered("is_open")._by_addon().write(
                {"due_date": calibration.due_date}
            )
            calibration.sudo().activity_reschedule(
                [MARK], date_deadline=calibration.due_date
            )
            calibration.sudo().activity_unlink([STALLED])
            calibration._by_addon().write({"is_stalled": False})
            calibration._wake_cron()

    # === Comparing ===

    def action_compare(self):
        """End it now: show what was marked side by side. What is not done is dropped.

        :raises UserError: where no two people have marked the same ticket
        :raises AccessError: for everybody but managers and who leads it
        """
        self.check_access("read")
        if self.filtered(lambda calibration: not calibration.may_lead):
            raise AccessError(
                self.env._("Managers end a calibration, or whoever leads it.")
            )
        one_at_a_time(self)
        # sudo: csp.quality.calibration: who leads it need not be able to write it
        for calibration in self.sudo():
            if calibration.state != "running":
                raise UserError(self.env._("“%s” is not running.", calibration.name))
            if not calibration._is_comparable():
                raise UserError(
                    self.env._(
                        "No ticket was marked by two people yet: there is nothing to "
                        "compare."
                    )
                )
            calibration._compare()
        return True

    def _done_reviews(self):
        return self.review_ids.filtered(lambda review: not review.is_open)

    def _is_comparable(self):
        """Whether two people have marked the same ticket."""
        self.ensure_one()
        by_ticket = self._done_reviews().grouped("ticket_id")
        return any(len(reviews) > 1 for reviews in by_ticket.values())

    def _compare(self):
        self.ensure_one()
        undone = self.review_ids.filtered("is_open")
        if undone:
            self.message_post(
                body=self.env._(
                    "Not marked to the end, and left out: %s",
                    ", ".join(
                        f"{reviewer.name} ({len(reviews)})"
                        for reviewer, reviews in undone.grouped("reviewer_id").items()
                    ),
                )
            )
            undone._by_addon().unlink()
        self._by_addon().write(
            {
                "state": "compared",
                "compared_at": fields.Datetime.now(),
                "is_stalled": False,
                **self._measure(),
            }
        )
        self.activity_unlink([MARK, STALLED])
        self._tell_compared()

    def _measure(self):
        """The two figures that are compared from one calibration to the next."""
        pairs = self._count_pairs()
        gaps = [
            abs(one.score - other.score)
            for reviews in self._done_reviews().grouped("ticket_id").values()
            for one, other in combinations(reviews.filtered("is_scored"), 2)
        ]
        return {
            "alike_percent": 100 * float(pairs.share or 0),
            "score_gap": sum(gaps) / len(gaps) if gaps else 0,
        }

    def _tell_compared(self):
        """Tell those who marked that they may look, in their language."""
        people = self._done_reviews().reviewer_id | self.responsible_id
        for lang, users in people.filtered("active").grouped("lang").items():
            told = self.with_context(lang=lang or self.env.lang)
            told.message_notify(
                partner_ids=users.partner_id.ids,
                subject=told.env._("Compared: %s", told.name),
                body=told.env._(
                    "Everybody's marks are side by side now. Look where you differ, "
                    "and agree on what the mark should be."
                ),
            )

    # === Scheduled action ===

    @api.model
    def _cron_compare(self):
        """Compare what is marked by all, or whose date is past. May run twice or late.

        Where nothing can be compared at its date, whoever leads it is asked once.
        """
        running = self.search([("state", "=", "running")])
        failed = None
        self.env["ir.cron"]._commit_progress(remaining=len(running))
        for calibration in running:
            try:
                with self.env.cr.savepoint():
                    calibration._end_if_due()
            except CONFLICTS:
                raise
            except Exception as error:  # pylint: disable=broad-except
                _logger.exception("%s could not be compared", calibration)
                failed = error
            self.env["ir.cron"]._commit_progress(1)
        if failed:
            raise failed

    def _end_if_due(self):
        self.ensure_one()
        is_over = self.due_date and self.due_date < self._today()
        if not is_over and self.review_ids.filtered("is_open"):
            return
        one_at_a_time(self)
        self.invalidate_recordset(["state"])
        if self.state != "running":
            return
        if self._is_comparable():
            self._compare()
        elif is_over and not self.is_stalled:
            self._by_addon().write({"is_stalled": True})
            user = self._who_leads()
            told = self.with_context(lang=user.lang or self.env.lang)
            told.activity_schedule(
                STALLED,
                user_id=user.id,
                note=told.env._(
                    "By %(date)s no ticket was marked by two people. Choose a later "
                    "day, or take it back.",
                    date=format_date(told.env, self.due_date),
                ),
            )

    def _who_leads(self):
        """Whoever leads it; if he left, a manager who is still there."""
        group = self.env.ref("customer_service_plan.group_manager")
        candidates = self.responsible_id | self.create_uid | group.all_user_ids
        return candidates.filtered(
            lambda user: user.active and self.company_id in user.company_ids
        )[:1]

    def _wake_cron(self):
        """Have the scheduled action run when the day is over for who leads it."""
        # sudo: res.users: only the time zone
        zone = pytz.timezone(self.responsible_id.sudo()._csp_zone())
        midnight = datetime.combine(self.due_date + timedelta(days=1), time.min)
        ends = zone.localize(midnight).astimezone(pytz.utc).replace(tzinfo=None)
        # sudo: ir.cron: a manager starts it, the scheduler ends it
        cron = self.env.ref(CRON, raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger(ends)
