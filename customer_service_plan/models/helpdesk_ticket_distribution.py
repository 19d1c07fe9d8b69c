import logging
from collections import defaultdict
from datetime import timedelta

from markupsafe import Markup
from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL, format_datetime, format_time

from ..tools import presence
from ..tools.distribution import NEAR_SECONDS, Member, Request, Round, ticket_points
from ..tools.epoch import from_epoch, to_epoch
from ..tools.sql_array import int_array
from .csp_commitment import CONFLICTS, MAX_CONFLICTS
from .protected import BY_ADDON, is_by_addon

_logger = logging.getLogger(__name__)

#: Tickets that waited are shared among all who work by then or begin within so many
#: seconds: the mail of a night is not for the first one who is there.
SHARE_AHEAD = 3600
#: Promises that end later than so many days from now are not near their end.
HAND_BACK_DAYS = 14
#: Who is given more tickets than this at once gets one notice instead of one for each.
NOTICES_AT_ONCE = 5
#: Names written out in an explanation.
NAMES_SHOWN = 6


class HelpdeskTicket(models.Model):
    """Tickets that nobody has are given to who is there, qualified, and has room.

    What was decided is stored as data (`csp_assignment_note`) and told to everybody in
    his own language. Whoever is chosen by hand stays; who was taken away by hand is not
    replaced until somebody asks for it.
    """

    _inherit = "helpdesk.ticket"

    csp_assignment_note = fields.Json(
        readonly=True,
        copy=False,
        groups="base.group_user",
        help="How the ticket was given automatically: who was considered, and why.",
    )
    csp_assignment_text = fields.Char(
        string="Why this person",
        compute="_compute_csp_assignment_text",
        groups="base.group_user",
    )
    csp_given_to_id = fields.Many2one(
        comodel_name="res.users",
        string="Given automatically to",
        readonly=True,
        copy=False,
        ondelete="set null",
        groups="base.group_user",
    )
    csp_given_at = fields.Datetime(
        string="Given automatically on",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_left_open = fields.Boolean(
        string="Taken away by hand",
        readonly=True,
        copy=False,
        groups="base.group_user",
        help="Somebody took the assignee away on purpose: nobody is given the ticket "
        "until somebody asks for it.",
    )

    _csp_given = models.Index("(csp_given_at) WHERE csp_given_at IS NOT NULL")
    _csp_to_be_given = models.Index(
        "(team_id) WHERE user_id IS NULL AND active AND csp_closed_as IS NULL"
    )

    # === Explanation ===

    @api.depends("csp_assignment_note", "user_id")
    @api.depends_context("lang", "tz")
    def _compute_csp_assignment_text(self):
        notes = {
            ticket: ticket.csp_assignment_note
            for ticket in self
            if ticket.csp_assignment_note
            and ticket.csp_assignment_note.get("to", 0) == (ticket.user_id.id or 0)
        }
        ids = {
            user_id
            for note in notes.values()
            for user_id in (
                note.get("from", 0),
                *note.get("away", ()),
                *note.get("full", ()),
                *note.get("unqualified", ()),
                *(pair[0] for pair in note.get("counts", ())),
            )
            if user_id
        }
        # sudo: res.users: names of colleagues, as the ticket's team shows them
        people = self.env["res.users"].sudo().browse(ids).exists()
        names = {user.id: user.name for user in people}
        for ticket in self:
            note = notes.get(ticket)
            ticket.csp_assignment_text = note and ticket._csp_explain(note, names)

    def _csp_explain(self, note, names):
        """Return in words how the ticket was given; `names` by user id."""
        parts = [self._csp_explain_choice(note, names)]
        parts += self._csp_explain_others(note, names)
        return ". ".join(part for part in parts if part)

    def _csp_explain_choice(self, note, names):
        if not note.get("to"):
            if note.get("full"):
                return self.env._(
                    "Waits: everybody who is there has enough open tickets"
                )
            if note.get("unqualified"):
                return self.env._(
                    "Waits: nobody who is there takes tickets of this channel"
                )
            if note.get("works_at"):
                return self.env._(
                    "Waits to be given until somebody is at work: %s",
                    self._csp_format_moment(note["works_at"]),
                )
            return self.env._("Waits: nobody of the team is there")
        counts = note.get("counts", ())
        values = {
            "time": self._csp_format_moment(note["at"]),
            "count": len(counts),
            "counts": ", ".join(
                f"{names.get(user_id, '?')} {count}"
                for user_id, count in counts[:NAMES_SHOWN]
            )
            + ("…" if len(counts) > NAMES_SHOWN else ""),
            "away": names.get(note.get("from"), ""),
        }
        if note.get("why") == "back":
            return self.env._(
                "Given automatically (%(time)s), since %(away)s is not there and a "
                "promise is near its end",
                **values,
            )
        if len(counts) == 1:
            return self.env._(
                "Given automatically (%(time)s): nobody else could take it", **values
            )
        if note.get("how") == "in_turn":
            return self.env._(
                "Given automatically (%(time)s) in turn: fewest today of %(count)s "
                "(%(counts)s)",
                **values,
            )
        return self.env._(
            "Given automatically (%(time)s): least work of %(count)s, in points "
            "(%(counts)s)",
            **values,
        )

    def _csp_explain_others(self, note, names):
        def named(key):
            return ", ".join(
                names[user_id] for user_id in note.get(key, ()) if user_id in names
            )

        if note.get("to"):
            if note.get("begins"):
                yield self.env._(
                    "Begins to work at %s", self._csp_format_moment(note["begins"])
                )
            if note.get("nobody_speaks"):
                yield self.env._(
                    "Nobody there speaks the customer's language (%s)",
                    self._csp_language_name(note.get("lang")),
                )
            elif note.get("by_language"):
                yield self.env._("Speaks %s", self._csp_language_name(note.get("lang")))
            if named("full"):
                yield self.env._("Enough open tickets: %s", named("full"))
            if named("unqualified"):
                yield self.env._("Not for this channel: %s", named("unqualified"))
        if named("away"):
            yield self.env._("Away: %s", named("away"))

    def _csp_format_moment(self, at):
        """Return epoch seconds as the reader's time of day, with the day if not today.

        Days and times are those of the reader's time zone.
        """
        moment = from_epoch(at)
        local = fields.Datetime.context_timestamp(self, moment)
        today = fields.Date.context_today(self)
        if local.date() == today:
            return format_time(self.env, moment, tz=self._csp_tz(), time_format="short")
        return format_datetime(
            self.env, moment, tz=self._csp_tz(), dt_format="EEE d MMM, HH:mm"
        )

    def _csp_tz(self):
        return self.env.context.get("tz") or self.env.user.tz or "UTC"

    @api.model
    def _csp_language_name(self, code):
        """Name of a language such as "nl"; the code where it is not known."""
        # sudo: res.lang: only the name of a language is read
        langs = self.env["res.lang"].sudo().with_context(active_test=False)
        found = langs.search([("code", "=like", f"{code}%")], order="active desc, id")
        name = next((lang.name for lang in found if _language(lang.code) == code), "")
        return name.partition(" (")[0].partition(" /")[0] or code or ""

    # === By hand ===

    def write(self, vals):
        distributions = self.env["helpdesk.ticket.team"]._csp_distributions()
        if (
            not distributions
            or is_by_addon(self.env)
            or self.env.context.get("csp_history") is BY_ADDON
            or not {"user_id", "team_id"} & vals.keys()
        ):
            return super().write(vals)
        emptied = self.browse()
        if "user_id" in vals and not vals["user_id"] and "team_id" not in vals:
            emptied = self.filtered("user_id")
        result = super().write(vals)
        # sudo: helpdesk.ticket: a fact, recorded whoever changes the assignee
        tickets = self.sudo()
        emptied.sudo()._csp_note_given({"csp_left_open": True})
        again = (tickets - emptied.sudo()).filtered(
            lambda ticket: (
                ticket.csp_left_open and (ticket.user_id or "team_id" in vals)
            )
        )
        again._csp_note_given({"csp_left_open": False})
        if "team_id" in vals and any(
            not ticket.user_id and ticket.team_id.id in distributions
            for ticket in tickets
        ):
            self._csp_wake_distribution()
        return result

    def action_csp_distribute(self):
        """Share out these tickets among the people of their teams who are there.

        Tickets that somebody has are left alone. For service plan and helpdesk managers
        and for the leaders of the teams.

        :return: a notice that says who got how many
        :raises AccessError: for anybody else
        :raises UserError: when there is nothing to share out
        """
        self.check_access("write")
        user = self.env.user
        if not user.has_group("helpdesk_mgmt.group_helpdesk_manager"):
            # sudo: helpdesk.ticket.team: who leads the teams of these tickets
            leaders = self.team_id.sudo().user_id
            if leaders - user or not leaders or not all(self.mapped("team_id")):
                raise AccessError(
                    self.env._("Only the leader of the team shares out its tickets.")
                )
        # sudo: helpdesk.ticket: checked above
        tickets = self.sudo().filtered(lambda ticket: ticket._csp_may_be_given())
        if not tickets:
            raise UserError(
                self.env._("Open tickets of a team that nobody has can be shared out.")
            )
        given = tickets._csp_share_out("asked", ahead=SHARE_AHEAD)
        counts = defaultdict(int)
        for user_id in given.values():
            counts[user_id] += 1
        people = self.env["res.users"].sudo().browse(counts)
        text = ", ".join(f"{person.name} {counts[person.id]}" for person in people)
        waiting = len(tickets) - len(given)
        if waiting:
            left = self.env._(
                "%s could not be given: nobody who takes them is there, or has room.",
                waiting,
            )
            text = f"{text}. {left}" if text else left
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "title": self.env._("Shared out: %s", len(given)),
                "message": text,
                "type": "success" if given else "warning",
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def _csp_may_be_given(self):
        self.ensure_one()
        return bool(
            self.team_id
            and not self.user_id
            and self.active
            and not self.duplicate_id
            and not self.stage_id.closed
        )

    # === New tickets ===

    def _csp_sync(self, new=False):
        """Give new tickets to somebody before they are taken in."""
        if new and self.ids:
            self._csp_give_new()
        return super()._csp_sync(new=new)

    def _csp_give_new(self):
        """Give those of these new tickets that nobody has, where their team does so.

        Nothing here may keep a request out: what fails is logged, and the ticket waits.
        """
        distributions = self.env["helpdesk.ticket.team"]._csp_distributions()
        if not distributions:
            return
        # sudo: helpdesk.ticket: tickets are given whoever enters them
        tickets = self.sudo().filtered(
            lambda ticket: (
                ticket.team_id.id in distributions and ticket._csp_may_be_given()
            )
        )
        if not tickets:
            return
        try:
            with self.env.cr.savepoint():
                given = tickets.with_context(csp_history=BY_ADDON)._csp_share_out("new")
                self.browse(given)._csp_keep_in_sight()
        except OperationalError:
            # Somebody else changes the same: the server runs the request again.
            raise
        except Exception:  # pylint: disable=broad-except
            _logger.exception("Tickets %s were given to nobody", tickets.ids)

    def _csp_keep_in_sight(self):
        """Let who entered these tickets follow those he could no longer read.

        An agent who sees his own tickets only keeps seeing what he took in, though it
        was given to a colleague.
        """
        if not self or self.env.su or not self.env.user._is_internal():
            return
        lost = self - self._filtered_access("read")
        # sudo: helpdesk.ticket: he has just entered it
        lost.sudo().message_subscribe(partner_ids=self.env.user.partner_id.ids)

    # === Sharing out ===

    def _csp_share_out(self, why, ahead=0, without=None):
        """Give these tickets to people of their teams, and note how that came.

        Those that cannot be given stay as they are; of new ones it is noted why. The
        number of queries does not depend on how many tickets there are.

        :param str why: "new", "shared" (after waiting), "asked", or "back" (the
            assignee is absent)
        :param int ahead: who begins to work within so many seconds counts as there, as
            soon as somebody is
        :param dict without: ids of users who are not considered, by ticket id
        :return: dict of ticket id to user id, of the tickets that were given
        """
        now = to_epoch(fields.Datetime.now())
        teams = self.team_id
        members = {
            team.id: team.user_ids.filtered(lambda u: not u.share) for team in teams
        }
        people = teams.user_ids
        presences = people._csp_presence(from_epoch(now))
        work = self._csp_work(people.ids, now)
        today = self._csp_given_today(teams, people.ids, now)
        without = without or {}
        chosen, taken = {}, defaultdict(lambda: [0, 0])
        for team in teams:
            somebody = any(presences[user.id].working for user in members[team.id])
            horizon = now + ahead if somebody else now
            distribution = team._csp_get_distribution()
            crew = []
            for user in members[team.id]:
                there = presences[user.id]
                count, points = work.get(user.id, (0, 0))
                given, last = today.get((team.id, user.id), (0, 0))
                crew.append(
                    Member(
                        user.id,
                        there=there.works_at is not None and there.works_at <= horizon,
                        channels=frozenset(user.csp_channel_ids.ids),
                        languages=frozenset(
                            _language(code) for code in user.csp_lang_ids.mapped("code")
                        ),
                        ceiling=user.csp_ticket_ceiling or distribution.ceiling,
                        open=count + taken[user.id][0],
                        load=points + taken[user.id][1],
                        given=given,
                        last=last,
                    )
                )
            before = {member.id: (member.open, member.load) for member in crew}
            shared = Round(distribution.method, crew, now)
            away = [one.id for one in members[team.id] if presences[one.id].away]
            for ticket in self._csp_in_order(team):
                strangers = members[team.id].filtered(
                    lambda user, company=ticket.company_id: (
                        company not in user.company_ids
                    )
                )
                lang = _language(ticket.partner_id.lang)
                choice = shared.give(
                    Request(
                        ticket.id,
                        channel=ticket.channel_id.id or 0,
                        language=lang,
                        points=ticket._csp_points(now),
                        without=frozenset(strangers.ids)
                        | without.get(ticket.id, set()),
                    )
                )
                note = {
                    "at": now,
                    "how": distribution.method,
                    "why": why,
                    "away": away,
                    "lang": lang,
                    **{
                        name: value
                        for name in (
                            "to",
                            "counts",
                            "full",
                            "unqualified",
                            "nobody_speaks",
                            "by_language",
                        )
                        if (value := _plain(getattr(choice, name)))
                    },
                }
                if why == "back":
                    note["from"] = ticket.user_id.id
                if choice.to and presences[choice.to].works_at > now:
                    note["begins"] = presences[choice.to].works_at
                if not choice.to:
                    note["works_at"] = min(
                        (
                            one.works_at
                            for user in members[team.id]
                            if (one := presences[user.id]).works_at is not None
                            and one.works_at > now
                        ),
                        default=None,
                    )
                chosen[ticket] = note
            for member in crew:
                count, points = before[member.id]
                taken[member.id][0] += member.open - count
                taken[member.id][1] += member.load - points
        return self._csp_hand_out(chosen, why, now)

    def _csp_in_order(self, team):
        """Those of these tickets of a team, the most urgent first."""
        return self.filtered(lambda ticket: ticket.team_id == team).sorted(
            lambda ticket: (
                -int(ticket.priority or 0),
                ticket.csp_next_deadline or fields.Datetime.to_datetime("9999-12-31"),
                ticket.csp_received_at or ticket.create_date,
                ticket.id,
            )
        )

    def _csp_points(self, now):
        due = self.csp_next_deadline
        return ticket_points(
            self.priority or "",
            self.csp_waiting_on in ("customer", "third_party"),
            bool(due) and to_epoch(due) < now + NEAR_SECONDS,
        )

    @api.model
    def _csp_work(self, user_ids, now):
        """Return open tickets and points of work of these users, in one query.

        :return: dict of user id to (number, points)
        """
        names = ["user_id", "stage_id", "priority", "active"]
        self.flush_model([*names, "csp_waiting_on", "csp_next_deadline"])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT t.user_id, t.priority,
                       t.csp_waiting_on IN ('customer', 'third_party'),
                       t.csp_next_deadline < %(near)s, count(*)
                  FROM helpdesk_ticket t
                  JOIN helpdesk_ticket_stage s ON s.id = t.stage_id
                 WHERE t.user_id = ANY(%(users)s)
                   AND t.active
                   AND s.closed IS NOT TRUE
              GROUP BY 1, 2, 3, 4
                """,
                near=from_epoch(now + NEAR_SECONDS),
                users=list(user_ids),
            )
        )
        work = {}
        for user_id, priority, is_waiting, is_near, number in rows:
            count, points = work.get(user_id, (0, 0))
            each = ticket_points(priority or "", bool(is_waiting), bool(is_near))
            work[user_id] = (count + number, points + number * each)
        return work

    @api.model
    def _csp_given_today(self, teams, user_ids, now):
        """Return what was given automatically since the midnight of each team.

        A team's day is that of its company, else of the current company.

        :return: dict of (team id, user id) to (number, epoch seconds of the latest)
        """
        midnights = []
        for team in teams:
            zone = (team.company_id or self.env.company)._csp_tz()
            clock = presence.get_week_timeline(zone, ())
            midnights.append(clock.get_midnight(clock.get_local(now).date()))
        self.flush_model(["csp_given_at", "csp_given_to_id", "team_id"])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT t.team_id, t.csp_given_to_id, count(*),
                       date_part('epoch', max(t.csp_given_at))::bigint
                  FROM helpdesk_ticket t
                  JOIN unnest(%(teams)s::int[], %(since)s::bigint[])
                    AS day (team, since)
                    ON day.team = t.team_id
                 WHERE t.csp_given_at >= %(first)s
                   AND date_part('epoch', t.csp_given_at) >= day.since
                   AND t.csp_given_to_id = ANY(%(users)s)
              GROUP BY 1, 2
                """,
                teams=teams.ids,
                since=midnights,
                first=from_epoch(min(midnights, default=now)),
                users=list(user_ids),
            )
        )
        return {(team, user): (number, last) for team, user, number, last in rows}

    @api.model
    def _csp_hand_out(self, chosen, why, now):
        """Write who was chosen, and the facts about it.

        :param dict chosen: note by ticket
        :return: dict of ticket id to user id
        """
        by_user = defaultdict(list)
        for ticket, note in chosen.items():
            if note.get("to"):
                by_user[note["to"]].append(ticket.id)
        nobody = [note for note in chosen.values() if not note.get("to")]
        # Members of a team change neither the team nor its stages; looking at them
        # again would cost a query for each ticket.
        settled = [self._fields["team_id"], self._fields["stage_id"]]
        for user_id, ids in by_user.items():
            tickets = self.browse(ids)
            many = len(ids) > NOTICES_AT_ONCE
            if many:
                tickets = tickets.with_context(mail_auto_subscribe_no_notify=True)
            with self.env.protecting(settled, tickets):
                tickets.write({"user_id": user_id})
            if many:
                tickets._csp_tell_given(user_id)
        for ticket, note in chosen.items():
            if note.get("to"):
                ticket._csp_note_given(
                    {
                        "csp_assignment_note": note,
                        "csp_given_to_id": note["to"],
                        "csp_given_at": from_epoch(now),
                        "csp_left_open": False,
                    }
                )
            elif why == "new":
                ticket._csp_note_given({"csp_assignment_note": note})
        moments = [note["works_at"] for note in nobody if note["works_at"]]
        if moments:
            self._csp_wake_distribution(from_epoch(min(moments)))
        return {
            ticket.id: note["to"] for ticket, note in chosen.items() if note.get("to")
        }

    def _csp_note_given(self, values):
        """Let facts be saved together with what else is changing on these tickets."""
        if not self:
            return
        for name, value in values.items():
            field = self._fields[name]
            field._update_cache(self, field.convert_to_cache(value, self), dirty=True)
        self.modified(values)

    def _csp_tell_given(self, user_id):
        """Tell somebody once about all the tickets given to him."""
        if self.env.context.get("tracking_disable"):
            return
        user = self.env["res.users"].browse(user_id)
        if user == self.env.user:
            return
        mine = self.with_context(lang=user.lang)
        items = Markup().join(
            Markup('<li><a href="{}">{} {}</a></li>').format(
                f"/odoo/helpdesk.ticket/{ticket.id}", ticket.number, ticket.name
            )
            for ticket in mine
        )
        subject = mine.env._("%s tickets were given to you", len(self))
        self.env["mail.thread"].message_notify(
            partner_ids=user.partner_id.ids,
            subject=subject,
            body=Markup("<p>{}</p><ul>{}</ul>").format(subject, items),
        )

    # === In the background ===

    @api.model
    def _csp_wake_distribution(self, at=None):
        """Have waiting tickets shared out at a moment (naive UTC), default now."""
        cron = self.env.ref(
            "customer_service_plan.ir_cron_distribute", raise_if_not_found=False
        )
        if not cron:
            return
        # sudo: ir.cron: whoever enters or moves a ticket has it given
        cron = cron.sudo()
        at = max(at or fields.Datetime.now(), fields.Datetime.now())
        planned = self.env["ir.cron.trigger"].sudo()
        if not planned.search_count(
            [("cron_id", "=", cron.id), ("call_at", "<=", at)], limit=1
        ):
            cron._trigger(at)

    @api.model
    def _cron_distribute(self, batch_size=200):
        """Share out what waits, and what absent people cannot do in time.

        Run twice, late, or by several workers, each ticket is given once: a team is in
        the hands of one worker at a time, which keeps its sharing fair.
        """
        Cron = self.env["ir.cron"]
        Ticket = type(self)
        for take, give in (
            (self._csp_take_waiting, Ticket._csp_give_waiting),
            (self._csp_take_of_absent, Ticket._csp_give_back),
        ):
            # What could not be given stays: taken again at once it would go round.
            seen = set()
            while True:
                tried, done = self._csp_distribute_batch(take, give, batch_size, seen)
                left = Cron._commit_progress(done)
                if not tried:
                    break
                if not left:
                    self._csp_wake_distribution()
                    return
        self._csp_wake_for_next()

    @api.model
    def _csp_distribute_batch(self, take, give, limit, seen):
        """Work on one batch of tickets that no other worker holds.

        The locks are the first statements of the transaction: where another worker has
        changed something since, the batch is taken again on a new snapshot.

        :param set seen: ids of tickets that were looked at; gets those of this batch
        :return: how many tickets were looked at, and how many were given
        """
        for _attempt in range(MAX_CONFLICTS):
            try:
                teams = self._csp_lock_teams()
                ids = take(teams, limit, seen) if teams else []
                done = self._csp_try(give, ids) if ids else 0
            except CONFLICTS:
                self.env.cr.rollback()
                continue
            seen.update(ids)
            return len(ids), done
        return 0, 0

    @api.model
    def _csp_lock_teams(self):
        """Lock the teams that share out tickets and that no other worker holds."""
        self.env.cr.execute(
            SQL(
                """
                SELECT id FROM helpdesk_ticket_team
                 WHERE active AND csp_distribution IN ('in_turn', 'least_loaded')
                   FOR NO KEY UPDATE SKIP LOCKED
                """
            )
        )
        return [row[0] for row in self.env.cr.fetchall()]

    @api.model
    def _csp_try(self, give, ids):
        """Give a batch; where that fails, each ticket for itself."""
        try:
            with self.env.cr.savepoint():
                return len(give(self.browse(ids)))
        except CONFLICTS:
            raise
        except Exception:  # pylint: disable=broad-except
            # One bad record must not stop the others; it is found one by one.
            _logger.info("A batch of tickets is given one by one", exc_info=True)
        done = 0
        for ticket_id in ids:
            try:
                with self.env.cr.savepoint():
                    done += len(give(self.browse(ticket_id)))
            except CONFLICTS:
                raise
            except Exception:  # pylint: disable=broad-except
                _logger.exception("Ticket %s was given to nobody", ticket_id)
        return done

    @api.model
    def _csp_take_waiting(self, teams, limit, seen):
        """Lock tickets of these teams that wait to be given, the most urgent first."""
        self.env.cr.execute(
            SQL(
                """
                SELECT t.id
                  FROM helpdesk_ticket t
                  JOIN helpdesk_ticket_stage s ON s.id = t.stage_id
                 WHERE t.team_id = ANY(%s)
                   AND t.user_id IS NULL
                   AND t.active
                   AND t.csp_closed_as IS NULL
                   AND s.closed IS NOT TRUE
                   AND t.duplicate_id IS NULL
                   AND t.csp_left_open IS NOT TRUE
                   AND t.id <> ALL(%s)
              ORDER BY t.team_id, t.priority DESC, t.csp_next_deadline, t.id
                 LIMIT %s
                   FOR NO KEY UPDATE OF t SKIP LOCKED
                """,
                teams,
                int_array(sorted(seen)),
                limit,
            ),
            log_exceptions=False,
        )
        return [row[0] for row in self.env.cr.fetchall()]

    def _csp_give_waiting(self):
        return self._csp_share_out("shared", ahead=SHARE_AHEAD)

    @api.model
    def _csp_take_of_absent(self, teams, limit, seen):
        """Lock tickets with a promise near its end whose assignee is absent.

        Absent is who is away, archived, or no longer in the team; who has merely gone
        home is not.
        """
        now = fields.Datetime.now()
        until = now + timedelta(days=HAND_BACK_DAYS)
        self.env.cr.execute(
            SQL(
                """
                SELECT t.id, t.team_id, t.user_id
                  FROM helpdesk_ticket t
                  JOIN helpdesk_ticket_stage s ON s.id = t.stage_id
                 WHERE t.team_id = ANY(%s)
                   AND t.user_id IS NOT NULL
                   AND t.active
                   AND s.closed IS NOT TRUE
                   AND t.csp_next_deadline < %s
                   AND t.id <> ALL(%s)
                """,
                teams,
                until,
                int_array(sorted(seen)),
            )
        )
        rows = self.env.cr.fetchall()
        people = self.env["res.users"].browse({row[2] for row in rows})
        presences = people._csp_presence(now)
        teams = self.env["helpdesk.ticket.team"].browse({row[1] for row in rows})
        members = {team.id: set(team.user_ids.ids) for team in teams}
        absent = [
            ticket_id
            for ticket_id, team_id, user_id in rows
            if user_id not in members[team_id]
            or not presences[user_id].active
            or presences[user_id].away
        ]
        near = self.browse(absent)._csp_near_their_end()[:limit]
        if not near:
            return []
        self.env.cr.execute(
            SQL(
                """
                SELECT id FROM helpdesk_ticket
                 WHERE id = ANY(%s) AND user_id IS NOT NULL
              ORDER BY id
                   FOR NO KEY UPDATE SKIP LOCKED
                """,
                near.ids,
            ),
            log_exceptions=False,
        )
        return [row[0] for row in self.env.cr.fetchall()]

    def _csp_near_their_end(self):
        """Those of these tickets whose next promise ends as soon as their team says."""
        now = to_epoch(fields.Datetime.now())
        Commitment = self.env["csp.commitment"]
        return self.filtered(
            lambda ticket: (
                ticket.team_id.csp_hand_back_minutes
                and ticket.csp_next_deadline
                and Commitment._opening_time(ticket.csp_hours_id.id).open_seconds(
                    now, to_epoch(ticket.csp_next_deadline)
                )
                <= ticket.team_id.csp_hand_back_minutes * 60
            )
        )

    def _csp_give_back(self):
        """Give tickets of absent people to somebody who is there, and say so."""
        before = {ticket: ticket.user_id for ticket in self}
        given = self._csp_share_out(
            "back", without={ticket.id: {user.id} for ticket, user in before.items()}
        )
        bodies = {
            ticket.id: self.env._(
                "Given to %(to)s, since %(away)s is not there and a promise is near "
                "its end.",
                to=ticket.user_id.name,
                away=user.name,
            )
            for ticket, user in before.items()
            if ticket.id in given
        }
        if bodies:
            self.browse(bodies)._message_log_batch(bodies=bodies)
        return given

    @api.model
    def _csp_wake_for_next(self):
        """Wake up when the next member of a team with waiting tickets is at work."""
        teams = self.env["helpdesk.ticket.team"]._csp_distributions()
        waiting = self._read_group(
            [
                ("team_id", "in", list(teams)),
                ("user_id", "=", False),
                ("stage_id.closed", "=", False),
                ("csp_left_open", "!=", True),
            ],
            ["team_id"],
        )
        people = self.env["res.users"].union(*(team.user_ids for (team,) in waiting))
        now = to_epoch(fields.Datetime.now())
        moments = [
            one.works_at
            for one in people._csp_presence(from_epoch(now)).values()
            if one.works_at is not None and one.works_at > now
        ]
        if moments:
            self._csp_wake_distribution(from_epoch(min(moments)))


def _plain(value):
    """Return nested tuples as the lists that JSON makes of them."""
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _language(code):
    """Return "nl" for "nl_BE": whoever speaks one speaks the other."""
    return (code or "").partition("_")[0]
