import {Component, onWillUpdateProps, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useRecordObserver} from "@web/model/relational_model/utils";
import {useService} from "@web/core/utils/hooks";

const OUTCOMES = {
    full: "text-bg-success",
    partly: "text-bg-info",
    none: "text-bg-secondary",
};

/**
 * What the server needs to know of the marks that are ticked: {id: reason}.
 *
 * @param {Object} ticks {id: {isTicked, reason}}
 * @returns {Object}
 */
export function getDisputed(ticks) {
    return Object.fromEntries(
        Object.entries(ticks)
            .filter(([, tick]) => tick.isTicked)
            .map(([id, tick]) => [id, tick.reason.trim()])
    );
}

/**
 * What the server needs to know of a decision on each mark, or null where one is missing.
 *
 * @param {Object} choices {id: {mark, answer}}; mark is a step, "na", "keep" or null
 * @returns {Object|null}
 */
export function getDecisions(choices) {
    const entries = Object.entries(choices);
    if (entries.some(([, choice]) => choice.mark === null)) {
        return null;
    }
    return Object.fromEntries(
        entries.map(([id, {mark, answer}]) => [
            id,
            {
                accepted: mark !== "keep",
                step: Number.isInteger(mark) ? mark : null,
                not_applicable: mark === "na",
                answer: answer.trim(),
            },
        ])
    );
}

/**
 * The answer to a review: the agent confirms or disputes it, a third person decides, and
 * everybody who may read the review reads it all.
 */
export class QualityAnswer extends Component {
    static template = "customer_service_plan.QualityAnswer";
    static props = {
        reviewId: {type: Number},
        // What tells that something has changed, the state for instance
        version: {optional: true},
        onChanged: {type: Function, optional: true},
    };

    setup() {
        this.orm = useService("orm");
        this.notification = useService("notification");
        this.state = useState({
            data: null,
            isBusy: false,
            isDisputing: false,
            showsBest: false,
            isRefused: false,
            remark: "",
            reason: "",
            ticks: {},
            text: "",
            choices: {},
        });
        this.asked = 0;
        this.load(this.props.reviewId);
        onWillUpdateProps((next) => {
            const {reviewId, version} = this.props;
            if (next.reviewId !== reviewId || next.version !== version) {
                this.load(next.reviewId);
            }
        });
    }

    async load(reviewId) {
        const question = ++this.asked;
        const data = await this.orm.silent.call("csp.quality.review", "get_answer", [
            [reviewId],
        ]);
        if (question !== this.asked) {
            return;
        }
        if (this.state.data?.id !== data?.id) {
            // Nothing that was written for one review is sent for another.
            Object.assign(this.state, {isDisputing: false, remark: "", reason: ""});
            Object.assign(this.state, {ticks: {}, choices: {}, text: ""});
        }
        for (const line of data?.lines || []) {
            this.state.ticks[line.id] ||= {isTicked: false, reason: ""};
        }
        for (const line of data?.dispute?.lines || []) {
            this.state.choices[line.id] ||= {mark: null, answer: ""};
        }
        this.state.data = data || null;
    }

    get data() {
        return this.state.data;
    }

    get dispute() {
        return this.state.data?.dispute;
    }

    // --- Texts

    get until() {
        const {answer_until: until, days_left: left} = this.data;
        if (left === false) {
            return "";
        }
        if (left <= 0) {
            return _t("You can answer until today.");
        }
        if (left === 1) {
            return _t("You can answer until tomorrow, %s.", until);
        }
        return _t("You can answer until %(until)s, %(left)s more days.", {until, left});
    }

    get waiting() {
        const {answer_until: day, agent} = this.data;
        return day
            ? _t("%(agent)s can answer until %(day)s.", {agent, day})
            : _t("%s has not answered yet.", agent);
    }

    get confirmed() {
        const {agent, answered_at: moment, is_mine: isMine} = this.data;
        return isMine
            ? _t("You confirmed it on %s.", moment)
            : _t("%(agent)s confirmed it on %(moment)s.", {agent, moment});
    }

    get objected() {
        const {agent, is_mine: isMine} = this.data;
        const moment = this.dispute.disputed_at;
        return isMine
            ? _t("You disputed it on %s:", moment)
            : _t("%(agent)s disputed it on %(moment)s:", {agent, moment});
    }

    get toBeDecided() {
        const {decider, due_date: day, may_decide: mayDecide} = this.dispute;
        if (mayDecide) {
            return _t("Decide by %s. Neither the agent nor the reviewer can.", day);
        }
        return decider
            ? _t("%(decider)s decides, by %(day)s.", {decider, day})
            : _t("A manager decides, by %s.", day);
    }

    get decided() {
        const {decider, decided_at: moment} = this.dispute;
        return _t("%(decider)s decided on %(moment)s:", {decider, moment});
    }

    get rules() {
        return _t(
            "Somebody else than %s decides. A mark that is changed becomes better, never worse. You can do this once.",
            this.data.reviewer
        );
    }

    get outcomeClass() {
        return OUTCOMES[this.dispute.outcome];
    }

    percent(score) {
        return `${Number(score.toFixed(2)).toLocaleString()} %`;
    }

    // --- The agent answers

    get shownLines() {
        return this.data.lines.filter((line) => this.state.showsBest || !line.is_best);
    }

    get bestCount() {
        return this.data.lines.filter((line) => line.is_best).length;
    }

    startDispute() {
        this.state.isDisputing = true;
        this.state.isRefused = false;
        // Where all is the best, these are all there is to look at.
        this.state.showsBest = this.bestCount === this.data.lines.length;
    }

    confirm() {
        return this.send("action_acknowledge", [this.state.remark]);
    }

    sendDispute() {
        const disputed = getDisputed(this.state.ticks);
        this.state.isRefused = !(
            Object.keys(disputed).length && this.state.reason.trim()
        );
        if (this.state.isRefused) {
            return;
        }
        return this.send("action_dispute", [this.state.reason, disputed]);
    }

    send(method, args) {
        return this.act(
            "csp.quality.review",
            method,
            [[this.data.id], ...args],
            method === "action_dispute" ? _t("Sent. Thank you.") : _t("Confirmed.")
        );
    }

    async act(model, method, args, thanks) {
        if (this.state.isBusy) {
            return;
        }
        this.state.isBusy = true;
        try {
            await this.orm.call(model, method, args);
            this.state.isDisputing = false;
            this.notification.add(thanks, {type: "success"});
        } finally {
            this.state.isBusy = false;
            // Refused, too: somebody may have been faster.
            await this.load(this.props.reviewId);
        }
        this.props.onChanged?.();
    }

    // --- A third person decides

    marks(line) {
        return [
            {mark: "keep", name: _t("Stays %s", line.before), text: ""},
            ...line.steps.map(({step, name, text}) => ({mark: step, name, text})),
            ...(line.may_be_na
                ? [{mark: "na", name: _t("Does not apply"), text: ""}]
                : []),
        ];
    }

    sentence(line) {
        const {mark} = this.state.choices[line.id];
        return this.marks(line).find((one) => one.mark === mark)?.text;
    }

    choose(line, mark) {
        this.state.choices[line.id].mark = mark;
        this.state.isRefused = false;
    }

    /** Arrows move through the marks of a line, as in a group of radio buttons. */
    onMarkKeydown(ev, line) {
        const move = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[ev.key];
        if (!move) {
            return;
        }
        ev.preventDefault();
        const marks = this.marks(line).map((one) => one.mark);
        const now = marks.indexOf(this.state.choices[line.id].mark);
        const next = (Math.max(now, 0) + move + marks.length) % marks.length;
        this.choose(line, marks[now === -1 ? 0 : next]);
        ev.currentTarget
            .querySelectorAll("[role=radio]")
            [now === -1 ? 0 : next].focus();
    }

    tabindex(line, mark, index) {
        const chosen = this.state.choices[line.id].mark;
        return chosen === mark || (chosen === null && index === 0) ? "0" : "-1";
    }

    decide() {
        const decisions = getDecisions(this.state.choices);
        this.state.isRefused = !(decisions && this.state.text.trim());
        if (this.state.isRefused) {
            return;
        }
        return this.act(
            "csp.quality.dispute",
            "action_decide",
            [[this.dispute.id], this.state.text, decisions],
            _t("Decided. The agent and the reviewer are told.")
        );
    }
}

/** The same on a form: of a review, or of a dispute, which has a `review_id`. */
export class QualityAnswerWidget extends Component {
    static template = "customer_service_plan.QualityAnswerWidget";
    static components = {QualityAnswer};
    static props = {...standardWidgetProps};

    setup() {
        this.state = useState({reviewId: false, version: ""});
        useRecordObserver((record) => {
            const {data, resId, resModel} = record;
            this.state.reviewId =
                resModel === "csp.quality.review" ? resId : data.review_id?.id;
            this.state.version = `${data.state}/${data.decider_id?.id}`;
        });
    }

    get answerProps() {
        const {reviewId, version} = this.state;
        return {reviewId, version, onChanged: () => this.props.record.load()};
    }
}

registry
    .category("view_widgets")
    .add("csp_quality_answer", {component: QualityAnswerWidget});
