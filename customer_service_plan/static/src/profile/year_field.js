import {IntegerField, integerField} from "@web/views/fields/integer/integer_field";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";

/** A year: without separators, and empty where it is not known. */
export class YearField extends IntegerField {
    get formattedValue() {
        return this.value ? String(this.value) : "";
    }
}

export const yearField = {
    ...integerField,
    component: YearField,
    displayName: _t("Year"),
    isEmpty: (record, fieldName) => !record.data[fieldName],
};

registry.category("fields").add("csp_year", yearField);
