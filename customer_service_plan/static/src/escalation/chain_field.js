import {Chain, formatClosed, formatStep} from "./chain";
import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

const ICONS = {received: "fa-envelope-o", deadline: "fa-flag"};

/** The steps of an escalation list on an example, while the list is being written. */
export class ChainField extends Component {
    static template = "customer_service_plan.ChainField";
    static components = {Chain};
    static props = {...standardFieldProps};

    get example() {
        return this.props.record.data[this.props.name] || {rows: []};
    }

    get label() {
        return _t("Steps on an example, in the order of time");
    }

    get hasSteps() {
        return this.example.rows.some((row) => row.kind === "step");
    }

    get rows() {
        const {rows, tz, start, deadline} = this.example;
        return rows.map((row) => {
            const isLate = row.kind === "step" && !row.early;
            let tone = "plain";
            if (row.kind === "deadline") {
                tone = "deadline";
            } else if (row.kind === "step") {
                tone = row.early ? "early" : "late";
            }
            let badge = "";
            if (row.kind === "step" && deadline) {
                badge = isLate ? _t("late") : _t("in time");
            }
            return {
                kind: row.kind,
                tone,
                badge,
                badgeClass: isLate ? "text-bg-danger" : "text-bg-light border",
                icon: ICONS[row.kind],
                number: row.sequence,
                time: formatStep(row.at, tz, start),
                title: row.label,
                what: row.what,
                who: row.who,
                closed: formatClosed(row.closed, tz, start),
            };
        });
    }
}

registry.category("fields").add("csp_chain", {
    component: ChainField,
    displayName: _t("Chain of steps on an example"),
    supportedTypes: ["json"],
    isEmpty: () => false,
});
