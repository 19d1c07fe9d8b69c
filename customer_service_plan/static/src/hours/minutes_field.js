import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {localization} from "@web/core/l10n/localization";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useInputField} from "@web/views/fields/input_field_hook";

const DAY = 1440;

/**
 * @param {Number} minutes since midnight, up to the end of the next day
 * @returns {String} such as "17:00" or "5:00 PM", and "06:00 +1" on the next day
 */
export function formatMinutes(minutes) {
    const nextDay = minutes > DAY;
    const shown = nextDay ? minutes - DAY : minutes;
    const hours = Math.floor(shown / 60);
    const rest = String(shown % 60).padStart(2, "0");
    const later = nextDay ? " +1" : "";
    // Luxon's format of the user's language: "a" is AM or PM.
    if (/a/i.test(localization.timeFormat || "")) {
        const half = Math.floor(hours / 12) % 2 ? "PM" : "AM";
        return `${hours % 12 || 12}:${rest} ${half}${later}`;
    }
    return `${String(hours).padStart(2, "0")}:${rest}${later}`;
}

/**
 * @param {String} text such as "9", "930", "9:30", "9.30", "9:30 pm" or "06:00 +1"
 * @returns {Number} minutes since midnight
 */
export function parseMinutes(text) {
    const match = text
        .trim()
        .toLowerCase()
        .match(
            /^(\d{1,2})(?:\s*[:.,h]?\s*(\d{2}))?\s*([ap])?\.?(?:m\.?)?\s*(\+\s*1)?$/
        );
    if (!match) {
        throw new Error(`Not a time: ${text}`);
    }
    let hours = Number(match[1]);
    const minutes = Number(match[2] || 0);
    if (match[3]) {
        hours = (hours % 12) + (match[3] === "p" ? 12 : 0);
    }
    const result = hours * 60 + minutes + (match[4] ? DAY : 0);
    if (minutes > 59 || result > 2 * DAY) {
        throw new Error(`Not a time: ${text}`);
    }
    return result;
}

/** A time of day kept as whole minutes since midnight. */
export class MinutesField extends Component {
    static template = "customer_service_plan.MinutesField";
    static props = {...standardFieldProps};

    setup() {
        useInputField({
            getValue: () => this.formattedValue,
            parse: parseMinutes,
        });
    }

    get formattedValue() {
        return formatMinutes(this.props.record.data[this.props.name] || 0);
    }
}

export const minutesField = {
    component: MinutesField,
    displayName: _t("Time of Day"),
    supportedTypes: ["integer"],
    isEmpty: () => false,
};

registry.category("fields").add("csp_minutes", minutesField);
