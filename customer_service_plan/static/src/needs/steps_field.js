import {SCALES, STEPS, stepLabel} from "./steps";
import {
    SelectionField,
    selectionField,
} from "@web/views/fields/selection/selection_field";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";

/** A step from 1 to 5, chosen by its words; 0, if allowed, is said in words, too. */
export class StepsField extends SelectionField {
    static template = "customer_service_plan.StepsField";
    static props = {...SelectionField.props, scale: String};

    get options() {
        const steps = this.props.required ? STEPS : [...STEPS, 0];
        return steps.map((step) => [step, this.label(step)]);
    }

    get value() {
        return this.props.record.data[this.props.name] || 0;
    }

    get string() {
        return this.label(this.value);
    }

    get bars() {
        return STEPS.map((step) => ({step, filled: step <= this.value}));
    }

    label(step) {
        if (!step) {
            return _t("Not known yet").toString();
        }
        const words = stepLabel(this.props.scale, step);
        return _t("%(step)s – %(words)s", {step, words}).toString();
    }

    onChange(value) {
        this.props.record.update(
            {[this.props.name]: value},
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
