import {SCALES, STEPS, stepLabel} from "./steps";
import {
    SelectionField,
    selectionField,
} from "@web/views/fields/selection/selection_field";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";

/** A step from 1 to 5, chosen by its words; 0 is empty. */
export class StepsField extends SelectionField {
    static template = "customer_service_plan.StepsField";
    static props = {...SelectionField.props, scale: String};

    get options() {
        return STEPS.map((step) => [step, this.label(step)]);
    }

    get step() {
        return this.props.record.data[this.props.name] || 0;
    }

    // An empty choice is shown by its placeholder only if there is no value at all.
    get value() {
        return this.step || null;
    }

    get string() {
        return this.step ? this.label(this.step) : this.emptyLabel;
    }

    get emptyLabel() {
        return this.props.required ? "" : _t("Not known yet");
    }

    get bars() {
        return STEPS.map((step) => ({step, filled: step <= this.step}));
    }

    label(step) {
        return _t("%(step)s – %(words)s", {
            step,
            words: stepLabel(this.props.scale, step),
        });
    }

    onChange(value) {
        this.props.record.update(
            {[this.props.name]: value ?? 0},
            {save: this.props.autosave}
        );
    }
}

export const stepsField = {
    ...selectionField,
    component: StepsField,
    displayName: _t("Steps from 1 to 5"),
    supportedTypes: ["integer"],
    supportedOptions: [
        {
            label: _t("Scale"),
            name: "scale",
            type: "selection",
            choices: SCALES.map((scale) => ({label: scale, value: scale})),
        },
    ],
    isEmpty: () => false,
    extractProps({options}) {
        return {...selectionField.extractProps(...arguments), scale: options.scale};
    },
};

registry.category("fields").add("csp_steps", stepsField);
