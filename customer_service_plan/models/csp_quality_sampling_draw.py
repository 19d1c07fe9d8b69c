import logging
from datetime import datetime, time, timedelta
from hashlib import blake2b
from typing import NamedTuple

import pytz
from markupsafe import Markup
from psycopg2 import errors

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL, format_date

from ..tools import sampling
from ..tools.epoch import to_epoch
from .csp_commitment import CONFLICTS, MAX_CONFLICTS
from .csp_quality_sampling import CONDITIONS
from .protected import BY_ADDON

_logger = logging.getLogger(__name__)

#: Of the advisory locks that let one worker at a time draw tickets of a company.
LOCK_SPACE = 0x63737071
#: What happens on a ticket when somebody writes, after the request itself.
WRITTEN = ("customer_message", "staff_reply")


class Draw(NamedTuple):
    """What was, or would be, drawn for a period.

    :param begin: first day
    :param end: last day
    :param tickets: solved tickets per agent, of which the lot tells
    :param fitting: those of them that fulfil the conditions, per agent
    :param taken: those of them that were reviewed or drawn before, per agent
    :param wanted: number to draw, per agent
    :param picks: what was drawn, per agent
    :param reviewers: id of the reviewer, per ticket that was given to somebody
    :param left: what nobody has room for
    :param bare_count: solved tickets that no scorecard in use fits
    """

    begin: fields.Date
    end: fields.Date
    seed: str
    tickets: dict
    fitting: dict
    taken: dict
    wanted: dict
    picks: dict
    reviewers: dict
    left: list
    bare_count: int


class CspQualitySampling(models.Model):
    """Drawing the tickets of a period, and giving them to reviewers."""

    _inherit = "csp.quality.sampling"

    def _draw(self, begin, end):
        """Draw the tickets of a period, without making any review of them.

        :param begin: first day, in the company's time zone
        :param end: last day
        :return: a `Draw`; the same one as long as neither tickets nor reviewers change
        :raises UserError: where the scorecard of the plan is out of use
        """
        self.ensure_one()
        rows = self._find_tickets(begin, end)
        bare = self._without_scorecard(rows)
        seed = self._seed_of(begin)
        tickets, fitting, taken, pot = {}, {}, {}, []
        chosen = self._chosen_agents()
        for agent in chosen.ids if chosen is not None else ():
            tickets[agent] = 0
        bare_count = 0
        for number, agent, channel, version, is_fitting, is_taken in rows:
            if (channel, version) in bare:
                bare_count += 1
                continue
            tickets[agent] = tickets.get(agent, 0) + 1
            if is_fitting:
                fitting[agent] = fitting.get(agent, 0) + 1
            if is_taken:
                taken[agent] = taken.get(agent, 0) + 1
            else:
                pot.append(sampling.Ticket(number, agent, is_fitting))
        wanted = self._wanted(tickets, end)
        # Without conditions there is nothing special about any ticket.
        percent = self.random_percent if self.has_conditions else 100
        picks = sampling.draw(seed, pot, wanted, percent)
        reviewers, left = sampling.assign(seed, picks, self._reviewers_there())
        return Draw(
            begin=begin,
            end=end,
            seed=seed,
            tickets=tickets,
            fitting=fitting,
            taken=taken,
            wanted=wanted,
            picks=picks,
            reviewers=reviewers,
            left=left,
            bare_count=bare_count,
        )

    def _seed_of(self, begin):
        """Seed of the draw of a period, so that periods do not tell of each other."""
        # sudo: csp.quality.sampling: the seed stays where it is
        text = f"{self.sudo().seed}|{begin.isoformat()}"
        return blake2b(text.encode(), digest_size=8).hexdigest()

    def _wanted(self, agents, end):
        """How many tickets to draw of each of these agents.

        :param end: last day of the period, by which somebody is new or not
        """
        days = self.company_id.csp_newcomer_days
        since = self._midnight(end + timedelta(days=1 - days))
        # sudo: res.users: since when somebody is here
        users = self.env["res.users"].sudo().browse(agents)
        return {
            user.id: self.per_agent
            + (self.newcomer_extra if user.create_date >= since else 0)
            for user in users
        }

    def _midnight(self, day):
        """The beginning of a day where the company is, as naive UTC."""
        zone = pytz.timezone(self.company_id._csp_tz())
        local = zone.localize(datetime.combine(day, time.min))
        return local.astimezone(pytz.utc).replace(tzinfo=None)

    # === Tickets ===

    def _find_tickets(self, begin, end):
        """Tickets that were solved in the period, each with its assignee.

        :return: rows of ticket, agent, channel and policy version (ids), whether it
            fulfils the conditions, and whether it was reviewed or drawn before
        """
        self.env.flush_all()
        chosen = self._chosen_agents()
        return self.env.execute_query(
            SQL(
                """
                SELECT t.id, t.user_id, t.channel_id, t.csp_policy_version_id,
                       COALESCE(%(condition)s, FALSE),
                       EXISTS (SELECT FROM csp_quality_review r
                                WHERE r.ticket_id = t.id)
                  FROM helpdesk_ticket t
                  JOIN res_users u ON u.id = t.user_id
                 WHERE t.company_id = %(company)s
                   AND t.csp_closed_as = 'solved'
                   AND t.csp_closed_at >= %(begin)s
                   AND t.csp_closed_at < %(end)s
                   AND u.active AND u.share IS NOT TRUE AND u.id <> %(robot)s
                   AND %(chosen)s
                """,
                condition=self._condition(),
                company=self.company_id.id,
                begin=self._midnight(begin),
                end=self._midnight(end + timedelta(days=1)),
                robot=api.SUPERUSER_ID,
                chosen=SQL("TRUE")
                if chosen is None
                else SQL("u.id = ANY(%s)", chosen.ids),
            )
        )

    def _condition(self):
        """Condition on `helpdesk_ticket t`, all that is filled in."""
        parts = []
        if self.channel_ids:
            parts.append(SQL("t.channel_id = ANY(%s)", self.channel_ids.ids))
        if self.segment_ids:
            parts.append(
                SQL(
                    "EXISTS (SELECT FROM helpdesk_ticket_csp_segment_rel s"
                    " WHERE s.helpdesk_ticket_id = t.id"
                    " AND s.csp_segment_id = ANY(%s))",
                    self.segment_ids.ids,
                )
            )
        if self.policy_ids:
            parts.append(
                SQL(
                    "t.csp_policy_version_id IN (SELECT id FROM csp_policy_version"
                    " WHERE policy_id = ANY(%s))",
                    self.policy_ids.ids,
                )
            )
        if self.complaint == "only":
            parts.append(SQL("t.csp_is_complaint"))
        if self.bad_opinion:
            parts.append(
                SQL(
                    "EXISTS (SELECT FROM rating_rating o"
                    " WHERE o.res_model = 'helpdesk.ticket' AND o.res_id = t.id"
                    " AND o.consumed AND o.rating_text = 'ko')"
                )
            )
        if self.missed_promise:
            parts.append(
                SQL(
                    "EXISTS (SELECT FROM csp_commitment c"
                    " WHERE c.ticket_id = t.id AND c.state = 'missed')"
                )
            )
        if self.min_messages or self.max_messages:
            parts.append(
                SQL(
                    "(SELECT COUNT(*) FROM csp_ticket_event e"
                    " WHERE e.ticket_id = t.id AND e.kind = ANY(%s)) BETWEEN %s AND %s",
                    list(WRITTEN),
                    self.min_messages,
                    self.max_messages or 2**31 - 1,
                )
            )
        return SQL(" AND ").join(parts) if parts else SQL("TRUE")

    def _without_scorecard(self, rows):
        """Channels and policy versions of these tickets that no scorecard in use fits.

        :return: set of pairs of ids
        """
        if self.scorecard_id:
            self._scorecard_in_use()
            return set()
        examples = {}
        for number, _agent, channel, version, _is_fitting, _is_taken in rows:
            examples.setdefault((channel, version), number)
        # sudo: helpdesk.ticket: which scorecard fits them
        tickets = self.env["helpdesk.ticket"].sudo().browse(examples.values())
        found = self.env["csp.scorecard"]._for_tickets(tickets)
        return {
            pair
            for pair, ticket in zip(examples, tickets, strict=True)
            if not found[ticket].sudo().criterion_ids
        }

    def _scorecard_in_use(self):
        """The scorecard of the plan, in the version that is in use; empty: any.

        :raises UserError: where none of its versions is in use
        """
        card = self.scorecard_id
        if not card:
            return card
        first = card.first_id or card
        found = card.search(
            [
                ("state", "=", "in_use"),
                "|",
                ("id", "=", first.id),
                ("first_id", "=", first.id),
            ],
            limit=1,
        )
        if not found:
            raise UserError(
                self.env._(
                    "The scorecard “%s” is not in use any more. Choose another one.",
                    card.display_name,
                )
            )
        return found

    # === Reviewers ===

    def _reviewers_there(self):
        """Who may be given reviews now, with what he has to do already."""
        rows = self.reviewer_ids.filtered(lambda row: row.capacity)
        rows = rows.filtered(lambda row: row._may_review())
        rows -= self._absent(rows.user_id, self._today(), rows)
        counts = rows._open_counts(rows.user_id)
        return [
            sampling.Reviewer(
                row.user_id.id, row.capacity, counts.get(row.user_id.id, 0)
            )
            for row in rows
        ]

    def _absent(self, users, today, rows):
        """Those of these reviewers who cannot do a review that they get today."""
        end = to_epoch(self._midnight(today + timedelta(days=self.due_days + 1)))
        presence = users._csp_presence()
        return rows.filtered(lambda row: _is_away(presence[row.user_id.id], end))

    # === Making reviews ===

    def _make_run(self):
        """Draw the next period, begin the reviews, and tell the reviewers.

        :return: the draw
        :raises UserError: while no reviewer is there
        """
        self.ensure_one()
        begin = self.next_from
        drawn = self._draw(begin, self._last_day(begin))
        if not self._reviewers_there() and any(drawn.picks.values()):
            self._refuse_without_reviewers()
        run = self._record_run(drawn)
        reviews = self._begin_reviews(drawn, run)
        self._by_addon().write(
            {
                "next_from": drawn.end + timedelta(days=1),
                "failure": False,
            }
        )
        self._tell(reviews, run)
        return run

    def _refuse_without_reviewers(self):
        """Full ones get none, and it is said so; but somebody has to be there."""
        rows = self.reviewer_ids.filtered(lambda row: row.capacity)
        rows = rows.filtered(lambda row: row._may_review())
        if not rows - self._absent(rows.user_id, self._today(), rows):
            raise UserError(
                self.env._(
                    "None of the reviewers is there. The period is drawn as soon as "
                    "one is."
                )
            )

    def _record_run(self, drawn):
        given = drawn.reviewers
        shares = []
        for agent, count in drawn.tickets.items():
            picks = drawn.picks.get(agent, [])
            got = [pick for pick in picks if pick.ticket in given]
            at_random = sum(pick.kind == sampling.RANDOM for pick in got)
            shares.append(
                {
                    "agent_id": agent,
                    "ticket_count": count,
                    "eligible_count": drawn.fitting.get(agent, 0),
                    "taken_count": drawn.taken.get(agent, 0),
                    "wanted_count": drawn.wanted.get(agent, 0),
                    "random_count": at_random,
                    "condition_count": len(got) - at_random,
                    "left_count": len(picks) - len(got),
                }
            )
        # sudo: csp.quality.sampling.run: written by the plan itself
        Run = self.env["csp.quality.sampling.run"].sudo()
        return Run.with_context(csp_by_addon=BY_ADDON).create(
            {
                "sampling_id": self.id,
                "period_from": drawn.begin,
                "period_to": drawn.end,
                "seed": drawn.seed,
                "made_at": fields.Datetime.now(),
                "settings": self._settings(),
                "bare_count": drawn.bare_count,
                "share_ids": [Command.create(share) for share in shares],
            }
        )

    def _settings(self):
        """What the lot depends on besides seed and tickets, to draw again by it."""
        names = (
            "per_agent",
            "newcomer_extra",
            "random_percent",
            "complaint",
            "team_ids",
            "user_ids",
            *CONDITIONS,
        )
        return {
            name: self[name].ids
            if self._fields[name].type == "many2many"
            else self[name]
            for name in names
        }

    def _begin_reviews(self, drawn, run):
        due = self._today() + timedelta(days=self.due_days)
        card = self._scorecard_in_use()
        # sudo: csp.quality.review: begun by the plan for its reviewers
        Review = self.env["csp.quality.review"].sudo()
        return Review.with_context(
            csp_by_addon=BY_ADDON, tracking_disable=True, mail_create_nosubscribe=True
        ).create(
            [
                {
                    "ticket_id": pick.ticket,
                    "agent_id": pick.agent,
                    "reviewer_id": drawn.reviewers[pick.ticket],
                    **({"scorecard_id": card.id} if card else {}),
                    "due_date": due,
                    "is_blind": self.is_blind,
                    "sampling_id": self.id,
                    "sampling_run_id": run.id,
                    "picked": pick.kind,
                }
                for picks in drawn.picks.values()
                for pick in picks
                if pick.ticket in drawn.reviewers
            ]
        )

    def _tell(self, reviews, run=None):
        """Tell each reviewer once what he got.

        :param run: where they were drawn; empty: they were handed on to him
        """
        for reviewer, own in reviews.grouped("reviewer_id").items():
            plan = self.with_context(
                lang=reviewer.lang or self.env.lang,
                # The queue sends it: a mail server that is down holds up nothing.
                mail_notify_force_send=False,
            )
            count, env = len(own), plan.env
            subject = (
                env._("Tickets to review: %s", count)
                if run
                else env._("Tickets to review instead of a colleague: %s", count)
            )
            lines = [
                env._(
                    "Solved from %(from_day)s to %(to_day)s, drawn by lot.",
                    from_day=format_date(env, run.period_from),
                    to_day=format_date(env, run.period_to),
                )
                if run
                else env._("Who had them is not there."),
                env._(
                    "Please review them by %(day)s.",
                    day=format_date(env, max(own.mapped("due_date"))),
                ),
            ]
            body = Markup("<p>%s</p>") % Markup("<br/>").join(lines) + Markup(
                '<p><a href="%s/odoo/reviews-to-do">%s</a></p>'
            ) % (plan.get_base_url(), env._("Open my reviews"))
            # sudo: res.users: where a colleague is told something
            env["mail.thread"].message_notify(
                partner_ids=reviewer.sudo().partner_id.ids,
                subject=subject,
                body=body,
                author_id=env.ref("base.partner_root").id,
                email_layout_xmlid="mail.mail_notification_light",
            )

    # === Scheduled ===

    @api.model
    def _cron_sample(self):
        """Draw each period that is over, then hand on what absent reviewers have.

        A transaction for each period. May run twice, late, or several times at once: a
        period is drawn once, and each that was missed is made up for. What goes wrong
        with a plan is said on it and does not stop the others.
        """
        plans = self.search([("state", "=", "running")], order="id")
        due = plans.filtered(lambda plan: plan._is_due())
        self.env["ir.cron"]._commit_progress(remaining=len(due))
        failed = None
        for plan in due:
            failed = plan._draw_what_is_due() or failed
            if not self.env["ir.cron"]._commit_progress(1):
                return
        # Reviews of plans that are paused or archived are to be done as well.
        for plan in self.with_context(active_test=False).search(
            [("state", "!=", "draft")], order="id"
        ):
            failed = plan._try_to_hand_on() or failed
            self.env["ir.cron"]._commit_progress()
        if failed:
            raise failed

    def _draw_what_is_due(self):
        """Draw what is due of this plan, a transaction for each period.

        :return: what went wrong, unless it is only that nobody is there
        """
        conflicts = 0
        while conflicts < MAX_CONFLICTS:
            try:
                with self.env.cr.savepoint():
                    if not self._is_ours_to_draw():
                        return None
                    plan = self.try_lock_for_update(allow_referencing=True)
                    if not plan or not plan._is_due():
                        return None
                    plan._make_run()
                    self.env.flush_all()
            except (*CONFLICTS, errors.UniqueViolation):
                # Somebody else draws the same, or reviews what was drawn.
                self.env.cr.rollback()
                conflicts += 1
                continue
            except Exception as error:  # pylint: disable=broad-except
                self.env.cr.rollback()
                return self._note_failure(error)
            if not self.env["ir.cron"]._commit_progress():
                return None
        return None

    def _is_ours_to_draw(self):
        """Whether no other worker draws tickets of this company at the moment.

        Two of them would draw the same ones, and one would have to begin again.
        """
        [[is_ours]] = self.env.execute_query(
            SQL(
                "SELECT pg_try_advisory_xact_lock(%s, %s)",
                LOCK_SPACE,
                self.company_id.id,
            )
        )
        return is_ours

    def _note_failure(self, error):
        """Say on the plan why nothing is drawn.

        :return: the error, unless people can put it right without looking at a log
        """
        is_known = isinstance(error, UserError)
        if not is_known:
            _logger.exception("%s could not be drawn", self)
        text = (
            str(error)
            if is_known
            else self.env._("The draw has failed. It is tried again every hour.")
        )
        if self.failure != text:
            self._by_addon().failure = text
            self._message_log(body=text)
        return None if is_known else error

    # === Absent reviewers ===

    def _try_to_hand_on(self):
        try:
            with self.env.cr.savepoint():
                if self.try_lock_for_update(allow_referencing=True):
                    self._hand_on()
        except CONFLICTS:
            self.env.cr.rollback()
        except Exception as error:  # pylint: disable=broad-except
            _logger.exception(
                "What absent reviewers of %s have was not handed on", self
            )
            return error
        return None

    def _hand_on(self):
        """Give reviews of absent people to those who are there.

        Absent is who is archived, reviews no more, or is away until a review is due.
        What somebody has begun to mark he keeps, unless he is gone for good.

        :return: the reviews that were handed on
        """
        self.ensure_one()
        # sudo: csp.quality.review: what the plan has drawn
        Review = self.env["csp.quality.review"].sudo()
        reviews = Review.search(
            [("sampling_id", "=", self.id), ("state", "=", "to_do")], order="id"
        )
        waiting = self._of_absent(reviews)
        moved = Review
        if not waiting:
            return moved
        picks = {
            agent.id: [
                sampling.Pick(review.id, agent.id, review.picked) for review in own
            ]
            for agent, own in waiting.grouped("agent_id").items()
        }
        # sudo: csp.quality.sampling: the lot that decides between equals
        seed = self.sudo().seed
        given, _left = sampling.assign(seed, picks, self._reviewers_there())
        soonest = self._today() + timedelta(days=self.due_days)
        for review in waiting:
            reviewer = self.env["res.users"].browse(given.get(review.id))
            if not reviewer:
                continue
            before = review.reviewer_id
            try:
                with self.env.cr.savepoint():
                    review._give_to(reviewer)
            except UserError:
                # He reviews this ticket for another reason already.
                continue
            review._by_addon().due_date = max(review.due_date or soonest, soonest)
            review._message_log(
                body=self.env._(
                    "Handed on from %(before)s, who is not there, to %(after)s.",
                    before=before.name,
                    after=reviewer.name,
                )
            )
            moved |= review
        self._tell(moved)
        return moved

    def _of_absent(self, reviews):
        """Those of these reviews whose reviewer will not do them in time, or ever."""
        group = "customer_service_plan.group_reviewer"
        presence = reviews.reviewer_id._csp_presence()
        gone = {
            user
            for user in reviews.reviewer_id
            if not user.active
            or not user.has_group(group)
            or self.company_id not in user.company_ids
        }

        def is_left(review):
            user = review.reviewer_id
            if user in gone:
                return True
            due = review.due_date or self._today()
            end = to_epoch(self._midnight(due + timedelta(days=1)))
            return not review.started_at and _is_away(presence[user.id], end)

        return reviews.filtered(is_left)


def _is_away(there, end):
    """Whether somebody is not there now and not before a moment (epoch seconds)."""
    if not there.active:
        return True
    return there.away and (there.works_at is None or there.works_at >= end)
