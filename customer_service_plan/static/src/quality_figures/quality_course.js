import {getPlace, getScale} from "../pilot/pilot_results";
import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";

const {DateTime} = luxon;

/* The picture is drawn in these units and stretched to the room there is. */
const WIDTH = 1000;
const HEIGHT = 100;
/* More names of weeks or months than this would stand on each other. */
const LABELS = 12;
const LABELS_SMALL = 4;

/**
 * Points that follow each other without a gap, in which too few reviews were done.
 *
 * @param {Array} points
 * @returns {Array} of arrays
 */
export function getRuns(points) {
    const runs = [];
    let run = null;
    for (const point of points) {
        if (point.few) {
            run = null;
        } else if (run) {
            run.push(point);
        } else {
            run = [point];
            runs.push(run);
        }
    }
    return runs;
}

/** The score by week or by month, with the bounds of each. */
export class QualityCourse extends Component {
    static template = "customer_service_plan.QualityCourse";
    static props = {
        // {from, count, few, mean, low, high}
        points: Array,
        step: String,
        onOpen: Function,
    };

    viewBox = `0 0 ${WIDTH} ${HEIGHT}`;

    get scale() {
        const told = this.props.points.filter((point) => !point.few);
        return getScale(told.map((point) => point.low));
    }

    get points() {
        const {points} = this.props;
        const scale = this.scale;
        const labels = this.env.isSmall ? LABELS_SMALL : LABELS;
        const every = Math.ceil(points.length / labels);
        return points.map((point, index) => ({
            ...point,
            label: index % every ? "" : this.format(point.from, true),
            title: this.describe(point),
            left: (100 * (index + 0.5)) / points.length,
            bottom: point.few ? 0 : getPlace(point.mean, scale),
        }));
    }

    get isTold() {
        return this.props.points.some((point) => !point.few);
    }

    /** Lines and bands, broken where too few reviews were done. */
    get shapes() {
        const {points} = this.props;
        const scale = this.scale;
        const places = points.map((point, index) => ({
            few: point.few,
            x: (WIDTH * (index + 0.5)) / points.length,
            mean: HEIGHT - (HEIGHT * getPlace(point.mean, scale)) / 100,
            low: HEIGHT - (HEIGHT * getPlace(point.low, scale)) / 100,
            high: HEIGHT - (HEIGHT * getPlace(point.high, scale)) / 100,
        }));
        const join = (run, name) => run.map((at) => `${at.x},${at[name]}`);
        // A week alone has a band as wide as its dot.
        const widen = ([at]) => [
            {...at, x: at.x - 4},
            {...at, x: at.x + 4},
        ];
        return getRuns(places).map((run) => {
            const band = run.length > 1 ? run : widen(run);
            return {
                key: run[0].x,
                line: join(run, "mean").join(" "),
                band: [...join(band, "high"), ...join(band, "low").reverse()].join(" "),
            };
        });
    }

    format(day, isShort) {
        const date = DateTime.fromISO(day);
        if (this.props.step === "month") {
            return date.toLocaleString({
                month: isShort ? "short" : "long",
                year: isShort ? "2-digit" : "numeric",
            });
        }
        return date.toLocaleString({day: "numeric", month: isShort ? "short" : "long"});
    }

    describe(point) {
        const when =
            this.props.step === "month"
                ? this.format(point.from)
                : _t("Week from %s", this.format(point.from));
        if (point.few) {
            return _t("%(when)s: too few to tell, reviews: %(count)s", {
                when,
                count: point.count,
            });
        }
        return _t(
            "%(when)s: %(mean)s per cent, between %(low)s and %(high)s, reviews: %(count)s",
            {
                when,
                mean: Math.round(point.mean),
                low: Math.round(point.low),
                high: Math.round(point.high),
                count: point.count,
            }
        );
    }
}
