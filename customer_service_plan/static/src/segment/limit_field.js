import {IntegerField, integerField} from "@web/views/fields/integer/integer_field";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";

/** A whole number that is left empty where there is no limit: 0 is not shown. */
export class LimitField extends IntegerField {
    get formattedValue() {
        return this.value ? super.formattedValue : "";
    }
}

registry.category("fields").add("csp_limit", {
    ...integerField,
    component: LimitField,
    displayName: _t("Limit, empty if none"),
    isEmpty: (record, name) => !record.data[name],
});
