import {describe, expect, test} from "@odoo/hoot";
import {
    isOpen,
    nextOpening,
    openSeconds,
    standing,
} from "@customer_service_plan/ticket/opening_time";
import {
    formatSeconds,
    formatSecondsShort,
    parseDuration,
} from "@customer_service_plan/duration/duration";
import {allowTranslations} from "@web/../tests/web_test_helpers";

describe.current.tags("headless");

const HOUR = 3600;
// Two days from nine to five.
const SPANS = [
    [9 * HOUR, 17 * HOUR],
    [33 * HOUR, 41 * HOUR],
];

const promise = (values) => ({
    kind: "first_response",
    state: "running",
    target: 4 * HOUR,
    used: 0,
    runs: true,
    ...values,
});

test("open seconds are counted inside the spans only", () => {
    expect(openSeconds(SPANS, 0, 9 * HOUR)).toBe(0);
    expect(openSeconds(SPANS, 8 * HOUR, 10 * HOUR)).toBe(HOUR);
    expect(openSeconds(SPANS, 16 * HOUR, 34 * HOUR)).toBe(2 * HOUR);
    expect(openSeconds(SPANS, 10 * HOUR, 10 * HOUR)).toBe(0);
    expect(openSeconds(SPANS, 11 * HOUR, 10 * HOUR)).toBe(0);
    expect(openSeconds(null, 5, 9)).toBe(4);
});

test("a span includes its start and not its end", () => {
    expect(isOpen(SPANS, 9 * HOUR)).toBe(true);
    expect(isOpen(SPANS, 17 * HOUR)).toBe(false);
    expect(isOpen(null, 3)).toBe(true);
    expect(nextOpening(SPANS, 17 * HOUR)).toBe(33 * HOUR);
    expect(nextOpening(SPANS, 50 * HOUR)).toBe(undefined);
});

test("the clock stands still while nobody is there", () => {
    const since = 16 * HOUR;
    const evening = standing(promise(), SPANS, since, 20 * HOUR);
    expect(evening).toEqual({phase: "running", left: 3 * HOUR, closed: true});
    const morning = standing(promise(), SPANS, since, 34 * HOUR);
    expect(morning).toEqual({phase: "running", left: 2 * HOUR, closed: false});
});

test("the last quarter is a risk, the deadline itself is in time", () => {
    const at = (seconds) => standing(promise(), null, 0, seconds).phase;
    expect(at(3 * HOUR)).toBe("running");
    expect(at(3 * HOUR + 1)).toBe("risk");
    expect(at(4 * HOUR)).toBe("risk");
    expect(at(4 * HOUR + 1)).toBe("late");
});

test("a clock of the client that lags behind never counts backwards", () => {
    expect(standing(promise({used: HOUR}), null, 100, 50).left).toBe(3 * HOUR);
});

test("paused, never due, and decided promises", () => {
    const paused = promise({state: "paused", runs: false, used: HOUR});
    expect(standing(paused, SPANS, 0, 40 * HOUR)).toEqual({
        phase: "paused",
        left: 3 * HOUR,
        closed: false,
    });
    expect(standing(promise({never_due: true}), [], 0, 9).phase).toBe("never");
    const ended = {ended_at: 5, runs: false};
    expect(standing(promise({...ended, state: "met"}), null, 0, 9).phase).toBe("kept");
    for (const state of ["missed", "excused", "cancelled"]) {
        expect(standing(promise({...ended, state}), null, 0, 9).phase).toBe(state);
    }
    const late = promise({state: "missed", used: 5 * HOUR});
    expect(standing(late, null, 0, 60)).toEqual({
        phase: "late",
        left: -HOUR - 60,
        closed: false,
    });
});

test("durations for people", () => {
    allowTranslations();
    const text = (...args) => String(formatSeconds(...args));
    expect(text(4 * HOUR)).toBe("4 h");
    expect(text(2 * HOUR + 10 * 60 + 59)).toBe("2 h 10 min");
    expect(text(59)).toBe("0 min");
    expect(text(299, true)).toBe("4 min 59 s");
    expect(text(7, true)).toBe("7 s");
    expect(text(300, true)).toBe("5 min");
    expect(text(-5)).toBe("0 min");
    expect(String(formatSecondsShort(50 * HOUR + 5))).toBe("50 h");
    expect(String(formatSecondsShort(90))).toBe("1 min");
});

test("durations as people type them", () => {
    allowTranslations();
    expect(parseDuration("4:30")).toBe(270);
    expect(parseDuration("4")).toBe(240);
    expect(parseDuration("1.5")).toBe(90);
    expect(parseDuration("1,5 h")).toBe(90);
    expect(parseDuration("15 min")).toBe(15);
    expect(parseDuration("90m")).toBe(90);
    expect(parseDuration("2 h 10 min")).toBe(130);
    expect(parseDuration("4h30")).toBe(270);
    expect(parseDuration("0:15")).toBe(15);
    expect(parseDuration("")).toBe(0);
    for (const nonsense of ["soon", "4:75", "-1", "1:2:3", "h"]) {
        expect(() => parseDuration(nonsense)).toThrow();
    }
});
