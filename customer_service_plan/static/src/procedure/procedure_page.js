import {Component, useExternalListener, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {formatEpoch} from "../ticket/moment";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useRecordObserver} from "@web/model/relational_model/utils";
import {useService} from "@web/core/utils/hooks";

/** Sent over the bus when a step was ticked: {ticket, hint}. */
export const STEP_TICKED = "CSP:STEP-TICKED";

const ICONS = {
    warranty: "fa-shield",
    replacement: "fa-exchange",
    loan_unit: "fa-truck",
    repair: "fa-wrench",
    refund: "fa-money",
    other: "fa-info-circle",
};

/** What a contact must achieve, its steps to tick, and what the customer may claim. */
export class ProcedurePage extends Component {
    static template = "customer_service_plan.ProcedurePage";
    static props = {...standardWidgetProps};

    setup() {
        this.orm = useService("orm");
        this.notification = useService("notification");
        this.state = useState({data: null, busy: {}, open: false});
        this.asked = 0;
        useRecordObserver((record) => {
            // Read so that saving, loading and stage changes bring us here again.
            const {resId, data} = record;
            if (resId && data) {
                this.load(resId);
            } else {
                this.state.data = null;
            }
        });
        // Colleagues tick, too, while the ticket is open here.
        useExternalListener(document, "visibilitychange", () => {
            const {resId} = this.props.record;
            if (!document.hidden && resId) {
                this.load(resId);
            }
        });
    }

    async load(ticketId) {
        const question = ++this.asked;
        const data = await this.orm.silent.call(
            "helpdesk.ticket",
            "csp_procedure_data",
            [ticketId]
        );
        if (question === this.asked) {
            this.show(data);
        }
    }

    show(data) {
        this.state.data = data;
        this.env.bus.trigger(STEP_TICKED, {ticket: data.ticket, hint: data.hint});
    }

    async tick(step) {
        if (!this.mayChange(step) || this.state.busy[step.id]) {
            return;
        }
        this.state.busy[step.id] = true;
        const question = ++this.asked;
        try {
            const data = await this.orm.call("helpdesk.ticket", "csp_tick_step", [
                this.state.data.ticket,
                step.id,
                !step.done,
            ]);
            if (question === this.asked) {
                this.show(data);
            }
        } finally {
            this.state.busy[step.id] = false;
        }
    }

    mayChange(step) {
        return this.state.data.can_tick && (!step.done || step.can_untick);
    }

    // --- Texts

    who(tick) {
        const moment = formatEpoch(tick.at);
        return tick.user
            ? _t("%(user)s, %(moment)s", {user: tick.user, moment})
            : moment;
    }

    takenBack(tick) {
        return _t(
            "Ticked by %(user)s, %(moment)s, taken back by %(other)s, %(later)s",
            {
                user: tick.user,
                moment: formatEpoch(tick.at),
                other: tick.undone_by,
                later: formatEpoch(tick.undone_at),
            }
        );
    }

    title(step) {
        if (this.mayChange(step)) {
            return step.done ? _t("Take it back") : _t("Tick when it is done");
        }
        if (!this.state.data.can_tick) {
            return _t("The ticket is closed, or not yours to change");
        }
        return _t("Only who ticked it, the team leader or a manager can take it back");
    }

    get progress() {
        const {done, total} = this.state.data.hint;
        return {done, total, percent: Math.round((100 * done) / total)};
    }

    icon(coverage) {
        return ICONS[coverage.kind] || ICONS.other;
    }
}

registry.category("view_widgets").add("csp_procedure", {component: ProcedurePage});
