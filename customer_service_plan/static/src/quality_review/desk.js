import {
    Component,
    markup,
    onMounted,
    onWillUnmount,
    useEffect,
    useExternalListener,
    useRef,
    useState,
} from "@odoo/owl";
import {isText, readKey} from "./keys";
import {Conversation} from "./conversation";
import {Keeper} from "./keeper";
import {_t} from "@web/core/l10n/translation";
import {deserializeDate} from "@web/core/l10n/dates";
import {formatEpoch} from "../ticket/moment";
import {formatFloat} from "@web/core/utils/numbers";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useRecordObserver} from "@web/model/relational_model/utils";
import {useService} from "@web/core/utils/hooks";

const {DateTime} = luxon;
const MODEL = "csp.quality.review";
/** Key of the overall comment among what is kept; lines have their ids. */
const OVERALL = "overall";
/** The page is not lower than this, in pixels. */
const LOWEST = 420;
/** Longer quotes are cut by the server, too. */
const QUOTE_LENGTH = 1000;

/**
 * A review: the conversation beside the scorecard, fed by one call. Every change is kept
 * by itself; all of it works with the keyboard alone.
 */
export class QualityDesk extends Component {
    static template = "customer_service_plan.QualityDesk";
    static components = {Conversation};
    static props = {...standardWidgetProps};

    setup() {
        this.action = useService("action");
        this.notification = useService("notification");
        this.ui = useService("ui");
        // What is to be kept is kept, whatever page is shown by then.
        this.call = this.env.services.orm.silent.call.bind(
            this.env.services.orm.silent
        );
        this.root = useRef("root");
        this.state = useState({
            desk: null,
            marks: null,
            current: null,
            message: null,
            status: "saved",
            pane: "conversation",
            showsKeys: false,
            isBusy: false,
            problem: "",
            unkept: [],
            commenting: {},
        });
        this.items = [];
        this.resId = null;
        this.keeper = null;
        this.focusNext = "";
        this.reviewer = null;
        useRecordObserver((record) => {
            const {resId, data} = record;
            const reviewer = data.reviewer_id?.id;
            // What others brought about shows another page.
            const isOther =
                resId !== this.resId ||
                reviewer !== this.reviewer ||
                data.state !== this.state.marks?.state;
            this.reviewer = reviewer;
            if (resId && isOther) {
                this.load(resId);
            }
        });
        useExternalListener(window, "keydown", (ev) => this.onKeydown(ev));
        useExternalListener(window, "resize", () => this.measure());
        useExternalListener(window, "beforeunload", (ev) => {
            if (this.keeper && !this.keeper.isClean) {
                this.keeper.flush();
                ev.preventDefault();
            }
        });
        useExternalListener(window, "online", () => this.keeper?.flush());
        useExternalListener(document, "visibilitychange", () => {
            if (!document.hidden) {
                this.refresh();
            }
        });
        useEffect(() => this.focusWhatWasAsked());
        onMounted(() => this.measure());
        onWillUnmount(() => this.keeper?.flush());
    }

    // --- Loading

    async load(resId) {
        if (resId !== this.resId) {
            this.keeper?.flush();
            this.resId = resId;
            Object.assign(this.state, {desk: null, marks: null, unkept: []});
        }
        let desk = null;
        try {
            desk = await this.call(MODEL, "get_desk", [[resId]]);
        } catch (error) {
            if (resId !== this.resId || !error.data) {
                throw error;
            }
            // Given to somebody else, or withdrawn, while it was open here
            Object.assign(this.state, {
                problem: _t(
                    "This review is not in your hands any more: it was given to somebody else, or withdrawn."
                ),
                desk: null,
            });
            return;
        }
        if (resId === this.resId) {
            this.show(desk);
        }
    }

    show(desk) {
        this.keeper = this.makeKeeper(desk.review.id);
        this.criteria = desk.sections.flatMap((section) => section.criteria);
        this.causes = Object.fromEntries(desk.causes.map((cause) => [cause.id, cause]));
        this.forgotten = {};
        this.items = this.makeItems(desk);
        this.known = {[OVERALL]: desk.marks.comment};
        for (const [line, mark] of Object.entries(desk.marks.lines)) {
            this.known[line] = mark.comment;
        }
        const first =
            this.criteria.find(({line}) => !isMarked(desk.marks.lines[line])) ||
            this.criteria[0];
        const reviewed = desk.messages.find((message) => message.is_reviewed);
        Object.assign(this.state, {
            desk,
            marks: desk.marks,
            current: desk.review.may_mark ? first?.line : null,
            message: reviewed ? reviewed.id : null,
            status: "saved",
            isBusy: false,
            problem: this.state.unkept.length ? this.state.problem : "",
            commenting: {},
            pane: desk.review.may_mark ? "conversation" : "marks",
        });
        requestAnimationFrame(() => {
            this.measure();
            this.root.el?.querySelector(".o_csp_marks_list")?.scrollTo(0, 0);
        });
    }

    makeItems(desk) {
        const messages = desk.messages.map((message) => ({
            key: `m${message.id}`,
            at: message.at,
            message,
            // Once, so that nothing is drawn anew when a mark changes
            body: markup(message.body),
            hasQuoted: message.body.includes("data-o-mail-quote"),
        }));
        const events = desk.events.map((event) => ({
            key: `e${event.id}`,
            at: event.at,
            event,
        }));
        return [...messages, ...events].sort((one, other) => one.at - other.at);
    }

    /** The height that is left below the bars of the page, for its two halves. */
    measure() {
        const el = this.root.el;
        if (!el) {
            return;
        }
        const scroller = el.closest(".o_content");
        const scrolled = scroller ? scroller.scrollTop : 0;
        const top = el.getBoundingClientRect().top + scrolled;
        const height = Math.max(LOWEST, Math.floor(window.innerHeight - top));
        el.style.setProperty("--o-csp-desk-height", `${height}px`);
    }

    /** What another page of the same review has kept in the meantime. */
    async refresh() {
        const {desk} = this.state;
        if (!desk || !this.keeper?.isClean || this.keeper.status === "refused") {
            return;
        }
        try {
            const marks = await this.call(MODEL, "get_marks", [[desk.review.id]]);
            if (desk === this.state.desk) {
                this.adopt(marks);
            }
        } catch {
            // The next change tells what is the matter.
        }
    }

    // --- Keeping

    makeKeeper(id) {
        const isShown = () => this.keeper === keeper && this.resId === id;
        const keeper = new Keeper({
            send: (key, values) => this.send(id, key, values),
            onKept: (key, values, answer) => {
                if (isShown()) {
                    this.onKept(key, values, answer);
                }
            },
            onStatus: (status) => {
                if (isShown()) {
                    this.state.status = status;
                }
            },
            onRefused: (error, unkept) => this.onRefused(id, error, unkept),
        });
        return keeper;
    }

    send(id, key, values) {
        if (key === OVERALL) {
            return this.call(MODEL, "save_comment", [[id], values.comment], {
                known: this.known[key],
            });
        }
        const kwargs = "comment" in values ? {known: this.known[key]} : {};
        return this.call(MODEL, "save_mark", [[id], key, values], kwargs);
    }

    onKept(key, values, answer) {
        if ("conflict" in answer) {
            // Another page wrote, too: no word is lost.
            const mine = this.state.marks.lines[key] || this.state.marks;
            const theirs = answer.conflict;
            this.known[key] = theirs;
            if (!mine.comment.includes(theirs)) {
                mine.comment = `${theirs}\n${mine.comment}`;
            }
            this.keeper.put(key, {...values, comment: mine.comment});
        } else if ("comment" in values) {
            this.known[key] = values.comment;
        }
        this.adopt(answer);
    }

    /** Take over what is kept, but for what is being changed here. */
    adopt(answer) {
        const {marks, desk} = this.state;
        if (answer.state !== marks.state) {
            this.props.record.load();
            this.load(desk.review.id);
            return;
        }
        for (const [line, mark] of Object.entries(answer.lines)) {
            if (!this.keeper.isBusyWith(Number(line))) {
                Object.assign(marks.lines[line], mark);
                this.known[line] = mark.comment;
            }
        }
        if (!this.keeper.isBusyWith(OVERALL)) {
            marks.comment = answer.comment;
            this.known[OVERALL] = answer.comment;
        }
        const {score, failed, sections} = answer;
        Object.assign(marks, {score, failed, sections});
    }

    onRefused(id, error, unkept) {
        const problem = error.data?.message || error.message;
        const texts = [...unkept.values()]
            .flatMap((values) => [values.comment, values.quote])
            .filter(Boolean);
        if (this.resId !== id) {
            this.notification.add([problem, ...texts].join("\n"), {
                type: "danger",
                sticky: true,
            });
            return;
        }
        Object.assign(this.state, {problem, unkept: texts});
        this.load(id).then(() => {
            if (this.state.desk) {
                this.state.problem = problem;
            }
        });
    }

    // --- Marking

    get mayMark() {
        return this.state.desk.review.may_mark;
    }

    getMark(line) {
        return this.state.marks.lines[line];
    }

    getCriterion(line) {
        return this.criteria.find((one) => one.line === line);
    }

    setStep(line, step, {moveOn = false} = {}) {
        const chosen = this.getCriterion(line).steps.find(({value}) => value === step);
        const mark = this.getMark(line);
        if (!this.mayMark || (step && !chosen)) {
            return;
        }
        const isBad = Boolean(chosen?.is_bad);
        const values = {step, not_applicable: false};
        if (isBad && !mark.cause_ids.length && this.forgotten[line]) {
            values.cause_ids = this.forgotten[line];
        } else if (!isBad && mark.cause_ids.length) {
            this.forgotten[line] = [...mark.cause_ids];
            mark.cause_ids = [];
        }
        Object.assign(mark, values, {is_bad: isBad});
        this.keeper.put(line, values);
        this.state.current = line;
        if (moveOn && isBad) {
            // Its causes and its comment come up below, perhaps out of sight
            this.focus(line);
        } else if (moveOn && step) {
            this.goOn(line);
        }
    }

    toggleNotApplicable(line, {moveOn = false} = {}) {
        const mark = this.getMark(line);
        if (!this.mayMark || !this.getCriterion(line).allow_na) {
            return;
        }
        const values = {step: 0, not_applicable: !mark.not_applicable};
        Object.assign(mark, values, {is_bad: false, cause_ids: []});
        this.keeper.put(line, values);
        this.state.current = line;
        if (moveOn && mark.not_applicable) {
            this.goOn(line);
        }
    }

    toggleCause(line, cause) {
        const mark = this.getMark(line);
        mark.cause_ids = mark.cause_ids.includes(cause)
            ? mark.cause_ids.filter((id) => id !== cause)
            : [...mark.cause_ids, cause];
        this.keeper.put(line, {cause_ids: [...mark.cause_ids]});
    }

    onComment(line, text) {
        this.getMark(line).comment = text;
        this.keeper.put(line, {comment: text}, true);
    }

    onOverall(text) {
        this.state.marks.comment = text;
        this.keeper.put(OVERALL, {comment: text}, true);
    }

    quote(message, text) {
        const line = this.state.current;
        if (!this.mayMark || !text || line === null) {
            return;
        }
        const values = {
            quote: text.slice(0, QUOTE_LENGTH),
            quote_message_id: message || false,
        };
        Object.assign(this.getMark(line), values);
        this.keeper.put(line, values);
        this.notification.add(_t("Quoted for “%s”", this.getCriterion(line).name), {
            type: "info",
        });
    }

    removeQuote(line) {
        const values = {quote: "", quote_message_id: false};
        Object.assign(this.getMark(line), values);
        this.keeper.put(line, values);
    }

    showQuoted(line) {
        const id = this.getMark(line).quote_message_id;
        if (this.state.message === id) {
            this.state.message = null;
        }
        this.state.pane = "conversation";
        requestAnimationFrame(() => (this.state.message = id || 0));
    }

    // --- Moving

    makeCurrent(line) {
        if (this.mayMark) {
            this.state.current = line;
        }
    }

    focus(line, what = "card") {
        this.state.current = line;
        this.state.pane = "marks";
        if (what === "comment") {
            this.state.commenting[line] = true;
        }
        this.askFocus(`[data-line="${line}"]${what === "comment" ? " textarea" : ""}`);
    }

    /** At once where it is there already: the next key is typed into it. */
    askFocus(selector) {
        this.root.el?.querySelector(selector)?.focus({preventScroll: true});
        this.focusNext = selector;
        this.render();
    }

    focusOverall() {
        this.state.pane = "marks";
        this.askFocus(".o_csp_desk_overall textarea");
    }

    focusWhatWasAsked() {
        const selector = this.focusNext;
        if (!selector) {
            return;
        }
        this.focusNext = "";
        const element = this.root.el?.querySelector(selector);
        element?.focus({preventScroll: true});
        element?.scrollIntoView({block: "nearest", behavior: "smooth"});
    }

    move(by) {
        const lines = this.criteria.map(({line}) => line);
        const place = lines.indexOf(this.state.current) + by;
        if (place >= lines.length) {
            this.focusOverall();
        } else {
            this.focus(lines[Math.max(0, place)]);
        }
    }

    /** To the next criterion without a mark, after this one first. */
    goOn(line) {
        const place = this.criteria.findIndex((one) => one.line === line);
        const others = [
            ...this.criteria.slice(place + 1),
            ...this.criteria.slice(0, place),
        ];
        const next = others.find((one) => !isMarked(this.getMark(one.line)));
        if (next) {
            this.focus(next.line);
        }
    }

    moveMessage(by) {
        const ids = this.items
            .filter((item) => item.message)
            .map((item) => item.message.id);
        const place = ids.indexOf(this.state.message);
        const next = place < 0 && by < 0 ? ids.length - 1 : place + by;
        if (next in ids) {
            this.state.pane = "conversation";
            this.state.message = ids[next];
        }
    }

    // --- Keys

    onKeydown(ev) {
        const isElsewhere =
            ev.defaultPrevented ||
            ev.isComposing ||
            !this.state.desk ||
            this.env.inDialog ||
            this.ui.activeElement !== document;
        if (isElsewhere) {
            return;
        }
        if ((ev.ctrlKey || ev.metaKey) && ev.key === "Enter") {
            ev.preventDefault();
            if (this.mayMark) {
                this.done();
            } else if (this.state.desk.next.id) {
                this.openNext();
            }
            return;
        }
        if (ev.ctrlKey || ev.metaKey || ev.altKey) {
            return;
        }
        if (isText(ev.target)) {
            const card = ev.target.closest("[data-line]");
            if (ev.key === "Escape" && this.root.el?.contains(ev.target)) {
                ev.preventDefault();
                (card || this.root.el).focus();
            }
            return;
        }
        if (this.onShortcut(readKey(ev))) {
            ev.preventDefault();
        }
    }

    /** @returns {Boolean} whether the key meant something here */
    onShortcut(key) {
        const line = this.state.current;
        const shared = {
            "?": () => (this.state.showsKeys = !this.state.showsKeys),
            "shift+ArrowDown": () => this.moveMessage(1),
            "shift+ArrowUp": () => this.moveMessage(-1),
        };
        if (shared[key]) {
            shared[key]();
            return true;
        }
        if (!this.mayMark || line === null) {
            return false;
        }
        const causes = this.causesOf(this.getCriterion(line));
        const place = /^shift\+([1-9])$/.exec(key);
        if (place && this.getMark(line).is_bad && causes[place[1] - 1]) {
            this.toggleCause(line, causes[place[1] - 1].id);
            return true;
        }
        if (/^\d$/.test(key)) {
            this.setStep(line, Number(key), {moveOn: true});
            return true;
        }
        const own = {
            ArrowDown: () => this.move(1),
            ArrowUp: () => this.move(-1),
            n: () => this.toggleNotApplicable(line, {moveOn: true}),
            c: () => this.focus(line, "comment"),
            o: () => this.focusOverall(),
            q: () => this.quoteSelected(),
        };
        own[key]?.();
        return key in own;
    }

    /** The words that are selected, else the message. */
    quoteSelected() {
        const selection = document.getSelection();
        const anchor = selection?.anchorNode;
        const body = (
            anchor?.nodeType === Node.TEXT_NODE ? anchor.parentElement : anchor
        )?.closest?.(".o_csp_message_body");
        const text = selection?.toString().trim();
        if (text && body && this.root.el.contains(body)) {
            const {message} = body.closest("[data-message]").dataset;
            this.quote(Number(message), text);
            selection.removeAllRanges();
            return;
        }
        if (this.state.message === null) {
            this.state.pane = "conversation";
            this.notification.add(
                _t(
                    "Select words, or a message with Shift and the arrows, to quote it."
                ),
                {type: "info"}
            );
            return;
        }
        const chosen = this.root.el.querySelector(
            `[data-message="${this.state.message}"] .o_csp_message_body`
        );
        this.quote(this.state.message, chosen?.innerText.trim());
    }

    // --- Done

    /** Criteria without a mark, and bad marks without a word of what was wrong. */
    get missing() {
        return this.criteria.filter(({line}) => !isMarked(this.getMark(line)));
    }

    get unexplained() {
        return this.criteria.filter((criterion) => this.isUnexplained(criterion));
    }

    isUnexplained({line, critical}) {
        const mark = this.getMark(line);
        return (
            mark.is_bad &&
            !mark.comment.trim() &&
            Boolean(critical || !mark.cause_ids.length)
        );
    }

    goToMissing() {
        const [missing] = this.missing;
        const [unexplained] = this.unexplained;
        if (missing) {
            this.focus(missing.line);
        } else if (unexplained) {
            this.focus(unexplained.line, "comment");
        }
        return Boolean(missing || unexplained);
    }

    async done() {
        if (this.state.isBusy || this.goToMissing()) {
            return;
        }
        this.state.isBusy = true;
        try {
            if (!(await this.keeper.flush())) {
                this.notification.add(
                    _t("Not everything is saved yet. Try again in a moment."),
                    {type: "warning"}
                );
                return;
            }
            await this.call(MODEL, "action_done", [[this.state.desk.review.id]]);
            await this.props.record.load();
            await this.load(this.resId);
            this.root.el?.focus({preventScroll: true});
        } finally {
            this.state.isBusy = false;
        }
    }

    openNext() {
        return this.openReview(this.state.desk.next.id);
    }

    openReview(id) {
        return this.action.doAction(
            {
                type: "ir.actions.act_window",
                res_model: MODEL,
                res_id: id,
                views: [[false, "form"]],
            },
            {stackPosition: "replaceCurrentAction"}
        );
    }

    openTicket() {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "helpdesk.ticket",
            res_id: this.state.desk.ticket.id,
            views: [[false, "form"]],
        });
    }

    // --- Texts

    get statusText() {
        return {
            saved: _t("Saved"),
            unsaved: _t("Saving…"),
            saving: _t("Saving…"),
            retrying: _t("Not saved, trying again"),
            refused: _t("Not saved"),
        }[this.state.status];
    }

    percent(value) {
        if (value === null || value === undefined) {
            return "–";
        }
        return `${formatFloat(value, {digits: [16, 2], trailingZeros: false})} %`;
    }

    get scoreClass() {
        const {score, failed} = this.state.marks;
        if (failed) {
            return "o_csp_score_bad";
        }
        return score === null ? "" : scoreClass(score);
    }

    earlierClass({score, failed}) {
        return failed ? "o_csp_score_bad" : scoreClass(score);
    }

    sectionScore(section) {
        return this.state.marks.sections[section.id];
    }

    showsSectionScore(section) {
        const found = this.sectionScore(section);
        return Boolean(found && (found.failed || found.score !== null));
    }

    get progress() {
        const total = this.criteria.length;
        const done = total - this.missing.length;
        return {done, total, percent: total ? Math.round((100 * done) / total) : 0};
    }

    get remaining() {
        const missing = this.missing.length;
        if (missing) {
            return missing === 1
                ? _t("1 still to mark")
                : _t("%s still to mark", missing);
        }
        return this.unexplained.length ? _t("Say what was wrong") : "";
    }

    get due() {
        const {due} = this.state.desk.review;
        return (
            due && _t("Due %s", deserializeDate(due).toLocaleString(DateTime.DATE_MED))
        );
    }

    get nextText() {
        return _t("Next review (%s left)", this.state.desk.next.count);
    }

    when(seconds) {
        return formatEpoch(seconds);
    }

    criticalTitle({critical}) {
        return critical === "all"
            ? _t("A bad mark here fails the whole review")
            : _t("A bad mark here fails its section");
    }

    chosenStep(criterion) {
        const {step} = this.getMark(criterion.line);
        return criterion.steps.find(({value}) => value === step);
    }

    stepClass(step, mark) {
        return {
            active: mark.step === step.value,
            o_csp_choice_bad: step.is_bad,
        };
    }

    /** Beside its key, the number of a step says nothing more. */
    showsName(step) {
        return !step.text || step.name !== `${step.value}`;
    }

    /** What to choose from for a bad mark: still offered, or chosen before. */
    causesOf(criterion) {
        const chosen = this.getMark(criterion.line).cause_ids;
        const offered = criterion.causes.length
            ? criterion.causes
            : this.state.desk.causes.map(({id}) => id);
        return this.state.desk.causes.filter(
            ({id, active}) => chosen.includes(id) || (active && offered.includes(id))
        );
    }

    chosenCauses({line}) {
        return this.getMark(line).cause_ids.map((id) => this.causes[id]);
    }

    showsComment({line}) {
        const mark = this.getMark(line);
        return Boolean(mark.comment || mark.is_bad || this.state.commenting[line]);
    }

    commentPlaceholder({line}) {
        return this.getMark(line).is_bad
            ? _t("What was wrong, and what would have been better?")
            : _t("Comment for the agent");
    }

    /** The agent's answer, shown below the marks of a review that is done. */
    get answer() {
        const {state, is_calibration: isCalibration} = this.state.desk.review;
        const widget = registry
            .category("view_widgets")
            .get("csp_quality_answer", null);
        return state !== "to_do" && !isCalibration && widget?.component;
    }
}

function isMarked(mark) {
    return Boolean(mark.step || mark.not_applicable);
}

/** Below half is bad, as for a mark; nine of ten is good. */
function scoreClass(score) {
    if (score < 50) {
        return "o_csp_score_bad";
    }
    return score >= 90 ? "o_csp_score_good" : "o_csp_score_fair";
}

registry.category("view_widgets").add("csp_quality_desk", {component: QualityDesk});
