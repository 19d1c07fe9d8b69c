import {X2ManyField, x2ManyField} from "@web/views/fields/x2many/x2many_field";
import {NeedsMatrix} from "./needs_matrix";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";

/** The needs of one segment: the matrix, which follows each change in the list below. */
export class NeedsField extends X2ManyField {
    static template = "customer_service_plan.NeedsField";
    static components = {...X2ManyField.components, NeedsMatrix};

    get needs() {
        return this.list.records
            .filter(({data}) => data.need_id)
            .map(({id, data}) => ({
                id,
                need: data.need_id.display_name,
                importance: data.importance,
                satisfaction: data.satisfaction || 0,
            }));
    }

    async openNeed(id) {
        await this.list.leaveEditMode();
        const record = this.list.records.find((each) => each.id === id);
        if (record) {
            this._openRecord({
                context: this.props.context,
                readonly: this.props.readonly,
                record,
                title: record.data.need_id.display_name,
            });
        }
    }
}

export const needsField = {
    ...x2ManyField,
    component: NeedsField,
    displayName: _t("Needs of a Segment"),
    supportedTypes: ["one2many"],
};

registry.category("fields").add("csp_needs", needsField);
