import {Component, markup, onWillUnmount, useEffect, useRef, useState} from "@odoo/owl";
import {deserializeDate, deserializeDateTime} from "@web/core/l10n/dates";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useRecordObserver} from "@web/model/relational_model/utils";
import {useService} from "@web/core/utils/hooks";

const {DateTime} = luxon;
const MODEL = "csp.acknowledgement";
/** Height of the bar that covers the lower end of the page. */
const BAR = 72;

/**
 * The text of a policy as it was published, for whoever is asked to read and sign it.
 *
 * It can be signed once its end has come into view, by scrolling, by the keyboard or by
 * a screen reader, and not sooner than somebody can read it; the server sees to both.
 */
export class ReadingPage extends Component {
    static template = "customer_service_plan.ReadingPage";
    static props = {...standardWidgetProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({data: null, atEnd: false, left: 0, busy: false});
        this.end = useRef("end");
        this.shown = null;
        this.timer = null;
        useRecordObserver((record) => {
            if (record.resId && record.resId !== this.shown) {
                this.shown = record.resId;
                this.open();
            }
        });
        useEffect(
            (end, token) => {
                if (!end || !token) {
                    return undefined;
                }
                const observer = new IntersectionObserver(
                    (entries) => {
                        if (entries.some((entry) => entry.isIntersecting)) {
                            this.reachEnd();
                        }
                    },
                    {rootMargin: `0px 0px -${BAR}px 0px`}
                );
                observer.observe(end);
                return () => observer.disconnect();
            },
            () => [this.end.el, this.state.data?.token]
        );
        onWillUnmount(() => clearInterval(this.timer));
    }

    get id() {
        return this.props.record.resId;
    }

    async open() {
        const id = this.id;
        const data = await this.orm.call(MODEL, "action_open", [[id]]);
        if (id !== this.id) {
            return;
        }
        clearInterval(this.timer);
        Object.assign(this.state, {data, atEnd: false, left: 0});
        if (data.token) {
            // A second more: the server counts whole ones.
            const until = Date.now() + (data.wait + 1) * 1000;
            this.state.left = data.wait + 1;
            this.timer = setInterval(() => {
                this.state.left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
                if (!this.state.left) {
                    clearInterval(this.timer);
                    this.noteReading();
                }
            }, 250);
        }
    }

    reachEnd() {
        this.state.atEnd = true;
        this.noteReading();
    }

    async noteReading() {
        const {data, atEnd, left} = this.state;
        if (!data.token || !atEnd || left || this.state.busy) {
            return;
        }
        this.state.busy = true;
        try {
            const args = [[data.id], data.token];
            Object.assign(
                this.state.data,
                await this.orm.call(MODEL, "action_read_to_end", args),
                {token: false}
            );
        } finally {
            this.state.busy = false;
        }
    }

    async sign() {
        if (this.state.busy) {
            return;
        }
        this.state.busy = true;
        try {
            Object.assign(
                this.state.data,
                await this.orm.call(MODEL, "action_acknowledge", [[this.state.data.id]])
            );
            await this.props.record.load();
        } finally {
            this.state.busy = false;
        }
    }

    openNext() {
        return this.action.doAction("customer_service_plan.csp_my_reading_action", {
            viewType: "form",
            props: {resId: this.state.data.next.id},
            stackPosition: "replaceCurrentAction",
        });
    }

    openList() {
        return this.action.doAction("customer_service_plan.csp_my_reading_action", {
            clearBreadcrumbs: true,
        });
    }

    // --- Texts

    get isOpen() {
        return ["to_read", "opened", "read"].includes(this.state.data.state);
    }

    get html() {
        return markup(this.state.data.html);
    }

    get due() {
        const due = deserializeDate(this.state.data.due);
        return _t("Sign by %s", due.toLocaleString(DateTime.DATE_MED));
    }

    get signedText() {
        const moment = deserializeDateTime(this.state.data.signed_at);
        return _t(
            "You signed this on %s",
            moment.toLocaleString(DateTime.DATETIME_MED)
        );
    }

    get hint() {
        const {atEnd, left} = this.state;
        if (!atEnd) {
            return _t("Read it to the end, then you can sign it here.");
        }
        return left
            ? _t("You can sign it in %s s.", left)
            : _t("You can sign it in a moment.");
    }

    get otherLanguage() {
        return _t(
            "There is no translation: this is the text in %s.",
            this.state.data.lang
        );
    }
}

registry.category("view_widgets").add("csp_reading", {component: ReadingPage});
