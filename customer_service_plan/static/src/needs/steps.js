import {_t} from "@web/core/l10n/translation";

export const STEPS = [1, 2, 3, 4, 5];
// From this many steps on, a need is met too poorly for its importance.
export const WIDE_GAP = 2;

const LABELS = {
    importance: [
        _t("Hardly matters"),
        _t("Matters a little"),
        _t("Matters"),
        _t("Matters a lot"),
        _t("Decisive"),
    ],
    satisfaction: [
        _t("Not at all"),
        _t("Poorly"),
        _t("Partly"),
        _t("Well"),
        _t("Fully"),
    ],
};

export const SCALES = Object.keys(LABELS);

/** A step from 1 to 5 in words; nothing for 0, which means that it is not known. */
export function stepLabel(scale, step) {
    return step ? LABELS[scale][step - 1].toString() : "";
}

/** Importance less satisfaction; null as long as satisfaction is not known. */
export function gapOf({importance, satisfaction}) {
    return satisfaction ? importance - satisfaction : null;
}

export function isWide(need) {
    const gap = gapOf(need);
    return gap !== null && gap >= WIDE_GAP;
}

/** Widest gap first, what is not known last, the more important before the less. */
export function byGap(needs) {
    const rank = (need) => gapOf(need) ?? -Infinity;
    return [...needs].sort(
        (one, other) =>
            // Two unknown ones: Infinity less Infinity is no number.
            (rank(other) === rank(one) ? 0 : rank(other) - rank(one)) ||
            other.importance - one.importance
    );
}

/**
 * Rows of the matrix, most important first: {importance, cells}, and each cell
 * {satisfaction (0: not known, the last one), wide, needs}.
 */
export function matrixRows(needs) {
    return [...STEPS].reverse().map((importance) => ({
        importance,
        cells: [...STEPS, 0].map((satisfaction) => ({
            key: `${importance}-${satisfaction}`,
            satisfaction,
            wide: isWide({importance, satisfaction}),
            needs: needs.filter(
                (need) =>
                    need.importance === importance && need.satisfaction === satisfaction
            ),
        })),
    }));
}
