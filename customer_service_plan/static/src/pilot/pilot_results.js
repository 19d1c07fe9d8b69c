import {Component, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useRecordObserver} from "@web/model/relational_model/utils";
import {useService} from "@web/core/utils/hooks";

const ICONS = {
    reached: "fa-check-circle text-success",
    not_reached: "fa-times-circle text-danger",
    too_few: "fa-question-circle text-muted",
};
/** The picture begins at a whole multiple of so many per cent. */
const STEP = 10;

/**
 * The part of 0 to 100 per cent that a picture of these figures shows.
 *
 * @param {Array} percents
 * @returns {Object} from, to
 */
export function getScale(percents) {
    const from = Math.floor(Math.min(...percents) / STEP) * STEP;
    return {from: Math.max(0, Math.min(from, 100 - 2 * STEP)), to: 100};
}

/**
 * Where a figure stands on the scale, in per cent of its width.
 *
 * @param {Number} percent
 * @param {Object} scale
 * @returns {Number}
 */
export function getPlace(percent, {from, to}) {
    const place = (100 * (percent - from)) / (to - from);
    return Math.min(100, Math.max(0, place));
}

/**
 * Results of a trial: on its own form, or in the dialog in which it is decided on, where
 * the record has a `pilot_id`. Measured when opened, since it takes a look at all tickets.
 */
export class PilotResults extends Component {
    static template = "customer_service_plan.PilotResults";
    static props = {...standardWidgetProps, isBrief: {type: Boolean, optional: true}};

    setup() {
        this.orm = useService("orm");
        this.state = useState({results: null, isLoading: true});
        this.columns = {
            trial: _t("Trial"),
            others: _t("Others"),
            difference: _t("Difference"),
        };
        useRecordObserver((record) => this.follow(record));
    }

    /** The trial is measured anew when another one is shown, or when it moved on. */
    async follow(record) {
        const ofDialog = record.data.pilot_id;
        const id = record.resModel === "csp.pilot" ? record.resId : ofDialog?.id;
        const shown = `${id}/${record.data.state}`;
        if (shown === this.shown) {
            return;
        }
        this.shown = shown;
        const results =
            id && (await this.orm.call("csp.pilot", "csp_results_data", [id]));
        if (shown === this.shown) {
            Object.assign(this.state, {results: results || null, isLoading: false});
        }
    }

    get results() {
        return this.state.results;
    }

    getIcon(criterion) {
        return ICONS[criterion.verdict];
    }

    /** Both shares with the bounds of the real ones; null where one has no case. */
    getPicture(kind) {
        const sides = [kind.trial, kind.others];
        if (sides.some((side) => !side.cases)) {
            return null;
        }
        const asked = kind.threshold ? [kind.threshold] : [];
        const scale = getScale([...sides.map((side) => side.low), ...asked]);
        return {
            ...scale,
            asked: kind.threshold ? getPlace(kind.threshold, scale) : null,
            bars: ["trial", "others"].map((name) => {
                const left = getPlace(kind[name].low, scale);
                return {
                    name,
                    label: this.columns[name],
                    left,
                    width: getPlace(kind[name].high, scale) - left,
                    place: getPlace(kind[name].percent, scale),
                };
            }),
        };
    }
}

registry.category("view_widgets").add("csp_pilot_results", {
    component: PilotResults,
    extractProps: ({options}) => ({isBrief: Boolean(options.brief)}),
});
