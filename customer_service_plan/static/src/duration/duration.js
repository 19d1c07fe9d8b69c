import {_t} from "@web/core/l10n/translation";

const MINUTE = 60;
const HOUR = 3600;

/**
 * A duration for people: “45 min”, “4 h”, “2 h 10 min”; in the last minutes, with
 * `exact`, also “4 min 12 s”. Parts of a minute are left out otherwise.
 *
 * @param {Number} seconds
 * @param {Boolean} [exact]
 * @returns {String}
 */
export function formatSeconds(seconds, exact = false) {
    const whole = Math.max(0, Math.floor(seconds));
    const hours = Math.floor(whole / HOUR);
    const minutes = Math.floor((whole % HOUR) / MINUTE);
    if (exact && whole < 5 * MINUTE) {
        const rest = whole % MINUTE;
        return minutes
            ? _t("%(minutes)s min %(seconds)s s", {minutes, seconds: rest})
            : _t("%s s", rest);
    }
    if (!hours) {
        return _t("%s min", minutes);
    }
    return minutes
        ? _t("%(hours)s h %(minutes)s min", {hours, minutes})
        : _t("%s h", hours);
}

/**
 * The largest part of a duration, for narrow places: “45 min”, “2 h”, “40 h”.
 *
 * @param {Number} seconds
 * @returns {String}
 */
export function formatSecondsShort(seconds) {
    return seconds < HOUR
        ? formatSeconds(seconds)
        : _t("%s h", Math.floor(seconds / HOUR));
}

/**
 * The units as they are written in the user's language, for what he types back.
 *
 * @returns {Array} pairs of a word and the unit it stands for, the longer word first
 */
function getUnits() {
    return [
        [_t("%s h", ""), " h "],
        [_t("%s min", ""), " min "],
    ]
        .map(([word, unit]) => [word.toString().trim().toLowerCase(), unit])
        .filter(([word]) => word)
        .sort(([one], [other]) => other.length - one.length);
}

/**
 * @param {String} text such as "4:30", "4 h", "4h30", "2 h 10 min", "15 min", "90m"; a
 *      bare number is hours, as everywhere in Odoo;
 *      units of the user's language are understood, too
 * @returns {Number} minutes
 */
export function parseDuration(text) {
    let value = text.trim().toLowerCase();
    for (const [word, unit] of getUnits()) {
        value = value.replace(word, unit);
    }
    value = value.replace(",", ".").replace(/\s+/g, " ").trim();
    if (!value) {
        return 0;
    }
    let match = value.match(/^(\d+):([0-5]?\d)$/);
    if (match) {
        return Number(match[1]) * 60 + Number(match[2]);
    }
    match = value.match(/^(\d+(?:\.\d+)?)$/);
    if (match) {
        return Math.round(Number(match[1]) * 60);
    }
    match = value.match(
        /^(?:(\d+(?:\.\d+)?)\s*h(?:ours?|rs?|\.)?)?\s*(?:(\d+)\s*(?:m(?:in(?:utes?)?)?\.?)?)?$/
    );
    if (!match || (!match[1] && !match[2])) {
        throw new Error(`Not a duration: ${text}`);
    }
    return Math.round(Number(match[1] || 0) * 60) + Number(match[2] || 0);
}
