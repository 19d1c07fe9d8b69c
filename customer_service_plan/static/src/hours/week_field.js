import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

const DAY = 1440;

/** The week of an hours table and its next days as bars from midnight to midnight. */
export class WeekField extends Component {
    static template = "customer_service_plan.WeekField";
    static props = {...standardFieldProps};

    setup() {
        this.marks = [0, 6, 12, 18, 24];
    }

    get picture() {
        return this.props.record.data[this.props.name] || {week: [], coming: []};
    }

    barStyle([from, to]) {
        return `left: ${(from * 100) / DAY}%; width: ${((to - from) * 100) / DAY}%;`;
    }

    markStyle(hour) {
        return `left: ${(hour * 100) / 24}%;`;
    }
}

export const weekField = {
    component: WeekField,
    displayName: _t("Week of Opening Hours"),
    supportedTypes: ["json"],
    isEmpty: () => false,
};

registry.category("fields").add("csp_week", weekField);
