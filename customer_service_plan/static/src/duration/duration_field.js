import {Component} from "@odoo/owl";
import {formatSeconds, parseDuration} from "./duration";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useInputField} from "@web/views/fields/input_field_hook";

/** A duration kept as whole minutes: entered as hours:minutes, read as “2 h 10 min”. */
export class DurationField extends Component {
    static template = "customer_service_plan.DurationField";
    static props = {...standardFieldProps, placeholder: {type: String, optional: true}};

    setup() {
        useInputField({
            getValue: () => this.formattedValue,
            parse: parseDuration,
        });
    }

    get formattedValue() {
        const minutes = this.props.record.data[this.props.name];
        return minutes ? formatSeconds(minutes * 60) : "";
    }
}

export const durationField = {
    component: DurationField,
    displayName: _t("Duration (minutes)"),
    supportedTypes: ["integer"],
    isEmpty: (record, name) => !record.data[name],
    extractProps: ({attrs, placeholder}) => ({
        placeholder: placeholder || attrs.placeholder,
    }),
};

/** A measured duration in seconds, only read. */
export class SecondsField extends Component {
    static template = "customer_service_plan.SecondsField";
    static props = {...standardFieldProps};

    get formattedValue() {
        const seconds = this.props.record.data[this.props.name];
        return seconds ? formatSeconds(seconds) : "";
    }
}

export const secondsField = {
    component: SecondsField,
    displayName: _t("Duration (seconds)"),
    supportedTypes: ["integer"],
    isEmpty: (record, name) => !record.data[name],
};

registry.category("fields").add("csp_duration", durationField);
registry.category("fields").add("csp_seconds", secondsField);

// For totals of lists and cells of pivots.
const formatters = registry.category("formatters");
formatters.add("csp_duration", (value) => (value ? formatSeconds(value * 60) : ""));
formatters.add("csp_seconds", (value) => (value ? formatSeconds(value) : ""));
