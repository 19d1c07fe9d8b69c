import {formatMoment, useMinutes} from "./moment";
import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {formatSecondsShort} from "../duration/duration";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

const {DateTime} = luxon;

/** What is due next on a ticket, as a badge: red late, amber soon, plain in time. */
export class DueField extends Component {
    static template = "customer_service_plan.DueField";
    static props = {...standardFieldProps};

    setup() {
        this.minutes = useMinutes();
    }

    get due() {
        const data = this.props.record.data;
        const deadline = data[this.props.name];
        if (!deadline) {
            return this.undue(data);
        }
        const now = DateTime.fromMillis(this.minutes.now);
        const moment = formatMoment(deadline, now);
        const kind = this.label("csp_next_kind");
        if (deadline < now) {
            const late = data.csp_late_seconds;
            // Not `class`: after that word the export of terms passes over the next one.
            return {
                look: "text-bg-danger",
                text: late ? _t("late %s", formatSecondsShort(late)) : _t("late"),
                title: _t("%(kind)s: was due %(moment)s", {kind, moment}),
            };
        }
        return {
            look: data.csp_is_at_risk ? "text-bg-warning" : "o_csp_due_plain",
            text: moment,
            title: _t("%(kind)s: due %(moment)s", {kind, moment}),
        };
    }

    undue(data) {
        if (data.csp_waiting_on === "customer") {
            return {look: "o_csp_due_waiting", text: _t("waits for customer")};
        }
        if (data.csp_waiting_on === "third_party") {
            return {look: "o_csp_due_waiting", text: _t("waits for third party")};
        }
        return null;
    }

    label(name) {
        const {data, fields} = this.props.record;
        const option = fields[name].selection.find(([value]) => value === data[name]);
        return option ? option[1] : "";
    }
}

export const dueField = {
    component: DueField,
    displayName: _t("Due"),
    supportedTypes: ["datetime"],
    isEmpty: () => false,
    listViewWidth: [110, 180],
    fieldDependencies: [
        {name: "csp_next_kind", type: "selection"},
        {name: "csp_waiting_on", type: "selection"},
        {name: "csp_is_at_risk", type: "boolean"},
        {name: "csp_late_seconds", type: "integer"},
    ],
};

registry.category("fields").add("csp_due", dueField);
