import {DomainField, domainField} from "@web/views/fields/domain/domain_field";
import {DomainSelector} from "@web/core/domain_selector/domain_selector";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";

class ConditionsSelector extends DomainSelector {
    // Archived customers are in no segment, whatever is asked for.
    getShowArchivedCheckBox() {
        return false;
    }
}

/** Odoo's domain editor, which is out of the way until there is a condition. */
export class ConditionsField extends DomainField {
    static template = "customer_service_plan.ConditionsField";
    static components = {DomainSelector: ConditionsSelector};

    get asksNothing() {
        return this.getDomain().replace(/\s/g, "") === "[]";
    }

    /** The server says whether it can be used, and for how many customers it holds. */
    checkProps() {
        this.updateState({isValid: true});
    }
}

registry.category("fields").add("csp_conditions", {
    ...domainField,
    component: ConditionsField,
    displayName: _t("Conditions, if any"),
});
