import {Component} from "@odoo/owl";
import {ReadonlyDialog} from "../dialog/readonly_dialog";
import {_t} from "@web/core/l10n/translation";
import {formatInteger} from "@web/views/fields/formatters";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useService} from "@web/core/utils/hooks";

/** Who fits the rules of a segment at this moment, while they are being written. */
export class SegmentPreview extends Component {
    static template = "customer_service_plan.SegmentPreview";
    static props = {...standardFieldProps, isBrief: {type: Boolean, optional: true}};

    setup() {
        this.dialog = useService("dialog");
    }

    get data() {
        return this.props.record.data[this.props.name] || null;
    }

    get count() {
        const count = formatInteger(this.data.count || 0);
        return this.data.capped ? _t("more than %s", count) : count;
    }

    get label() {
        return this.data.by_hand
            ? _t("Customers put in by hand")
            : _t("Customers who fit now");
    }

    /** Nothing is said of a segment that has neither rules nor customers. */
    get isTold() {
        return this.data && (this.data.error || this.data.count || !this.data.by_hand);
    }

    get sample() {
        return this.data.sample || [];
    }

    get more() {
        const hidden = (this.data.count || 0) - this.sample.length;
        return hidden > 0 && !this.data.capped
            ? _t("and %s more", formatInteger(hidden))
            : "";
    }

    get overlaps() {
        return (this.data.overlaps || []).map((overlap) => {
            const share = Math.round(overlap.share);
            const percent = overlap.count && share < 1 ? "< 1" : share;
            return {
                ...overlap,
                width: Math.min(100, Math.max(1, share)),
                text: `${formatInteger(overlap.count)} (${percent} %)`,
            };
        });
    }

    /** In a dialog, so that rules that are not saved yet stay as they are. */
    onOpen(customer) {
        this.dialog.add(ReadonlyDialog, {
            resModel: "res.partner",
            resId: customer.id,
            title: customer.name,
        });
    }
}

registry.category("fields").add("csp_segment_preview", {
    component: SegmentPreview,
    displayName: _t("Who fits the rules"),
    supportedTypes: ["json"],
    isEmpty: () => false,
    extractProps: ({options}) => ({isBrief: Boolean(options.brief)}),
});
