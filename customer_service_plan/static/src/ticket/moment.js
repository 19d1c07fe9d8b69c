import {_t} from "@web/core/l10n/translation";
import {reactive, useState} from "@odoo/owl";

const {DateTime} = luxon;

/**
 * A moment as people say it, in the user's time zone: “today 15:30”, “tomorrow 09:00”,
 * “Mon 09:00” in the coming days, else “23 Nov 09:00”.
 *
 * @param {DateTime} moment
 * @param {DateTime} [now]
 * @returns {String}
 */
export function formatMoment(moment, now = DateTime.local()) {
    const local = moment.setZone("default");
    const time = local.toLocaleString(DateTime.TIME_SIMPLE);
    const days = local.startOf("day").diff(now.startOf("day"), "days").days;
    switch (Math.round(days)) {
        case 0:
            return _t("today %s", time);
        case 1:
            return _t("tomorrow %s", time);
        case -1:
            return _t("yesterday %s", time);
    }
    if (days > 0 && days < 7) {
        return `${local.toLocaleString({weekday: "short"})} ${time}`;
    }
    const format = {day: "numeric", month: "short"};
    if (local.year !== now.year) {
        format.year = "numeric";
    }
    return `${local.toLocaleString(format)} ${time}`;
}

/**
 * @param {Number} seconds UTC epoch seconds
 * @returns {String}
 */
export function formatEpoch(seconds) {
    return formatMoment(DateTime.fromSeconds(seconds));
}

const MINUTE = 60;
const HOUR = 3600;

/**
 * How long ago something was, as long as that says more than the moment itself.
 *
 * @param {Number} seconds UTC epoch seconds
 * @param {Number} now
 * @returns {String} “just now”, “20 min ago”, “2 h ago”, else the moment
 */
export function formatAgo(seconds, now) {
    const passed = now - seconds;
    if (passed < MINUTE) {
        return _t("just now");
    }
    if (passed < HOUR) {
        return _t("%s min ago", Math.floor(passed / MINUTE));
    }
    if (passed < 12 * HOUR) {
        return _t("%s h ago", Math.floor(passed / HOUR));
    }
    return formatEpoch(seconds);
}

// One clock for all badges of a page.
const HALF_A_MINUTE = 30000;
const minutes = reactive({now: Date.now()});
let ticking = null;

/** @returns {Object} whose `now` (ms) moves on twice a minute and renders anew */
export function useMinutes() {
    ticking ??= setInterval(() => (minutes.now = Date.now()), HALF_A_MINUTE);
    // Nobody moved it on as long as nobody looked.
    if (Math.abs(Date.now() - minutes.now) > HALF_A_MINUTE) {
        minutes.now = Date.now();
    }
    return useState(minutes);
}
