from odoo.tests import new_test_user

from .common import CspCommon


class QualityCommon(CspCommon):
    """A scorecard in use, a closed ticket of an agent, a reviewer and a team leader."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reviewer = new_test_user(
            cls.env, "csp_reviewer", groups="customer_service_plan.group_reviewer"
        )
        cls.lead = new_test_user(
            cls.env, "csp_lead", groups="helpdesk_mgmt.group_helpdesk_user_team"
        )
        cls.colleague = new_test_user(
            cls.env, "csp_colleague", groups="helpdesk_mgmt.group_helpdesk_user_own"
        )
        cls.team = cls.env["helpdesk.ticket.team"].create(
            {
                "name": "First line",
                "user_id": cls.lead.id,
                "user_ids": [(6, 0, (cls.agent | cls.colleague).ids)],
            }
        )
        # Scorecards that come with the addon are not what is tested here.
        cls.env["csp.scorecard"].search([]).active = False
        cls.scorecard = cls._create_scorecard()
        cls.ticket = cls._create_ticket(user_id=cls.agent.id, team_id=cls.team.id)

    @classmethod
    def _create_scorecard(cls, criteria=None, state="in_use", **vals):
        """Three criteria: yes or no with weight 50, 5 steps with 30, and with 20."""
        criteria = criteria or [
            {"name": "Solved", "weight": 50},
            {"name": "Friendly", "weight": 30, "scale": "5"},
            {"name": "Plain words", "weight": 20, "scale": "5"},
        ]
        return cls.env["csp.scorecard"].create(
            {
                "name": "Written contacts",
                "criterion_ids": [
                    (0, 0, {"sequence": place, **criterion})
                    for place, criterion in enumerate(criteria)
                ],
                "state": state,
                **vals,
            }
        )

    @classmethod
    def _begin(cls, ticket=None, reviewer=None, **vals):
        """A review of a ticket by a reviewer, begun by himself."""
        Review = cls.env["csp.quality.review"].with_user(reviewer or cls.reviewer)
        return Review.create({"ticket_id": (ticket or cls.ticket).id, **vals})

    @classmethod
    def _mark(cls, review, *steps, explain="It was so."):
        """Mark the lines in their order; None: does not apply."""
        for line, step in zip(review.line_ids.sorted("id"), steps, strict=True):
            line.write({"not_applicable": True} if step is None else {"step": step})
            if line.is_bad:
                line.comment = explain

    @classmethod
    def _reviewed(cls, *steps, ticket=None, reviewer=None, **vals):
        """A review that is done, with these marks."""
        review = cls._begin(ticket=ticket, reviewer=reviewer, **vals)
        cls._mark(review, *(steps or (2, 5, 5)))
        review.action_done()
        return review
