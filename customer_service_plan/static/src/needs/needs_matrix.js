import {Component, onMounted, onWillUnmount, useRef, useState} from "@odoo/owl";
import {STEPS, byGap, gapOf, isWide, matrixRows, stepLabel} from "./steps";
import {_t} from "@web/core/l10n/translation";

// Narrower than this, five columns leave no room for words.
const NARROW = 640;
// A cell shows this many needs until somebody asks for all.
const SHOWN = 8;

/**
 * Needs by importance and by how well they are met, so that the gap is seen.
 *
 * Where there is no room for the matrix it is a list, the widest gap first.
 */
export class NeedsMatrix extends Component {
    static template = "customer_service_plan.NeedsMatrix";
    static props = {
        // {id, need, segment, importance, satisfaction (0: not known)}
        needs: Array,
        onOpen: Function,
        showSegments: {type: Boolean, optional: true},
    };

    setup() {
        this.steps = STEPS;
        this.root = useRef("root");
        this.state = useState({narrow: this.env.isSmall, open: {}});
        const observer = new ResizeObserver(([{contentRect}]) => {
            // Nothing is as wide as a page of a notebook that is not shown.
            if (contentRect.width) {
                this.state.narrow = contentRect.width < NARROW;
            }
        });
        onMounted(() => observer.observe(this.root.el));
        onWillUnmount(() => observer.disconnect());
    }

    get rows() {
        return matrixRows(this.props.needs).map((row) => ({
            ...row,
            label: stepLabel("importance", row.importance),
            cells: row.cells.map((cell) => {
                const shown = this.state.open[cell.key]
                    ? cell.needs
                    : cell.needs.slice(0, SHOWN);
                return {...cell, shown, more: cell.needs.length - shown.length};
            }),
        }));
    }

    get columns() {
        return STEPS.map((step) => ({step, label: stepLabel("satisfaction", step)}));
    }

    get sorted() {
        return byGap(this.props.needs);
    }

    get wideCount() {
        return this.props.needs.filter(isWide).length;
    }

    get unknownCount() {
        return this.props.needs.filter((need) => !need.satisfaction).length;
    }

    get summary() {
        const parts = [];
        if (this.wideCount) {
            parts.push(_t("%s important, but poorly met", this.wideCount));
        }
        if (this.unknownCount) {
            parts.push(_t("%s not known yet", this.unknownCount));
        }
        return parts.join(" · ");
    }

    isWide(need) {
        return isWide(need);
    }

    /** How important and how well met, in words. */
    wording(need) {
        const importance = stepLabel("importance", need.importance);
        return need.satisfaction
            ? _t("%(importance)s, met: %(satisfaction)s", {
                  importance,
                  satisfaction: stepLabel("satisfaction", need.satisfaction),
              })
            : _t("%(importance)s, not known yet how well it is met", {importance});
    }

    /** All of a need in one sentence, for a tooltip and for who cannot see the place. */
    sentence(need) {
        const name = this.props.showSegments
            ? _t("%(need)s for %(segment)s", need)
            : need.need;
        const parts = [`${name}: ${this.wording(need)}`];
        if (isWide(need)) {
            parts.push(_t("important, but poorly met"));
        }
        return parts.join(". ");
    }

    gapText(need) {
        const gap = gapOf(need);
        if (gap === null) {
            return "?";
        }
        return gap > 0 ? _t("Gap %s", gap) : "";
    }

    showAll(key) {
        this.state.open[key] = true;
    }
}
