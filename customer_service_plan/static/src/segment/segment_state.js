import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

/** Whether a segment needs a look: its rules cannot be used, or it is being sorted. */
export class SegmentState extends Component {
    static template = "customer_service_plan.SegmentState";
    static props = {...standardFieldProps};

    get isBroken() {
        return this.props.record.data[this.props.name];
    }

    get text() {
        const {is_pending: isPending, progress} = this.props.record.data;
        if (this.isBroken) {
            return _t("Cannot be used");
        }
        return isPending ? _t("Being sorted, %s %%", progress || 0) : "";
    }
}

registry.category("fields").add("csp_segment_state", {
    component: SegmentState,
    displayName: _t("State of a segment"),
    supportedTypes: ["boolean"],
    isEmpty: () => false,
    fieldDependencies: [
        {name: "is_pending", type: "boolean"},
        {name: "progress", type: "integer"},
    ],
});
