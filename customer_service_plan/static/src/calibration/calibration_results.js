import {Component, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useRecordObserver} from "@web/model/relational_model/utils";
import {useService} from "@web/core/utils/hooks";

/** The picture of who is strict ends at a whole multiple of so many points. */
const STEP = 10;
const BADGES = {
    good: "text-bg-success",
    fair: "text-bg-info",
    together: "text-bg-warning",
    too_few: "text-bg-secondary",
};

/**
 * How far the picture of these reviewers reaches to either side of nought, in points.
 *
 * @param {Array} reviewers
 * @returns {Number}
 */
export function getReach(reviewers) {
    const ends = reviewers.flatMap(({mean, low, high}) => [mean, low, high]);
    const furthest = Math.max(...ends.map((end) => Math.abs(end || 0)), STEP);
    return Math.min(100, Math.ceil(furthest / STEP) * STEP);
}

/**
 * Where so many points stand in a picture that reaches so far, in per cent of its width.
 *
 * @param {Number} points
 * @param {Number} reach
 * @returns {Number}
 */
export function getPlace(points, reach) {
    return Math.min(100, Math.max(0, 50 + (50 * points) / reach));
}

/**
 * Marks of a calibration side by side, how alike they are, and what was agreed on.
 */
export class CalibrationResults extends Component {
    static template = "customer_service_plan.CalibrationResults";
    static props = {...standardWidgetProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.notification = useService("notification");
        this.state = useState({
            results: null,
            isLoading: true,
            ticketId: null,
            opened: {},
            onlyApart: false,
            isSaving: false,
        });
        this.columns = {agreed: _t("Agreed")};
        useRecordObserver((record) => this.follow(record));
    }

    async follow(record) {
        const shown = `${record.resId}/${record.data.state}`;
        if (shown === this.shown) {
            return;
        }
        this.shown = shown;
        this.resId = record.resId;
        await this.load();
    }

    async load() {
        const id = this.resId;
        const results =
            id &&
            (await this.orm.call("csp.quality.calibration", "csp_results_data", [id]));
        if (id !== this.resId) {
            return;
        }
        Object.assign(this.state, {results: results || null, isLoading: false});
        const tickets = results ? results.tickets : [];
        if (!tickets.some((ticket) => ticket.id === this.state.ticketId)) {
            this.state.ticketId = tickets.length ? tickets[0].id : null;
        }
    }

    get results() {
        return this.state.results;
    }

    get ticket() {
        return this.results.tickets.find(({id}) => id === this.state.ticketId);
    }

    get rows() {
        return this.ticket.rows.filter((row) => !this.state.onlyApart || !row.is_alike);
    }

    /** Whether all gave the same mark somewhere, and it is not agreed on yet. */
    get hasAlikeToAgree() {
        return this.results.tickets.some(({rows}) =>
            rows.some(
                ({is_alike, agreed, cells}) =>
                    is_alike && !agreed && Object.keys(cells).length > 1
            )
        );
    }

    getBadge(verdict) {
        return BADGES[verdict];
    }

    getCriterion(id) {
        return this.results.criteria.find((criterion) => criterion.id === id);
    }

    /** What differs on a ticket, for the list of tickets. */
    countApart(ticket) {
        return ticket.rows.filter((row) => !row.is_alike).length;
    }

    getWords(row) {
        const {steps} = this.getCriterion(row.criterion_id);
        return this.results.reviewers
            .filter(({id}) => row.cells[id])
            .map(({id, name}) => {
                const cell = row.cells[id];
                const step = steps.find((one) => one.step === cell.step);
                return {
                    id,
                    name,
                    mark: cell.name,
                    sentence: step ? step.text : "",
                    comment: cell.comment,
                    causes: cell.causes,
                };
            });
    }

    get picture() {
        const reach = getReach(this.results.reviewers);
        return {
            reach,
            bars: this.results.reviewers.map((reviewer) => {
                const hasBand = reviewer.low !== false;
                const left = hasBand ? getPlace(reviewer.low, reach) : 50;
                return {
                    ...reviewer,
                    hasBand,
                    left,
                    width: hasBand ? getPlace(reviewer.high, reach) - left : 0,
                    place: getPlace(reviewer.mean || 0, reach),
                };
            }),
        };
    }

    toggle(row) {
        const id = row.criterion_id;
        this.state.opened[id] = !this.state.opened[id];
    }

    async save(method, args) {
        if (this.state.isSaving) {
            return;
        }
        this.state.isSaving = true;
        try {
            return await this.orm.call("csp.quality.calibration", method, [
                this.resId,
                ...args,
            ]);
        } finally {
            await this.load();
            this.state.isSaving = false;
        }
    }

    agree(row, value) {
        const step = value === "" ? false : Number(value);
        const note = row.agreed ? row.agreed.note : "";
        return this.save("action_agree", [
            this.ticket.id,
            row.criterion_id,
            step,
            note,
        ]);
    }

    explain(row, note) {
        return this.save("action_agree", [
            this.ticket.id,
            row.criterion_id,
            row.agreed.step,
            note,
        ]);
    }

    async agreeWhereAlike() {
        const count = await this.save("action_agree_where_alike", []);
        this.notification.add(_t("Marks agreed on: %s", count), {type: "success"});
    }

    openCalibration(id) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "csp.quality.calibration",
            res_id: id,
            views: [[false, "form"]],
        });
    }
}

registry.category("view_widgets").add("csp_calibration_results", {
    component: CalibrationResults,
});
