import {Component, onWillDestroy, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {formatEpoch} from "../ticket/moment";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useRecordObserver} from "@web/model/relational_model/utils";
import {useService} from "@web/core/utils/hooks";

/** What an agent may do next, by the stage of the complaint; the first is the usual. */
const NEXT = {
    received: ["acknowledged", "investigated", "decided", "closed"],
    acknowledged: ["investigated", "decided", "closed"],
    investigated: ["decided", "closed"],
    decided: ["told", "again"],
    told: ["closed"],
    closed: ["reopened"],
};

/** The page Complaint of a ticket: who answers for it, how it stands, what is next. */
export class ComplaintPage extends Component {
    static template = "customer_service_plan.ComplaintPage";
    static props = {...standardWidgetProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({data: null, busy: false});
        this.asked = 0;
        useRecordObserver((record) => {
            // Read so that saving, loading and stage changes bring us here again.
            const {resId, data} = record;
            if (resId && data.csp_is_complaint) {
                this.load(resId);
            } else {
                this.state.data = null;
            }
        });
        onWillDestroy(() => {
            this.asked = -1;
        });
    }

    async load(ticketId) {
        const question = ++this.asked;
        const data = await this.orm.silent.call(
            "helpdesk.ticket",
            "csp_complaint_data",
            [ticketId]
        );
        if (question === this.asked) {
            this.state.data = data.ticket ? data : null;
        }
    }

    // --- What is shown

    get stages() {
        return this.state.data.stages.map((stage) => ({
            ...stage,
            passed: stage.reached && !stage.at,
            when: stage.reached && stage.at ? formatEpoch(stage.at) : "",
        }));
    }

    get points() {
        return this.state.data.points.map((point) => ({
            ...point,
            trace: point.done
                ? _t("%(who)s, %(when)s", {
                      who: point.by || "",
                      when: formatEpoch(point.at),
                  })
                : "",
        }));
    }

    get doneCount() {
        return this.state.data.points.filter((point) => point.done).length;
    }

    get isOpen() {
        return this.state.data.state !== "closed";
    }

    get buttons() {
        if (!this.state.data.can_write) {
            return [];
        }
        const labels = {
            acknowledged: _t("Acknowledged"),
            investigated: _t("What happened"),
            decided: _t("Decide"),
            again: _t("Change the decision"),
            told: _t("Customer told"),
            closed:
                this.state.data.state === "told"
                    ? _t("Close the complaint")
                    : _t("Settle it now"),
            reopened: _t("Open it again"),
        };
        return (NEXT[this.state.data.state] || []).map((step, index) => ({
            step: step === "again" ? "decided" : step,
            label: labels[step],
            main: index === 0 && step !== "reopened",
        }));
    }

    // --- Buttons

    async saved() {
        return (await this.props.record.save()) !== false;
    }

    async onStep(step) {
        if (this.state.busy || !(await this.saved())) {
            return;
        }
        if (step === "acknowledged") {
            this.state.busy = true;
            try {
                await this.orm.call(
                    "helpdesk.ticket",
                    "action_csp_complaint_acknowledge",
                    [[this.props.record.resId]]
                );
            } finally {
                this.state.busy = false;
            }
            await this.props.record.load();
            return;
        }
        this.open("customer_service_plan.csp_complaint_step_action", {
            default_ticket_id: this.props.record.resId,
            default_step: step,
        });
    }

    async onHandOver() {
        if (await this.saved()) {
            this.open("customer_service_plan.csp_complaint_handover_action", {
                default_ticket_ids: [this.props.record.resId],
                default_role: "owner",
            });
        }
    }

    open(action, additionalContext) {
        const record = this.props.record;
        this.action.doAction(action, {
            additionalContext,
            onClose: () => record.load(),
        });
    }

    async onTick(point) {
        const ticketId = this.props.record.resId;
        const question = ++this.asked;
        const data = await this.orm.call(
            "helpdesk.ticket",
            "action_csp_complaint_tick",
            [ticketId, point.id, !point.done]
        );
        if (question === this.asked) {
            this.state.data = data;
        }
    }
}

registry.category("view_widgets").add("csp_complaint", {
    component: ComplaintPage,
    fieldDependencies: [{name: "csp_is_complaint", type: "boolean"}],
});
