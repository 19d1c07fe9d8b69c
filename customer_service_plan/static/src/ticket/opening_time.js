/**
 * Counting in opening time. Moments are UTC epoch seconds; the spans of an hours table
 * are sorted pairs of start and end, and `null` stands for day and night.
 */

/**
 * @param {Array|null} spans
 * @param {Number} from
 * @param {Number} to
 * @returns {Number} open seconds in between, 0 when `to` is not after `from`
 */
export function openSeconds(spans, from, to) {
    if (to <= from) {
        return 0;
    }
    if (!spans) {
        return to - from;
    }
    let total = 0;
    for (const [start, end] of spans) {
        total += Math.max(0, Math.min(end, to) - Math.max(start, from));
    }
    return total;
}

/**
 * @param {Array|null} spans
 * @param {Number} at
 * @returns {Boolean}
 */
export function isOpen(spans, at) {
    return !spans || spans.some(([start, end]) => start <= at && at < end);
}

/**
 * @param {Array} spans
 * @param {Number} at
 * @returns {Number|undefined} the next opening after a moment at which it is closed
 */
export function nextOpening(spans, at) {
    const next = spans.find(([start]) => start > at);
    return next && next[0];
}

/** A promise in the last quarter of its time is at risk; see `csp_is_at_risk`. */
export const RISK_SHARE = 4;

/**
 * How a promise stands at a moment.
 *
 * @param {Object} promise as `csp_panel_data` sends it
 * @param {Array|null} spans open spans of its hours from `since` on
 * @param {Number} since when `promise.used` was measured
 * @param {Number} at
 * @returns {Object} `phase` (kept, excused, missed, cancelled, paused, never, late,
 *      risk, running), `left` opening seconds (negative: late) and `closed`: whether
 *      the clock stands still since nobody is there
 */
export function standing(promise, spans, since, at) {
    const used =
        promise.used +
        (promise.runs ? openSeconds(spans, since, Math.max(at, since)) : 0);
    const left = promise.target - used;
    const closed = promise.runs && !isOpen(spans, at);
    const told = (phase) => ({phase, left, closed});
    if (promise.ended_at) {
        if (promise.state === "met") {
            return told("kept");
        }
        return told(promise.state);
    }
    if (promise.state === "cancelled") {
        return told("cancelled");
    }
    if (promise.state === "missed" || promise.state === "excused") {
        return told("late");
    }
    if (promise.state === "paused") {
        return told("paused");
    }
    if (promise.never_due) {
        return told("never");
    }
    if (left < 0) {
        return told("late");
    }
    return told(left * RISK_SHARE < promise.target ? "risk" : "running");
}
