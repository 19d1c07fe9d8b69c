from . import base_partner_merge
from . import csp_acknowledgement_release
from . import csp_commitment_excuse
from . import csp_complaint_handover
from . import csp_complaint_step
from . import csp_escalation_try
from . import csp_hours_holiday, csp_hours_holiday_line
from . import csp_hours_schedule
from . import csp_hours_week
from . import csp_pilot_decide
from . import csp_pilot_remark
from . import csp_policy_publish
from . import csp_policy_review_decide
from . import csp_policy_reject
from . import csp_policy_compare
from . import csp_promise_apply, csp_promise_apply_line
from . import csp_promise_why, csp_promise_why_line
from . import csp_quality_dispute_hand_on
from . import csp_quality_review_assign
from . import csp_quality_sampling_preview
from . import csp_settings
from . import csp_ticket_close
from . import csp_ticket_bulk
from . import csp_ticket_escalate
from . import helpdesk_ticket_merge
from . import privacy_lookup_wizard
