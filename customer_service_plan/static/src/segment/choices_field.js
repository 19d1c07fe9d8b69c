import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useSpecialData} from "@web/views/fields/relational_utils";

const SEPARATOR = ",";

/**
 * Some of a few values, kept as text: "low,high".
 *
 * The values and their labels are those of a selection field, named by the options
 * `model` and `field`, or given as pairs by the option `choices`. Whatever the order of
 * the clicks, the text follows the order of the choices.
 */
export class ChoicesField extends Component {
    static template = "customer_service_plan.ChoicesField";
    static props = {
        ...standardFieldProps,
        choices: {type: Array, optional: true},
        selectionModel: {type: String, optional: true},
        selectionField: {type: String, optional: true},
    };

    setup() {
        this.special = useSpecialData(async (orm, props) => {
            if (props.choices) {
                return props.choices;
            }
            const {selectionModel, selectionField} = props;
            const found = await orm.call(selectionModel, "fields_get", [
                [selectionField],
                ["selection"],
            ]);
            return found[selectionField]?.selection || [];
        });
    }

    get chosen() {
        const text = this.props.record.data[this.props.name] || "";
        return text
            .split(SEPARATOR)
            .map((value) => value.trim())
            .filter(Boolean);
    }

    get choices() {
        const {chosen} = this;
        const known = Array.isArray(this.special.data) ? this.special.data : [];
        const values = known.map(([value]) => value);
        // What is not among the choices any more can at least be taken away.
        const unknown = chosen.filter((value) => !values.includes(value));
        return [...known, ...unknown.map((value) => [value, value])].map(
            ([value, label]) => ({value, label, chosen: chosen.includes(value)})
        );
    }

    get labels() {
        return this.choices
            .filter((choice) => choice.chosen)
            .map((choice) => choice.label);
    }

    get name() {
        return this.props.record.fields[this.props.name].string;
    }

    idOf(choice) {
        return `${this.props.id || this.props.name}_${choice.value}`;
    }

    toggle(value) {
        const chosen = this.choices.filter(
            (choice) => choice.chosen !== (choice.value === value)
        );
        const text = chosen.map((choice) => choice.value).join(SEPARATOR);
        return this.props.record.update({[this.props.name]: text || false});
    }
}

registry.category("fields").add("csp_choices", {
    component: ChoicesField,
    displayName: _t("Some of a few values"),
    supportedTypes: ["char"],
    isEmpty: (record, name) => !record.data[name],
    extractProps: ({options}) => ({
        choices: options.choices,
        selectionModel: options.model,
        selectionField: options.field,
    }),
});
