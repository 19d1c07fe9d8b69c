from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    csp_complaint_owner_id = fields.Many2one(
        comodel_name="res.users",
        string="Person for complaints",
        domain="[('share', '=', False), ('company_ids', 'in', id)]",
        ondelete="set null",
        groups="base.group_user",
        help="Answers for complaints where the team names nobody.",
    )

    def _csp_complaint_last_resort(self):
        """Who answers for complaints that nobody else does: never nobody.

        The person of the company, a manager of the service plan or of the helpdesk
        who works there, anybody of its helpdesk, an administrator.
        """
        self.ensure_one()
        # sudo: res.users: who is there; nothing of them is shown
        company = self.sudo()
        Users = company.env["res.users"]
        person = company.csp_complaint_owner_id
        if person and Users._csp_can_own_complaints(person, company):
            return person
        for group in (
            "customer_service_plan.group_manager",
            "helpdesk_mgmt.group_helpdesk_manager",
            "helpdesk_mgmt.group_helpdesk_user_own",
        ):
            people = company.env.ref(group).all_user_ids
            # People before the administrator, who is a manager by installation only.
            admin = company.env.ref("base.user_admin", raise_if_not_found=False)
            found = Users._csp_can_own_complaints(people, company).sorted(
                lambda user, admin=admin: (user == admin, user.id)
            )
            if found:
                return found[0]
        admins = company.env.ref("base.group_system").all_user_ids
        return admins.filtered("active").sorted("id")[:1] or Users.browse(self.env.uid)
