import logging
from typing import NamedTuple

from psycopg2 import Error as DatabaseError
from psycopg2.errors import UniqueViolation

from odoo import api, fields, models, tools
from odoo.fields import Domain
from odoo.tools import SQL

from .csp_commitment import CONFLICTS, MAX_CONFLICTS
from .csp_segment_rules import first_line
from .protected import BY_ADDON

_logger = logging.getLogger(__name__)

#: With so many contacts at most, all are sorted at once when a rule changes.
AT_ONCE_LIMIT = 20_000
#: In the background, so many are looked at between two commits.
BATCH_SIZE = 100_000
#: So many changed contacts are looked at by one query.
PARTNERS_AT_ONCE = 5_000
#: Under this name, what was found broken waits for the end of the transaction.
BROKEN = "csp_broken_segments"
BROKEN_ACTIVITY = "customer_service_plan.mail_activity_type_broken_segment"


class Judged(NamedTuple):
    """What rules say of one contact by itself; ids are database ids, 0 for none."""

    #: Its company, whose segments it may inherit.
    company: int = 0
    #: The company of ours that it is kept for.
    owner: int = 0
    #: The segments it fits.
    fits: frozenset[int] = frozenset()


class CspSegment(models.Model):
    """Who is in which segment: stored, and brought up to date in sets."""

    _inherit = "csp.segment"

    def _update_membership(self, partners=None):
        """Bring up to date who is in these segments, or in all for none.

        Segments without rules keep the customers put in by hand. One whose rules
        cannot be used keeps its members, is marked, and its owner gets a to-do.

        :param partners: only look at these contacts; None for all
        """
        segments = self or self.search(Domain.TRUE)
        if partners is not None:
            partners._csp_segments_outdated(inheriting=True)
            partners.flush_recordset(["csp_segment_ids"])
            return
        # sudo: csp.segment: members follow from the rules, whoever asks
        for segment in segments.sudo():
            segment._sort_all()

    # === All contacts ===

    def _rules_changed(self):
        """Check the rules of these segments and sort the customers anew.

        At once where there are few contacts, otherwise in the background.
        """
        # sudo: csp.segment: who may write a segment has it brought up to date
        segments = self.sudo()
        segments._check_usable()
        many = len(self._contacts_up_to(AT_ONCE_LIMIT + 1)) > AT_ONCE_LIMIT
        if many:
            segments.filtered("has_rules")._sort_in_background()
        elif segments:
            segments._update_membership()

    @api.model
    def _contacts_up_to(self, limit):
        return self.env.execute_query(SQL("SELECT 1 FROM res_partner LIMIT %s", limit))

    def _check_usable(self):
        """Mark those of these segments whose rules cannot be used, and only those."""
        for segment in self:
            error = segment._condition_error() if segment.has_rules else ""
            if error != (segment.broken_reason or ""):
                segment._mark_broken(error)

    def _sort_all(self):
        """Sort all contacts into or out of this segment, in one statement."""
        self.ensure_one()
        if not self.has_rules:
            return
        try:
            self._move_members()
        except CONFLICTS:
            raise
        except (ValueError, DatabaseError) as error:
            self._mark_broken(first_line(error))
            return
        if self.is_broken:
            self._mark_broken("")
        self._set_standing(
            is_pending=False,
            progress=100,
            sorted_to=0,
            checked_at=fields.Datetime.now(),
        )

    def _move_members(self, first=None, last=None):
        """Let the members of this segment be those who fit its rules.

        :param int first: with `last`, only contacts with an id from one to the other
        :raises ValueError: when the rules cannot be used
        """
        if self.active:
            fitting = self._fitting_sql(self._compiled(), first, last)
        else:
            fitting = SQL("SELECT NULL::int AS id WHERE FALSE")
        within = SQL()
        if first is not None:
            within = SQL("AND partner_id BETWEEN %s AND %s", first, last)
        self.env["res.partner"].flush_model(["csp_segment_ids"])
        query = SQL(
            """
            WITH difference AS MATERIALIZED (
                SELECT fitting.id AS come, member.partner_id AS gone
                  FROM (%(fitting)s) fitting
                  FULL JOIN (
                    SELECT partner_id
                      FROM csp_segment_res_partner_rel
                     WHERE segment_id = %(segment)s %(within)s
                  ) member ON member.partner_id = fitting.id
                 WHERE fitting.id IS NULL OR member.partner_id IS NULL
            ),
            gone AS (
                DELETE FROM csp_segment_res_partner_rel rel
                 USING difference
                 WHERE rel.segment_id = %(segment)s
                   AND rel.partner_id = difference.gone
            )
            INSERT INTO csp_segment_res_partner_rel (segment_id, partner_id)
            SELECT DISTINCT %(segment)s, come
              FROM difference
             WHERE come IS NOT NULL
             ORDER BY 2
            """,
            fitting=fitting,
            segment=self.id,
            within=within,
        )
        try:
            self._ask(query)
        except UniqueViolation:
            # Somebody else was faster with one of them. To expect that for each row
            # takes half as long again.
            self._ask(SQL("%s ON CONFLICT DO NOTHING", query))
        self._members_moved()

    @api.model
    def _members_moved(self):
        self.env["res.partner"].invalidate_model(["csp_segment_ids"], flush=False)
        self.env["res.partner"]._csp_forget_members()

    # === In the background ===

    def _sort_in_background(self):
        if self:
            self._set_standing(is_pending=True, progress=0, sorted_to=0)
            # sudo: ir.cron: whoever may change a rule has the customers sorted
            self.env.ref("customer_service_plan.ir_cron_segments").sudo()._trigger()

    @api.model
    def _cron_update_membership(self, batch_size=BATCH_SIZE):
        """Sort all contacts by rules that were changed, and once a day by all rules.

        Ages and conditions on other records change without anybody writing a contact.
        Works in parts of the contacts, each committed: a process that was killed goes
        on from there, and a second one takes another segment.
        """
        commit = self.env["ir.cron"]._commit_progress
        self._repeat_on_conflict(self._let_rest_be_due)
        commit(remaining=len(self._pending()))
        while self._repeat_on_conflict(lambda: self._sort_next_part(batch_size)):
            if not commit(1, remaining=len(self._pending())):
                break

    @api.model
    def _repeat_on_conflict(self, work):
        """Do what another process may be doing at this moment, on a new snapshot then.

        Whoever is slower rolls back; `work` begins a transaction.
        """
        for _attempt in range(MAX_CONFLICTS):
            try:
                with tools.mute_logger("odoo.sql_db"):
                    return work()
            except CONFLICTS:
                self.env.cr.rollback()
        return None

    @api.model
    def _sort_next_part(self, batch_size):
        """Sort a part of the contacts for a segment that no other process holds.

        :return: whether there was one
        """
        segment = self._pending().try_lock_for_update(allow_referencing=True, limit=1)
        if segment:
            segment._sort_part(batch_size)
        return bool(segment)

    @api.model
    def _pending(self):
        return self.search([("is_pending", "=", True), ("has_rules", "=", True)])

    @api.model
    def _let_rest_be_due(self):
        """Have segments sorted that were not since yesterday."""
        today = fields.Datetime.now().replace(hour=0, minute=0, second=0)
        due = self.search(
            [
                ("has_rules", "=", True),
                ("is_pending", "=", False),
                "|",
                ("checked_at", "=", False),
                ("checked_at", "<", today),
            ]
        )
        due._check_usable()
        due._set_standing(is_pending=True, progress=0, sorted_to=0)

    def _sort_part(self, batch_size):
        """Sort the next contacts of this segment.

        :return: whether there are more
        """
        self.ensure_one()
        first = self.sorted_to + 1
        last, highest = self._part_from(first, batch_size)
        if first == 1:
            self._set_standing(checked_at=fields.Datetime.now())
        try:
            self._move_members(first, last)
        except CONFLICTS:
            raise
        except (ValueError, DatabaseError) as error:
            self._mark_broken(first_line(error))
            return False
        if last < highest:
            self._set_standing(sorted_to=last, progress=100 * last // highest)
            return True
        self._sort_changed_since(self.checked_at)
        self._set_standing(is_pending=False, progress=100, sorted_to=0)
        return False

    @api.model
    def _sort_changed_since(self, moment):
        """Look again at contacts that were changed while all were being sorted."""
        changed = Domain("write_date", ">=", moment)
        profiles = self.env["csp.customer.profile"].search(changed)
        partners = self.env["res.partner"].with_context(active_test=False)
        self._update_membership(partners.search(changed) | profiles.partner_id)

    @api.model
    def _part_from(self, first, size):
        """The last id of the part of `size` contacts that begins at id `first`, and the
        highest id of all."""
        [row] = self.env.execute_query(
            SQL(
                """
                SELECT (
                    SELECT id FROM res_partner WHERE id >= %(first)s
                     ORDER BY id OFFSET %(size)s LIMIT 1
                ), (SELECT max(id) FROM res_partner)
                """,
                first=first,
                size=size - 1,
            )
        )
        last, highest = row
        return (last or highest or first), (highest or first)

    # === Some contacts ===

    @api.model
    def _sort_partners(self, partners):
        """Bring up to date in which segments these contacts are.

        Never fails because of a segment: one whose rules cannot be used is left alone
        and marked at the end of the transaction.
        """
        known_broken = self.env.cr.precommit.data.get(BROKEN, ())
        segments = [
            rules
            for rules in self._segmentation().segments
            if rules.id not in known_broken
        ]
        if not segments:
            return
        for start in range(0, len(partners), PARTNERS_AT_ONCE):
            part = partners[start : start + PARTNERS_AT_ONCE]
            fitting = self._fitting_among(part, segments)
            self._set_members(part, fitting)

    @api.model
    def _fitting_among(self, partners, segments):
        """Which of these contacts belong to which of these segments.

        :return: dict of segment id to a set of ids of contacts, without the segments
            that cannot be used
        """
        judged = self._judge(partners.ids, segments)
        companies = {row.company for row in judged.values() if row.company}
        if companies and any(rules.inherits for rules in segments):
            others = self._judge(list(companies - judged.keys()), segments)
        else:
            others = {}
        known_broken = self.env.cr.precommit.data.get(BROKEN, ())
        result = {}
        for rules in segments:
            if rules.id in known_broken:
                continue
            result[rules.id] = {
                id_
                for id_, row in judged.items()
                if rules.id in row.fits
                or (
                    rules.inherits
                    and row.company
                    and row.owner in (0, rules.company or row.owner)
                    and rules.id
                    in (judged.get(row.company) or others[row.company]).fits
                )
            }
        return result

    @api.model
    def _judge(self, ids, segments):
        """Which segments each of these contacts fits by itself, by one query for all.

        Where that fails, each segment is asked alone to find the one to blame.

        :return: dict of contact id to `Judged`
        """
        if not ids:
            return {}
        conditions = []
        for rules in segments:
            try:
                conditions.append((rules, rules.where or self._where_among(rules, ids)))
            except ValueError as error:
                self._note_broken(rules.id, error)
        self._flush_kinship()
        query = SQL(
            """
            SELECT res_partner.id, COALESCE(company.id, 0),
                   COALESCE(res_partner.company_id, 0), ARRAY[%(conditions)s]::boolean[]
              FROM res_partner
         LEFT JOIN csp_customer_profile
                ON csp_customer_profile.partner_id = res_partner.id
         LEFT JOIN res_partner company
                ON company.id = res_partner.commercial_partner_id
               AND company.is_company
               AND company.id <> res_partner.id
               AND res_partner.active
             WHERE res_partner.id = ANY(%(ids)s)
            """,
            conditions=SQL(", ").join(
                SQL("(%s)", where) for _rules, where in conditions
            ),
            ids=ids,
        )
        try:
            rows = self._ask(query)
        except CONFLICTS:
            raise
        except DatabaseError as error:
            if not conditions:
                raise
            if len(conditions) == 1:
                self._note_broken(conditions[0][0].id, error)
                return self._judge(ids, [])
            each = [self._judge(ids, [rules]) for rules, _where in conditions]
            return {
                id_: each[0][id_]._replace(
                    fits=frozenset().union(*(judged[id_].fits for judged in each))
                )
                for id_ in each[0]
            }
        return {
            id_: Judged(
                company,
                owner,
                frozenset(
                    rules.id
                    for (rules, _where), fits in zip(conditions, answers, strict=True)
                    if fits
                ),
            )
            for id_, company, owner, answers in rows
        }

    @api.model
    def _where_among(self, rules, ids):
        """SQL condition on `res_partner` for rules that ask other records, too."""
        query = self._fitting(rules, Domain("id", "in", ids))
        if query.is_empty():
            return SQL("FALSE")
        return SQL("res_partner.id IN %s", query.subselect())

    @api.model
    def _set_members(self, partners, fitting):
        """Store who of these contacts is in which of the segments in `fitting`."""
        pairs = [(segment, id_) for segment, ids in fitting.items() for id_ in ids]
        moved = self._write_members(
            SQL(
                """
                WITH wanted AS (
                    SELECT * FROM unnest(%(segments)s::int[], %(members)s::int[])
                        AS wanted(segment_id, partner_id)
                ),
                gone AS (
                    DELETE FROM csp_segment_res_partner_rel rel
                     WHERE rel.partner_id = ANY(%(partners)s)
                       AND rel.segment_id = ANY(%(sorted)s)
                       AND NOT EXISTS (
                           SELECT FROM wanted
                            WHERE wanted.segment_id = rel.segment_id
                              AND wanted.partner_id = rel.partner_id
                       )
                 RETURNING 1
                ),
                come AS (
                    INSERT INTO csp_segment_res_partner_rel (segment_id, partner_id)
                    SELECT segment_id, partner_id FROM wanted
                        ON CONFLICT DO NOTHING
                 RETURNING 1
                )
                SELECT 1 FROM gone UNION ALL SELECT 1 FROM come LIMIT 1
                """,
                segments=[segment for segment, _id in pairs],
                members=[id_ for _segment, id_ in pairs],
                partners=partners.ids,
                sorted=list(fitting),
            )
        )
        if moved:
            self._members_moved()

    @api.model
    def _write_members(self, query):
        # Two processes may move the same customer: Odoo repeats the later one.
        with tools.mute_logger("odoo.sql_db"):
            return self.env.execute_query(query)

    # === What cannot be used ===

    @api.model
    def _note_broken(self, segment_id, error):
        """Mark a segment at the end of the transaction, in which somebody saves a
        contact and must not be held up."""
        data = self.env.cr.precommit.data
        if BROKEN not in data:
            data[BROKEN] = {}
            self.env.cr.precommit.add(self._mark_noted)
        data[BROKEN].setdefault(segment_id, first_line(error))

    @api.model
    def _mark_noted(self):
        noted = self.env.cr.precommit.data.pop(BROKEN, {})
        # sudo: csp.segment: whoever saves a contact may come across a broken one
        for segment in self.sudo().browse(noted).exists():
            try:
                with self.env.cr.savepoint():
                    segment._mark_broken(noted[segment.id])
            except CONFLICTS:
                raise
            except Exception:
                _logger.exception("Segment %s was not marked as broken", segment.id)

    def _mark_broken(self, reason):
        """Say that the rules cannot be used, or for an empty reason that they can.

        The owner gets a to-do, which goes when the rules are mended.
        """
        self.ensure_one()
        was_broken = self.is_broken
        self._set_standing(
            is_broken=bool(reason), broken_reason=reason or False, is_pending=False
        )
        if reason and not was_broken:
            _logger.info("Segment %s cannot be used: %s", self.id, reason)
            self.activity_schedule(
                BROKEN_ACTIVITY,
                note=self.env._(
                    "Nobody is sorted into or out of this segment until its condition "
                    "is mended: %(reason)s",
                    reason=reason,
                ),
                user_id=self._whom_to_tell().id,
            )
        elif was_broken and not reason:
            self.activity_unlink([BROKEN_ACTIVITY])

    def _whom_to_tell(self):
        """The owner, or who else can mend the segment or have it mended."""
        group = self.env.ref("customer_service_plan.group_manager")
        users = (self.owner_id | self.create_uid | group.all_user_ids).filtered(
            lambda user: user.active and user._is_internal()
        )
        may_see = (
            user
            for user in users
            if self.with_user(user).sudo(False).has_access("read")
        )
        return next(may_see, users[:1])

    def _set_standing(self, **vals):
        if self:
            self.with_context(csp_by_addon=BY_ADDON, tracking_disable=True).write(vals)
