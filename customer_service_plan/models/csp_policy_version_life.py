from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import plaintext2html

from .csp_policy_version import BLOCKS, NEEDS_REASON
from .locking import one_at_a_time

APPROVAL = "customer_service_plan.mail_activity_type_approve_version"
MANAGERS = "customer_service_plan.group_manager"
REJECTED = "customer_service_plan.mail_activity_type_rejected_version"


class CspPolicyVersion(models.Model):
    """How a version comes into force: proposed by one person, approved by another."""

    _inherit = "csp.policy.version"

    author_ids = fields.Many2many(
        comodel_name="res.users",
        relation="csp_policy_version_author_rel",
        column1="version_id",
        column2="user_id",
        string="Written by",
        context={"active_test": False},
        ondelete="restrict",
        readonly=True,
        copy=False,
        help="Everybody who has written in it. None of them can approve it.",
    )
    submitted_by_id = fields.Many2one(
        comodel_name="res.users", readonly=True, copy=False, ondelete="restrict"
    )
    submitted_at = fields.Datetime(string="Submitted on", readonly=True, copy=False)
    approved_by_id = fields.Many2one(
        comodel_name="res.users", readonly=True, copy=False, ondelete="restrict"
    )
    approved_at = fields.Datetime(string="Approved on", readonly=True, copy=False)
    rejected_by_id = fields.Many2one(
        comodel_name="res.users", readonly=True, copy=False, ondelete="restrict"
    )
    rejected_at = fields.Datetime(string="Rejected on", readonly=True, copy=False)
    rejection_reason = fields.Text(
        string="Why it was rejected", readonly=True, copy=False
    )
    published_by_id = fields.Many2one(
        comodel_name="res.users", readonly=True, copy=False, ondelete="restrict"
    )
    publish_reason = fields.Text(
        string="Published in spite of findings because",
        readonly=True,
        copy=False,
    )
    publish_findings = fields.Text(
        string="Known when it was published", readonly=True, copy=False
    )
    may_approve = fields.Boolean(
        compute="_compute_may_approve",
        help="Whether you may approve or reject it.",
    )
    approval_needed = fields.Boolean(
        compute="_compute_approval_needed",
        help="Whether somebody else has to approve it before it is published.",
    )

    @api.depends("state", "author_ids", "submitted_by_id", "policy_id.approver_ids")
    @api.depends_context("uid")
    def _compute_may_approve(self):
        for version in self:
            version.may_approve = (
                version.state == "in_review" and self.env.user in version._approvers()
            )

    @api.depends("policy_id.company_id")
    def _compute_approval_needed(self):
        for version in self:
            version.approval_needed = version._is_approval_needed()

    # === Proposed, approved or rejected ===

    def _name_of_to_do(self, kind, user):
        """The name of the kind of to-do, in the language of who gets it.

        The chatter shows a to-do without a summary as an empty line.
        """
        # sudo: mail.activity.type: only its name is read
        return self.env.ref(kind).sudo().with_context(lang=user.lang).name

    def action_submit(self):
        """Hand a draft over for review: it cannot be changed meanwhile.

        Those who may approve it get a to-do.
        """
        self._move(
            "draft",
            "in_review",
            {
                "submitted_by_id": self.env.uid,
                "submitted_at": fields.Datetime.now(),
                "rejected_by_id": False,
                "rejected_at": False,
                "rejection_reason": False,
            },
        )
        for version in self:
            version.activity_unlink([REJECTED])
            for user in version._asked_to_approve():
                version.activity_schedule(
                    APPROVAL,
                    user_id=user.id,
                    summary=version._name_of_to_do(APPROVAL, user),
                )
        return True

    def action_approve(self):
        """Approve versions in review.

        :raises AccessError: for who has written in one or is no approver of it
        """
        self._check_may_approve()
        # sudo: csp.policy.version: an approver need not be able to write in it
        self.sudo()._move(
            "in_review",
            "approved",
            {"approved_by_id": self.env.uid, "approved_at": fields.Datetime.now()},
        )
        self._settle_approval()
        return True

    def action_reject(self, reason):
        """Give versions in review back to their authors, with the reason.

        :param str reason: what is to be changed, for the authors
        :raises UserError: without a reason
        :raises AccessError: for who may not approve them
        """
        reason = (reason or "").strip()
        if not reason:
            raise UserError(
                self.env._("Say why, so that the author knows what to change.")
            )
        self._check_may_approve()
        # sudo: csp.policy.version: an approver need not be able to write in it
        self.sudo()._move(
            "in_review",
            "draft",
            {
                "rejected_by_id": self.env.uid,
                "rejected_at": fields.Datetime.now(),
                "rejection_reason": reason,
            },
        )
        self._settle_approval()
        for version in self.sudo():
            version.message_post(
                author_id=self.env.user.partner_id.id,
                body=self.env._("Rejected: %s", reason),
            )
            author = version.submitted_by_id
            if author.active:
                version.activity_schedule(
                    REJECTED,
                    user_id=author.id,
                    summary=version._name_of_to_do(REJECTED, author),
                    note=plaintext2html(reason),
                )
        return True

    def action_back_to_draft(self):
        """Take versions in review or approved back to work on them."""
        self._move(
            ("in_review", "approved"),
            "draft",
            {"approved_by_id": False, "approved_at": False},
        )
        self._settle_approval()
        return True

    def _settle_approval(self):
        # sudo: mail.activity: the to-do of each approver, whoever was first
        self.sudo().activity_unlink([APPROVAL])

    def _is_approval_needed(self):
        """Whether somebody else has to approve: as the companies it is for ask.

        An addon that brings its own approval extends `_check_may_approve` and
        `_check_approved`.
        """
        self.ensure_one()
        return any(self._companies().mapped("csp_approval_required"))

    def _companies(self):
        """The companies that the policy is for."""
        # sudo: res.company: settings and time zones of companies it holds for
        Company = self.env["res.company"].sudo()
        return self.company_id.sudo() or Company.search(Domain.TRUE)

    def _approvers(self):
        """Who may approve this version: named on the policy, else of the group that
        the company names, else managers of the plan; never who has written in it."""
        self.ensure_one()
        policy = self.policy_id
        company = self.company_id or self.env.company
        # By its id: env.ref would ask for each version of a list whether it is there.
        managers = self.env["res.groups"].browse(
            self.env["ir.model.data"]._xmlid_to_res_id(MANAGERS)
        )
        # sudo: res.users: members of a group, to find out whether one may approve
        group = company.sudo().csp_approver_group_id or managers
        candidates = policy.approver_ids.sudo() or group.sudo().all_user_ids
        candidates = candidates.filtered(
            lambda user: (
                user.active
                and not user.share
                and (not self.company_id or self.company_id in user.company_ids)
            )
        )
        return candidates - self.author_ids - self.submitted_by_id

    def _asked_to_approve(self):
        """Who gets a to-do: those named; of a group, those who are not the system."""
        return self._approvers() - self.env.ref("base.user_root")

    def _check_may_approve(self):
        """Refuse whoever may not approve or reject these versions.

        The system itself may: data files, and code of other addons that knows why.
        """
        self.check_access("read")
        if self.env.su:
            return
        for version in self:
            if self.env.user in version._approvers():
                continue
            if self.env.user in version.author_ids | version.submitted_by_id:
                raise AccessError(
                    self.env._(
                        "You have written in %(version)s or proposed it: somebody else "
                        "has to approve it. %(who)s",
                        version=version.display_name,
                        who=version._say_who_approves(),
                    )
                )
            raise AccessError(
                self.env._(
                    "You are not among those who approve %(version)s. %(who)s",
                    version=version.display_name,
                    who=version._say_who_approves(),
                )
            )

    def _say_who_approves(self):
        names = self._asked_to_approve()[:5].mapped("name")
        if names:
            return self.env._("These people can: %s.", ", ".join(names))
        return self.env._(
            "There is nobody else who can: name an approver on the policy, or make a "
            "colleague manager of the service plan."
        )

    # === Bound ===

    def action_publish(self, reason=None, effective_date=None):
        """Put versions into force, from their effective date on or at once.

        The version in force before is retired when this one begins.

        :param str reason: why it is published in spite of findings that need one
        :param effective_date: the day of its beginning; empty: as the version says
        :raises UserError: with all that stands in the way
        """
        self.check_access("write")
        one_at_a_time(self)
        reason = (reason or "").strip()
        for version in self:
            version._check_approved()
            findings = version._publishing_findings()
            blocking = [each.text for each in findings if each.severity == BLOCKS]
            if blocking:
                raise UserError("\n".join(blocking))
            unsupported = [
                each.text for each in findings if each.severity == NEEDS_REASON
            ]
            if unsupported and not reason:
                raise UserError(
                    self.env._(
                        "To publish this all the same, give a reason. It stays "
                        "visible on the version.\n%s",
                        "\n".join(unsupported),
                    )
                )
            values = {
                "state": "published",
                "published_at": fields.Datetime.now(),
                "published_by_id": self.env.uid,
                "effective_date": effective_date
                or version.effective_date
                or version._company_today(),
                "publish_reason": reason or False,
                "publish_findings": "\n".join(each.text for each in findings) or False,
            }
            version._bind(values)
            version._tell_published(reason, findings)
            version._replace_coming()
        self._cron_take_over()
        self._after_publication()
        return True

    def _check_approved(self):
        """Refuse to publish what nobody else has approved, or is published already."""
        self.ensure_one()
        if self.state in ("published", "retired"):
            raise UserError(
                self.env._(
                    "%(version)s is already published or retired.",
                    version=self.display_name,
                )
            )
        approved = self.state in ("approved", "pilot")
        if not approved and not self.env.su and self._is_approval_needed():
            raise UserError(
                self.env._(
                    "%(version)s is not approved yet. Submit it for review; somebody "
                    "who has not written in it approves it. Then publish it.",
                    version=self.display_name,
                )
            )

    def _bind(self, values):
        """From now on tickets can be promised under this version: it is frozen."""
        self.ensure_one()
        self._before_binding()
        self._by_addon().write({**values, "content_hash": self._content_hash()})

    @api.model
    def _adopt_earlier(self):
        """Give versions of before what is kept since version 19.0.1.3.0 of the addon:
        those published their fingerprint, all of them an author."""
        versions = self.with_context(active_test=False).search(Domain.TRUE)
        for version in versions:
            if not version.author_ids:
                version._by_addon().author_ids = version.create_uid
            if version._was_binding() and not version.content_hash:
                version._bind({})

    def _before_binding(self):
        """What is to be kept with a version right before tickets are promised under
        it. For extension; its content is final here."""

    def _after_publication(self):
        """What follows the publication of these versions. For extension."""

    def _replace_coming(self):
        """Take back older versions that were published and have not begun yet: who
        publishes a newer one does not want them to follow it."""
        self.ensure_one()
        now = fields.Datetime.now()
        coming = self.policy_id.version_ids.filtered(
            lambda version: (
                version.state == "published"
                and version.number < self.number
                and all(
                    version._in_force_from(company) > now
                    for company in version._companies()
                )
            )
        )
        coming._by_addon().write({"state": "retired", "retired_at": now})

    def _tell_published(self, reason, findings):
        unsupported = [each.text for each in findings if each.severity == NEEDS_REASON]
        if unsupported:
            self.message_post(
                body=self.env._("Published in spite of: %s", " · ".join(unsupported))
            )
        if reason:
            self.message_post(body=self.env._("Reason given: %s", reason))

    def _start_pilot(self):
        """Have an approved version tried: from now on it is frozen."""
        one_at_a_time(self)
        for version in self:
            version._check_state("approved")
            version._bind({"state": "pilot", "piloted_at": fields.Datetime.now()})

    def _end_pilot(self):
        """Put away a version that was tried and not adopted."""
        self._move("pilot", "retired", {"retired_at": fields.Datetime.now()})

    def action_retire(self):
        """Take a published version out of force now.

        Tickets that it was promised to keep their promise.
        """
        return self._move("published", "retired", {"retired_at": fields.Datetime.now()})

    @api.model
    def _cron_take_over(self):
        """Retire what a later version has replaced; wake up for the next beginning.

        Only the state shown to people changes here: which version is in force for a
        ticket follows from the dates alone.
        """
        now = fields.Datetime.now()
        published = self.search([("state", "=", "published")])
        begins = {version: version._in_force_everywhere_from() for version in published}
        for versions in published.grouped("policy_id").values():
            begun = versions.filtered(lambda version: begins[version] <= now)
            begun = begun.sorted(lambda version: (begins[version], version.id))
            for version, successor in zip(begun, begun[1:], strict=False):
                version._by_addon().write(
                    {"state": "retired", "retired_at": begins[successor]}
                )
        coming = [moment for moment in begins.values() if moment > now]
        if coming:
            # sudo: ir.cron: a manager publishes, the scheduler takes over on the day
            cron = self.env.ref("customer_service_plan.ir_cron_policy_versions").sudo()
            cron._trigger(min(coming))

    def _move(self, before, after, values=None):
        self.check_access("write")
        one_at_a_time(self)
        allowed = (before,) if isinstance(before, str) else before
        for version in self:
            version._check_state(*allowed)
        self._by_addon().write({"state": after, **(values or {})})
        return True

    def _check_state(self, *allowed):
        self.ensure_one()
        if self.state not in allowed:
            labels = dict(self._fields["state"]._description_selection(self.env))
            raise UserError(
                self.env._(
                    "%(version)s is in state %(state)s: this step is not possible.",
                    version=self.display_name,
                    state=labels[self.state],
                )
            )
