import {DomainField, domainField} from "@web/views/fields/domain/domain_field";
import {DomainSelector} from "@web/core/domain_selector/domain_selector";
import {_t} from "@web/core/l10n/translation";
import {condition} from "@web/core/tree_editor/condition_tree";
import {registry} from "@web/core/registry";

const FIRST_CONDITION = '[("category_id", "!=", False)]';

class ConditionsSelector extends DomainSelector {
    // Archived customers are in no segment, whatever is asked for.
    getShowArchivedCheckBox() {
        return false;
    }

    // Odoo's own asks for no country at all, which nobody fits.
    getDefaultCondition() {
        return condition("category_id", "!=", false);
    }
}

/** Odoo's domain editor, which is out of the way until there is a condition. */
export class ConditionsField extends DomainField {
    static template = "customer_service_plan.ConditionsField";
    static components = {DomainSelector: ConditionsSelector};

    get asksNothing() {
        return this.getDomain().replace(/\s/g, "") === "[]";
    }

    addCondition() {
        this.update(FIRST_CONDITION);
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
