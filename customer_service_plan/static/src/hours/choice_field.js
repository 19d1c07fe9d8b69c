import {
    SelectionField,
    selectionField,
} from "@web/views/fields/selection/selection_field";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";

/** A text chosen from pairs of value and label that another field of the record holds. */
export class ChoiceField extends SelectionField {
    static props = {...SelectionField.props, choicesField: String};

    get options() {
        return this.props.record.data[this.props.choicesField] || [];
    }

    get string() {
        const value = this.props.record.data[this.props.name];
        const option = this.options.find((pair) => pair[0] === value);
        return option ? option[1] : value || "";
    }

    onChange(value) {
        this.props.record.update({[this.props.name]: value ?? false});
    }
}

export const choiceField = {
    ...selectionField,
    component: ChoiceField,
    displayName: _t("Choice"),
    supportedTypes: ["char"],
    supportedOptions: [
        {
            label: _t("Field with the choices"),
            name: "choices",
            type: "field",
            availableTypes: ["json"],
        },
    ],
    extractProps({options}) {
        return {
            ...selectionField.extractProps(...arguments),
            choicesField: options.choices,
        };
    },
};

registry.category("fields").add("csp_choice", choiceField);
