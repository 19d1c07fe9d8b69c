from odoo import fields
from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged


@tagged("post_install", "-at_install")
class TestNeedsTour(HttpCase):
    """What a manager does with needs in the browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = new_test_user(
            cls.env, login="csp-manager", groups="customer_service_plan.group_manager"
        )
        cls.speed = cls.env.ref("customer_service_plan.csp_need_speed")

    def test_needs_of_a_segment(self):
        segment = self.env["csp.segment"].create({"name": "Tour Families"})
        self.start_tour(
            f"/odoo/service-segments/{segment.id}",
            "csp_needs_tour",
            login=self.manager.login,
        )
        segment.invalidate_recordset()
        self.assertEqual(len(segment.need_ids), 8)
        need = segment.need_ids.filtered(lambda need: need.need_id == self.speed)
        self.assertRecordValues(
            need,
            [
                {
                    "importance": 5,
                    "satisfaction": 2,
                    "gap": 3,
                    "satisfaction_date": fields.Date.context_today(need),
                    "satisfaction_source": "12 visits in May",
                }
            ],
        )

    def test_matrix_of_all(self):
        self.env["csp.segment"].search([]).active = False
        families, _builders = self.env["csp.segment"].create(
            [
                {
                    "name": name,
                    "need_ids": [
                        Command.create(
                            {
                                "need_id": self.speed.id,
                                "importance": importance,
                                "satisfaction": satisfaction,
                            }
                        )
                    ],
                }
                for name, importance, satisfaction in (
                    ("Tour Families", 4, 0),
                    ("Tour Builders", 5, 1),
                )
            ]
        )
        self.start_tour(
            "/odoo/service-needs", "csp_needs_matrix_tour", login=self.manager.login
        )
        families.invalidate_recordset()
        self.assertEqual(families.need_ids.satisfaction, 5)
