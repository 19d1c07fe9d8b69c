import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";

const {DateTime} = luxon;
const DAYS_OF_A_WEEK = 7;

/**
 * A moment as it is said of a chain of steps: “Mon 16:30”; from a week after `start` on,
 * and before it, with the date.
 *
 * @param {Number} seconds UTC epoch seconds
 * @param {String} zone
 * @param {Number} start UTC epoch seconds
 * @returns {String}
 */
export function formatStep(seconds, zone, start) {
    const options = zone ? {zone} : {};
    const moment = DateTime.fromSeconds(seconds, options);
    const first = DateTime.fromSeconds(start, options).startOf("day");
    const days = Math.round(moment.startOf("day").diff(first, "days").days);
    const time = moment.toLocaleString(DateTime.TIME_SIMPLE);
    const format =
        days >= 0 && days < DAYS_OF_A_WEEK
            ? {weekday: "short"}
            : {weekday: "short", day: "numeric", month: "short"};
    return `${moment.toLocaleString(format)} ${time}`;
}

/**
 * What to say of the time in between when nobody is there.
 *
 * @param {Array} spans pairs of begin and end, epoch seconds
 * @param {String} zone
 * @param {Number} start
 * @returns {String}
 */
export function formatClosed(spans, zone, start) {
    if (!spans || !spans.length) {
        return "";
    }
    const values = {
        from: formatStep(spans[0][0], zone, start),
        until: formatStep(spans[0][1], zone, start),
        more: spans.length - 1,
    };
    switch (spans.length) {
        case 1:
            return _t("closed %(from)s – %(until)s", values);
        case 2:
            return _t("closed %(from)s – %(until)s, and once more", values);
    }
    return _t("closed %(from)s – %(until)s, and %(more)s times more", values);
}

/** Steps in their order, as a line from top to bottom with the deadline on it. */
export class Chain extends Component {
    static template = "customer_service_plan.Chain";
    static props = {rows: Array, label: {type: String, optional: true}};
}
