import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {formatSeconds} from "../duration/duration";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

/* The picture is drawn in these units and stretched to the width there is. */
const WIDTH = 600;
const HEIGHT = 90;
const GAP = 2;
/* A bar that stands for any case at all is to be seen. */
const LOWEST = 2;

/**
 * How long past cases took: bars, with the target, the median and the ninth tenth.
 *
 * Bars up to the target are in time. The last one stands for all that took longer than
 * the picture reaches. Texts stand below, in HTML, so that they never shrink.
 */
export class DistributionField extends Component {
    static template = "customer_service_plan.Distribution";
    static props = {...standardFieldProps};

    viewBox = `0 0 ${WIDTH} ${HEIGHT}`;
    width = WIDTH;
    height = HEIGHT;

    get data() {
        return this.props.record.data[this.props.name] || {};
    }

    get total() {
        const {counts = [], beyond = 0} = this.data;
        return counts.reduce((sum, count) => sum + count, beyond);
    }

    get bars() {
        const {counts, beyond, width, target} = this.data;
        const all = beyond ? [...counts, beyond] : counts;
        const highest = Math.max(...all);
        const step = this.step;
        return all.map((count, index) => {
            const isBeyond = index >= counts.length;
            const height = count
                ? Math.max(LOWEST, (count / highest) * (HEIGHT - LOWEST))
                : 0;
            return {
                key: index,
                x: index * step + (isBeyond ? 2 * GAP : 0),
                y: HEIGHT - height,
                width: step - GAP,
                height,
                late: isBeyond || (index + 1) * width > target * 1.0001,
                title: this.describe(index, count),
            };
        });
    }

    get step() {
        const {counts, beyond} = this.data;
        return (WIDTH - 2 * GAP) / (counts.length + (beyond ? 1 : 0));
    }

    describe(index, count) {
        const {counts, width} = this.data;
        const from = formatSeconds(index * width);
        if (index >= counts.length) {
            return _t("%(count)s took longer than %(from)s, or are late and open", {
                count,
                from,
            });
        }
        return _t("%(count)s took %(from)s to %(to)s", {
            count,
            from,
            to: formatSeconds((index + 1) * width),
        });
    }

    /**
     * Where a time stands in the picture.
     *
     * @param {Number} seconds
     * @returns {Number}
     */
    place(seconds) {
        const {counts, width} = this.data;
        const reach = counts.length * width;
        return seconds > reach
            ? WIDTH - this.step / 2
            : (seconds / width) * this.step - GAP / 2;
    }

    get marks() {
        const {target, median, p90} = this.data;
        return [
            {key: "target", seconds: target, label: _t("promised")},
            {key: "median", seconds: median, label: _t("half")},
            {key: "p90", seconds: p90, label: _t("90 %")},
        ]
            .filter(({seconds}) => seconds !== null && seconds !== undefined)
            .map((mark) => ({
                ...mark,
                x: Math.min(WIDTH - 1, Math.max(1, this.place(mark.seconds))),
                text: formatSeconds(Math.max(1, Math.ceil(mark.seconds / 60)) * 60),
            }));
    }

    get reach() {
        const {counts, width} = this.data;
        return formatSeconds(counts.length * width);
    }

    get description() {
        const words = this.marks.map(({label, text}) => `${label}: ${text}`);
        const bars = this.bars.filter((bar) => bar.height).map((bar) => bar.title);
        return [_t("How long %s cases took.", this.total), ...words, ...bars].join(
            "; "
        );
    }
}

registry.category("fields").add("csp_distribution", {
    component: DistributionField,
    displayName: _t("How long past cases took"),
    supportedTypes: ["json"],
});
