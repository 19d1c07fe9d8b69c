import {Component, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useRecordObserver} from "@web/model/relational_model/utils";
import {useService} from "@web/core/utils/hooks";

const VERDICTS = {
    better: "text-bg-success",
    worse: "text-bg-danger",
    open: "text-bg-light border",
    few: "text-bg-light border",
};

/**
 * Marks of one side of a row, for the picture.
 *
 * @param {Object} side {count, few, mean, low, high, points}
 * @returns {Object} null where there is no mark; dots of the same height share a place
 */
export function getPicture(side) {
    if (!side.count) {
        return null;
    }
    const counts = new Map();
    for (const points of side.points) {
        counts.set(points, (counts.get(points) || 0) + 1);
    }
    return {
        place: side.mean,
        band: side.few ? null : {left: side.low, width: side.high - side.low},
        dots: [...counts].map(([points, count]) => ({
            place: points,
            // The area of a dot is as large as the number of its marks.
            size: Math.min(1.1, 0.4 * Math.sqrt(count)),
        })),
    };
}

/** How the agent was marked before and after he agreed to a coaching. */
export class CoachingEffect extends Component {
    static template = "customer_service_plan.CoachingEffect";
    static props = {...standardWidgetProps};

    setup() {
        this.orm = useService("orm");
        this.state = useState({data: null});
        this.round = Math.round;
        useRecordObserver((record) => this.follow(record));
    }

    /** What is shown is of what was saved, and asked for anew when that has changed. */
    async follow(record) {
        const {state, agreed_at, criterion_ids} = record.data;
        const shown = [
            record.resId,
            state,
            agreed_at?.toMillis?.(),
            record.isInEdition && record.dirty,
            ...criterion_ids.currentIds,
        ].join();
        if (shown === this.shown) {
            return;
        }
        this.shown = shown;
        const data =
            record.resId &&
            (await this.orm.silent.call("csp.coaching", "get_effect", [record.resId]));
        if (shown === this.shown) {
            this.state.data = data || null;
        }
    }

    get isAgreed() {
        return Boolean(this.state.data.agreed_at);
    }

    get months() {
        return Math.round(this.state.data.days / 30);
    }

    get rows() {
        return this.state.data.rows.map((row) => ({
            ...row,
            badge: VERDICTS[row.verdict],
            text: this.getText(row),
            sides: [
                {
                    key: "before",
                    label: this.isAgreed ? _t("Before") : "",
                    ...row.before,
                },
                {key: "after", label: _t("Since"), ...row.after},
            ]
                .filter((side) => side.key === "before" || this.isAgreed)
                .map((side) => ({
                    ...side,
                    picture: getPicture(side),
                    title: this.describe(side),
                })),
        }));
    }

    getText(row) {
        if (row.verdict === "better") {
            return _t("Better by %s points", Math.round(row.change));
        }
        if (row.verdict === "worse") {
            return _t("Worse by %s points", Math.round(-row.change));
        }
        return row.verdict === "open"
            ? _t("No clear difference yet")
            : _t("Too few reviews to tell");
    }

    describe(side) {
        if (!side.count) {
            return _t("No review");
        }
        const values = {
            mean: Math.round(side.mean),
            low: Math.round(side.low),
            high: Math.round(side.high),
            count: side.count,
        };
        return side.few
            ? _t("%(mean)s per cent, reviews: %(count)s, too few to tell", values)
            : _t(
                  "%(mean)s per cent, between %(low)s and %(high)s, reviews: %(count)s",
                  values
              );
    }
}

registry.category("view_widgets").add("csp_coaching_effect", {
    component: CoachingEffect,
});
