import {IntegerField, integerField} from "@web/views/fields/integer/integer_field";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";

/** A year: without separators, and empty where it is not known. */
export class YearField extends IntegerField {
    static template = "customer_service_plan.YearField";
    static props = {...IntegerField.props, placeholder: {type: String, optional: true}};

    get formattedValue() {
        return this.value ? String(this.value) : "";
    }
}

export const yearField = {
    ...integerField,
    component: YearField,
    displayName: _t("Year"),
    isEmpty: (record, fieldName) => !record.data[fieldName],
    extractProps: ({placeholder}) => ({placeholder}),
};

registry.category("fields").add("csp_year", yearField);
