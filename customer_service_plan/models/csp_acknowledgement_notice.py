import logging
from datetime import date, datetime, time, timedelta

import pytz

from odoo import api, fields, models, tools
from odoo.exceptions import AccessError
from odoo.tools import SQL

from ..tools import reading
from ..tools.epoch import from_epoch
from ..tools.reading import Stage
from .csp_acknowledgement import OPEN, TODO
from .csp_commitment import CONFLICTS, MAX_CONFLICTS, RETRY_AFTER
from .protected import BY_ADDON

_logger = logging.getLogger(__name__)

#: Of the advisory locks that keep two workers from telling one person at once.
LOCK_SPACE = 0x63737061
#: Somebody who is away until further notice is looked for again after this.
AWAY_FOR_NOW = timedelta(days=1)
CRON = "customer_service_plan.ir_cron_acknowledgements"


class CspAcknowledgement(models.Model):
    """Telling people what they have to read: to-dos, reminders, then the lead.

    Each person gets one message about everything that is due at once, in his language,
    not at night and not while he is away.
    """

    _inherit = "csp.acknowledgement"

    told_stage = fields.Integer(
        readonly=True, aggregator=None, help="What the person was told last."
    )
    told_at = fields.Datetime(string="Last reminded on", readonly=True)
    next_notice_at = fields.Datetime(
        string="Next reminder", readonly=True, help="Empty: there is none."
    )
    lead_notice_at = fields.Datetime(
        string="Lead to be told",
        readonly=True,
        help="When the team leader is told, else the owner of the policy.",
    )
    lead_told_at = fields.Datetime(string="Lead told on", readonly=True)
    lead_told_id = fields.Many2one(
        comodel_name="res.users",
        string="Lead told",
        readonly=True,
        ondelete="set null",
    )

    _notice_due = models.Index("(next_notice_at) WHERE is_open")
    _lead_due = models.Index("(lead_notice_at) WHERE is_open")

    @api.model
    def _not_told_yet(self):
        """Values of a row about which nobody was told anything yet."""
        return {
            "told_stage": Stage.NOT_TOLD,
            "told_at": False,
            "next_notice_at": fields.Datetime.now(),
            "lead_notice_at": False,
            "lead_told_at": False,
            "lead_told_id": False,
        }

    # === To-dos ===

    def message_subscribe(self, partner_ids=None, subtype_ids=None):
        """Nobody follows these records: whom they concern is told by name."""
        return True

    def _give_todos(self):
        """Give each of these people a to-do, in his language, and have him told."""
        if not self:
            return
        kind = self.env.ref(TODO, raise_if_not_found=False)
        model = self.env["ir.model"]._get(self._name)
        for lang, rows in self.grouped(lambda row: row.user_id.lang).items():
            rows = rows.with_context(lang=lang or self.env.lang)
            # Odoo would write a mail about each; there is one about all of them.
            self.env["mail.activity"].with_context(
                mail_activity_quick_update=True, lang=lang or self.env.lang
            ).create(
                [
                    {
                        "activity_type_id": kind.id if kind else False,
                        "res_model_id": model.id,
                        "res_id": row.id,
                        "user_id": row.user_id.id,
                        "date_deadline": row.due_date,
                        "automated": True,
                        "summary": rows.env._(
                            "Read and sign: %s", row.version_id.display_name
                        ),
                    }
                    for row in rows
                ]
            )
        self._wake_cron()

    @api.model
    def _wake_cron(self):
        # sudo: ir.cron: whoever publishes or reminds does not send the mails himself
        cron = self.env.ref(CRON, raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger()

    # === Reminding ===

    def action_remind(self):
        """Remind these people now; in their night they are told in the morning.

        :raises AccessError: for everybody but managers of the plan and team leaders
        """
        self.check_access("read")
        is_manager = self.env.user.has_group("customer_service_plan.group_manager")
        led = self.env.user.csp_led_team_ids
        for row in self:
            if not is_manager and not row.user_id.sudo().helpdesk_team_ids & led:
                raise AccessError(
                    self.env._("Only managers and team leaders remind somebody.")
                )
        now = fields.Datetime.now()
        waiting = self.filtered(lambda row: row.state in OPEN)
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        told = waiting.filtered(lambda row: row.told_at and row.told_at >= today)
        due = waiting - told
        due._as_addon().write({"next_notice_at": now})
        if due:
            self._wake_cron()
        parts = [self.env._("Reminded: %s", len(due.user_id))]
        if told:
            parts.append(self.env._("told today already: %s", len(told.user_id)))
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "message": ", ".join(parts),
                "type": "success" if due else "info",
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    @api.model
    def _cron_acknowledgements(self):
        """Follow the rosters of all policies, then tell people what is due.

        May run twice or late without harm: what was done is not done again.
        """
        policies = self.env["csp.policy"]._with_audience()
        self.env["ir.cron"]._commit_progress(remaining=len(policies))
        for policy in policies:
            try:
                with self.env.cr.savepoint():
                    # Whoever publishes it at this moment follows it himself.
                    policy.try_lock_for_update(allow_referencing=True)._follow_roster()
            except CONFLICTS:
                self.env.cr.rollback()
            except Exception:  # pylint: disable=broad-except
                _logger.exception("The audience of %s could not be followed", policy)
            if not self.env["ir.cron"]._commit_progress(1):
                return
        self._tell_due("next_notice_at", "user_id", self._tell)
        self._set_leads()
        self._tell_due("lead_notice_at", "lead_told_id", self._tell_lead)

    @api.model
    def _tell_due(self, moment, person, tell, batch_size=20):
        """Tell people what is due, a transaction for some people at a time.

        :param str moment: the field that says when
        :param str person: the field that says whom
        :param tell: called with the id of each person
        """
        conflicts = 0
        while conflicts < MAX_CONFLICTS:
            try:
                self.env.cr.execute(
                    self._take_people(moment, person, batch_size), log_exceptions=False
                )
                users = [row[0] for row in self.env.cr.fetchall()]
                for user in users:
                    self._tell_safely(moment, person, tell, user)
            except CONFLICTS:
                self.env.cr.rollback()
                conflicts += 1
                continue
            if not users or not self.env["ir.cron"]._commit_progress(len(users)):
                return

    @api.model
    def _take_people(self, moment, person, limit):
        """Select people about whom something is due, each for one worker only."""
        self.flush_model()
        return SQL(
            """
            WITH due AS MATERIALIZED (
                SELECT DISTINCT %(person)s AS user_id
                  FROM csp_acknowledgement
                 WHERE is_open AND %(moment)s <= %(now)s AND %(person)s IS NOT NULL
                 LIMIT %(limit)s
            )
            SELECT user_id FROM due WHERE pg_try_advisory_xact_lock(%(space)s, user_id)
            """,
            person=SQL.identifier(person),
            moment=SQL.identifier(moment),
            now=fields.Datetime.now(),
            limit=limit,
            space=LOCK_SPACE,
        )

    @api.model
    def _tell_safely(self, moment, person, tell, user_id):
        rows = self.with_context(csp_by_addon=BY_ADDON).search(
            [
                (person, "=", user_id),
                ("is_open", "=", True),
                (moment, "<=", fields.Datetime.now()),
            ]
        )
        try:
            with self.env.cr.savepoint():
                tell(rows)
                self.env.flush_all()
        except CONFLICTS:
            raise
        except Exception:  # pylint: disable=broad-except
            _logger.exception(
                "User %s could not be told what to read; tried again in %s",
                user_id,
                RETRY_AFTER,
            )
            rows.invalidate_recordset()
            rows.write({moment: fields.Datetime.now() + RETRY_AFTER})

    @api.model
    def _tell(self, rows):
        """Tell one person what he has to sign; or when he is there again."""
        user = rows.user_id
        now = fields.Datetime.now()
        later = self._not_before(user, now)
        if later > now:
            rows.write({"next_notice_at": later})
            return
        zone = user._csp_zone()
        today = _day_of(now, zone)
        for stage, told in rows.grouped(
            lambda row: reading.get_stage(row.due_date, today)
        ).items():
            for due, due_rows in told.grouped("due_date").items():
                day = reading.get_next_day(due, stage)
                values = {
                    "told_stage": stage,
                    "told_at": now,
                    "next_notice_at": day and _midnight_of(day, zone),
                }
                due_rows.write(values)
        # First, so that another worker who told him fails here, not after.
        rows.flush_recordset()
        rows._send_reminder(today)

    @api.model
    def _not_before(self, user, now):
        """When somebody may be told something: `now`, or later by his presence."""
        there = user._csp_presence(now)[user.id]
        if there.active and there.decent and not there.away:
            return now
        moment = there.works_at if there.away else there.decent_at
        if moment is None or from_epoch(moment) <= now:
            return now + AWAY_FOR_NOW
        return from_epoch(moment)

    def _send_reminder(self, today):
        user = self.user_id
        self = self.with_context(lang=user.lang or self.env.lang)
        late = self.filtered(lambda row: row.due_date < today)
        if late:
            subject = self.env._("Overdue: please read and sign")
        elif len(self) == 1:
            subject = self.env._(
                "Please read and sign: %s", self.version_id.display_name
            )
        else:
            subject = self.env._("Please read and sign: %s policies", len(self))
        self._send(
            user,
            subject,
            "customer_service_plan.acknowledgement_reminder",
            {
                "rows": [
                    (row, row._when_text(today))
                    for row in self.sorted(lambda row: (row.due_date, row.id))
                ],
                "user": user,
            },
        )

    def _when_text(self, today):
        """Until when somebody has to sign, in words."""
        self.ensure_one()
        day = tools.format_date(self.env, self.due_date)
        left = (self.due_date - today).days
        if left < 0:
            return self.env._("was to be signed by %(day)s", day=day)
        if left == 0:
            return self.env._("to be signed today")
        if left == 1:
            return self.env._("to be signed by tomorrow")
        return self.env._(
            "to be signed by %(day)s, in %(left)s days", day=day, left=left
        )

    # === The lead ===

    @api.model
    def _set_leads(self):
        """Choose who is told of people who are late and were told so themselves."""
        now = fields.Datetime.now()
        mine = self.with_context(csp_by_addon=BY_ADDON)
        rows = mine.search(
            [
                ("is_open", "=", True),
                ("told_stage", "=", Stage.LATE),
                ("lead_told_at", "=", False),
                ("lead_notice_at", "=", False),
            ]
        )
        if not rows:
            return
        there = rows.user_id._csp_presence(now)
        for (user, policy), late in rows.grouped(
            lambda row: (row.user_id, row.policy_id)
        ).items():
            # Nobody can do anything about it while he is away.
            if there[user.id].away:
                continue
            lead = self._lead_of(user, late.team_id, policy)
            for (due, told_at), same in late.grouped(
                lambda row: (row.due_date, row.told_at)
            ).items():
                zone = user._csp_zone()
                day = reading.get_lead_day(due, _day_of(told_at, zone))
                # Where there is nobody to tell it counts as told.
                same.write(
                    {
                        "lead_told_id": lead.id,
                        "lead_notice_at": lead and _midnight_of(day, zone),
                        "lead_told_at": False if lead else now,
                    }
                )

    @api.model
    def _lead_of(self, user, team, policy):
        """Who is told that somebody is late: the leader of his team or of one above,
        else the owner of the policy; somebody who is there before somebody away."""
        candidates = (team._csp_leaders() | policy.owner_id) - user
        candidates = candidates.filtered(lambda each: each.active and not each.share)
        there = candidates._csp_presence()
        return candidates.sorted(lambda each: there[each.id].away)[:1]

    @api.model
    def _tell_lead(self, rows):
        lead = rows.lead_told_id
        now = fields.Datetime.now()
        later = self._not_before(lead, now)
        if later > now:
            rows.write({"lead_notice_at": later})
            return
        rows.write({"lead_told_at": now, "lead_notice_at": False})
        rows.flush_recordset()
        rows = rows.with_context(lang=lead.lang or self.env.lang)
        today = _day_of(now, lead._csp_zone())
        rows._send(
            lead,
            rows.env._("Not signed in time: %s people", len(rows.user_id))
            if len(rows.user_id) > 1
            else rows.env._("Not signed in time: %s", rows.user_id.name),
            "customer_service_plan.acknowledgement_lead",
            {
                "people": [
                    (user, [(row, row._when_text(today)) for row in of_user])
                    for user, of_user in rows.grouped("user_id").items()
                ],
                "user": lead,
            },
        )

    def _send(self, user, subject, template, values):
        """One message to one person, by the way he prefers."""
        self = self.with_context(
            tz=user.tz or self.env.tz,
            # The queue sends it: a mail server that is down holds up nothing.
            mail_notify_force_send=False,
        )
        self.env["mail.thread"].message_notify(
            partner_ids=user.partner_id.ids,
            subject=subject,
            body=self.env["ir.qweb"]._render(
                template,
                {**values, "base_url": self[:1].get_base_url()},
                minimal_qcontext=True,
            ),
            author_id=self.env.ref("base.partner_root").id,
            email_layout_xmlid="mail.mail_notification_light",
        )


def _day_of(moment, zone):
    """The day of naive UTC in a time zone."""
    return pytz.utc.localize(moment).astimezone(pytz.timezone(zone)).date()


def _midnight_of(day, zone):
    """The beginning of a day in a time zone, as naive UTC."""
    if day == date.min:
        return fields.Datetime.now()
    local = pytz.timezone(zone).localize(datetime.combine(day, time.min))
    return local.astimezone(pytz.utc).replace(tzinfo=None)
