import {Component, onWillDestroy, useExternalListener, useState} from "@odoo/owl";
import {nextOpening, standing} from "./opening_time";
import {_t} from "@web/core/l10n/translation";
import {formatAgo, formatEpoch} from "./moment";
import {formatSeconds} from "../duration/duration";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useRecordObserver} from "@web/model/relational_model/utils";
import {useService} from "@web/core/utils/hooks";

const SECOND = 1000;
// Others write on the ticket, too, while it is open here.
const REFRESH = 60 * SECOND;

const LOOKS = {
    kept: {icon: "fa-check-circle", tone: "success"},
    excused: {icon: "fa-handshake-o", tone: "muted"},
    missed: {icon: "fa-times-circle", tone: "danger"},
    cancelled: {icon: "fa-ban", tone: "muted"},
    paused: {icon: "fa-pause-circle", tone: "muted"},
    never: {icon: "fa-exclamation-triangle", tone: "warning"},
    late: {icon: "fa-bell", tone: "danger"},
    risk: {icon: "fa-hourglass-half", tone: "warning"},
    running: {icon: "fa-clock-o", tone: "plain"},
};

/** What is promised on a ticket, and how much opening time is left, live. */
export class ServicePanel extends Component {
    static template = "customer_service_plan.ServicePanel";
    static props = {...standardWidgetProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({data: null, now: 0, showHistory: false});
        // Server time minus client time, in milliseconds.
        this.skew = 0;
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
        useExternalListener(document, "visibilitychange", () => this.refresh());
        this.ticker = setInterval(() => this.tick(), SECOND);
        this.refresher = setInterval(() => this.refresh(), REFRESH);
        onWillDestroy(() => {
            this.asked = -1;
            clearInterval(this.ticker);
            clearInterval(this.refresher);
        });
    }

    // --- Data and time

    async load(ticketId, {again} = {}) {
        const question = ++this.asked;
        let data = null;
        try {
            data = await this.orm.silent.call("helpdesk.ticket", "csp_panel_data", [
                ticketId,
            ]);
        } catch (error) {
            // Without connection, or when the ticket is gone meanwhile, the clock counts
            // on with what is known.
            if (error.data && !again) {
                throw error;
            }
            return;
        }
        if (question === this.asked) {
            this.skew = data.now * SECOND - Date.now();
            this.state.data = data;
            this.tick();
        }
    }

    refresh() {
        const {resId} = this.props.record;
        if (!document.hidden && resId) {
            this.load(resId, {again: true});
        }
    }

    tick() {
        const data = this.state.data;
        if (data) {
            const now = Math.floor((Date.now() + this.skew) / SECOND);
            this.state.now = Math.max(now, data.now);
        }
    }

    // --- What is shown

    get promises() {
        return this.state.data.promises.map((promise) => {
            const stands = standing(
                promise,
                this.spansOf(promise),
                this.state.data.now,
                this.state.now
            );
            return {
                ...promise,
                ...LOOKS[stands.phase],
                phase: stands.phase,
                headline: this.headline(promise, stands),
                detail: this.detail(promise, stands),
                goal: _t("within %s", formatSeconds(promise.target)),
                hoursName: promise.hours
                    ? this.state.data.hours[promise.hours].name
                    : "",
            };
        });
    }

    spansOf(promise) {
        return promise.hours ? this.state.data.hours[promise.hours].spans : null;
    }

    headline(promise, {phase, left}) {
        switch (phase) {
            case "kept":
                return promise.kind === "resolution"
                    ? _t("kept, solved %s", formatEpoch(promise.ended_at))
                    : _t("kept, answered %s", formatEpoch(promise.ended_at));
            case "missed":
                return _t("missed by %s", formatSeconds(promise.overrun));
            case "excused":
                return _t("excused");
            case "cancelled":
                return _t("does not count any more");
            case "paused":
                return this.waitingText;
            case "never":
                return _t("no deadline");
            case "late":
                // In a closed hour after a deadline at closing time.
                if (-left < 60) {
                    return promise.state === "excused" ? _t("excused") : _t("late");
                }
                return promise.state === "excused"
                    ? _t("excused, late by %s", formatSeconds(-left))
                    : _t("late by %s", formatSeconds(-left));
        }
        return _t("%s left", formatSeconds(left, true));
    }

    get waitingText() {
        switch (this.state.data.waiting_on) {
            case "customer":
                return _t("paused: waiting for the customer");
            case "third_party":
                return _t("paused: waiting for a third party");
        }
        return _t("paused");
    }

    detail(promise, {phase, left, closed}) {
        const due = promise.deadline && formatEpoch(promise.deadline);
        switch (phase) {
            case "kept":
                return "";
            case "missed":
            case "excused":
                return promise.excuse || (due && _t("was due %s", due)) || "";
            case "cancelled":
                return "";
            case "paused":
                return left < 0
                    ? _t("late by %s", formatSeconds(-left))
                    : _t("then %s left", formatSeconds(left));
            case "never":
                return _t("the hours never open again");
            case "late":
                if (!promise.runs) {
                    return this.waitingText;
                }
                return due ? _t("was due %s", due) : "";
        }
        const parts = [_t("due %s", due)];
        if (closed) {
            const opens = nextOpening(this.spansOf(promise), this.state.now);
            parts.push(
                opens ? _t("closed until %s", formatEpoch(opens)) : _t("closed now")
            );
        }
        return parts.join(" · ");
    }

    get countsDayAndNight() {
        return this.promises.some((promise) => promise.runs && !promise.hours);
    }

    get neverOpens() {
        return this.promises.some((promise) => promise.never_due);
    }

    get missedIds() {
        return this.state.data.promises
            .filter((promise) => promise.state === "missed")
            .map((promise) => promise.id);
    }

    // --- Escalation

    get escalation() {
        return this.state.data.escalation || {};
    }

    get lastStep() {
        return (this.escalation.steps || [])[0];
    }

    get escalatedText() {
        const {lastStep} = this;
        const ago = formatAgo(this.escalation.at, this.state.now);
        return lastStep
            ? _t("Escalated %(ago)s: %(what)s", {ago, what: lastStep.text})
            : _t("Escalated %s", ago);
    }

    get chargeText() {
        const {is_mine: isMine, taken_at: at, taken_by: who} = this.escalation;
        const since = formatEpoch(at);
        return isMine
            ? _t("You take charge since %s", since)
            : _t("%(who)s takes charge since %(since)s", {who, since});
    }

    get history() {
        return (this.escalation.steps || []).map((step) => ({
            ...step,
            when: formatEpoch(step.at),
        }));
    }

    onToggleHistory() {
        this.state.showHistory = !this.state.showHistory;
    }

    async onTakeCharge() {
        if (await this.saved()) {
            await this.orm.call("helpdesk.ticket", "action_csp_take_charge", [
                [this.props.record.resId],
            ]);
            await this.props.record.load();
        }
    }

    async onEscalate() {
        if (await this.saved()) {
            this.action.doAction("customer_service_plan.csp_ticket_escalate_action", {
                additionalContext: {
                    active_model: "helpdesk.ticket",
                    active_ids: [this.props.record.resId],
                    active_id: this.props.record.resId,
                },
                onClose: () => this.props.record.load(),
            });
        }
    }

    async onForesee() {
        await this.doTicketAction("action_csp_try_escalation");
    }

    async onAllEscalations() {
        await this.doTicketAction("action_csp_view_escalations");
    }

    async doTicketAction(method) {
        if (await this.saved()) {
            const action = await this.orm.call("helpdesk.ticket", method, [
                [this.props.record.resId],
            ]);
            this.action.doAction(action);
        }
    }

    get canExcuse() {
        return this.state.data.can_excuse && this.missedIds.length > 0;
    }

    // --- Buttons

    async saved() {
        return (await this.props.record.save()) !== false;
    }

    async onWhy() {
        if (await this.saved()) {
            const action = await this.orm.call("helpdesk.ticket", "action_csp_why", [
                [this.props.record.resId],
            ]);
            this.action.doAction(action);
        }
    }

    async onNoAnswerNeeded() {
        if (await this.saved()) {
            await this.orm.call("helpdesk.ticket", "action_csp_no_answer_needed", [
                [this.props.record.resId],
            ]);
            await this.props.record.load();
        }
    }

    async onToggleComplaint() {
        if (await this.saved()) {
            await this.orm.write("helpdesk.ticket", [this.props.record.resId], {
                csp_is_complaint: !this.state.data.is_complaint,
            });
            await this.props.record.load();
        }
    }

    async onExcuse() {
        if (await this.saved()) {
            this.action.doAction("customer_service_plan.csp_commitment_excuse_action", {
                additionalContext: {
                    active_model: "csp.commitment",
                    active_ids: this.missedIds,
                },
                onClose: () => this.props.record.load(),
            });
        }
    }

    onOpenPolicy() {
        this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "csp.policy.version",
            res_id: this.state.data.policy_version,
            views: [[false, "form"]],
        });
    }
}

registry.category("view_widgets").add("csp_service_panel", {component: ServicePanel});
