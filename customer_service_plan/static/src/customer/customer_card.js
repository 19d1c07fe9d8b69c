import {Component, onMounted, onWillDestroy, useState} from "@odoo/owl";
import {formatEpoch, useMinutes} from "../ticket/moment";
import {_t} from "@web/core/l10n/translation";
import {browser} from "@web/core/browser/browser";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useRecordObserver} from "@web/model/relational_model/utils";
import {useService} from "@web/core/utils/hooks";
import {user} from "@web/core/user";

const {DateTime} = luxon;

const SECOND = 1000;
// Beyond this a timer of the browser would fire at once.
const LONGEST_TIMER = 24 * 3600 * SECOND;
const TICKET = "helpdesk.ticket";
const REMEMBERED = "csp_customer_card_folded";

const CHANNEL_ICONS = {
    phone: "fa-phone",
    in_person: "fa-user",
    email: "fa-envelope-o",
    web: "fa-globe",
    chat: "fa-comments-o",
    sms: "fa-mobile",
    social: "fa-share-alt",
    post: "fa-paper-plane-o",
};
const GRADES = {
    top: {icon: "fa-smile-o", tone: "success"},
    ok: {icon: "fa-meh-o", tone: "warning"},
    ko: {icon: "fa-frown-o", tone: "danger"},
};

/**
 * How well a need is met, in words.
 *
 * @param {Object} need with `importance` and `satisfaction` (1–5; false: not known)
 * @returns {Object} `text` and `tone`
 */
export function describeNeed({importance, satisfaction}) {
    if (!satisfaction) {
        return {text: _t("not known how well met"), tone: "muted"};
    }
    const gap = importance - satisfaction;
    if (gap >= 3) {
        return {text: _t("badly met"), tone: "danger"};
    }
    if (gap === 2) {
        return {text: _t("falls short"), tone: "danger"};
    }
    if (gap === 1) {
        return {text: _t("almost met"), tone: "warning"};
    }
    return {text: _t("well met"), tone: "success"};
}

/**
 * Local time where somebody may be, by the clocks of these zones.
 *
 * @param {Array} zones names of time zones, the westernmost first
 * @param {DateTime} now
 * @returns {String} “14:10”, “Sun 01:10” on another day than the user's, or
 *      “between 08:10 and 13:10”
 */
export function formatLocalTime(zones, now = DateTime.local()) {
    const clocks = [zones[0], zones[zones.length - 1]].map((zone) => now.setZone(zone));
    const [first, last] = clocks.map((local) => {
        const time = local.toLocaleString(DateTime.TIME_SIMPLE);
        return local.toISODate() === now.toISODate()
            ? time
            : `${local.toLocaleString({weekday: "short"})} ${time}`;
    });
    return first === last ? first : _t("between %(first)s and %(last)s", {first, last});
}

/** Who a customer is, on his tickets and on his own form. */
export class CustomerCard extends Component {
    static template = "customer_service_plan.CustomerCard";
    static props = {...standardWidgetProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        const ui = useService("ui");
        const remembered = browser.localStorage.getItem(REMEMBERED);
        this.state = useState({
            data: null,
            loading: false,
            folded: remembered ? remembered === "yes" : ui.isSmall,
        });
        this.minutes = useMinutes();
        // Server time minus client time, in milliseconds.
        this.skew = 0;
        this.asked = 0;
        this.timer = null;
        this.mounted = false;
        this.asking = [false, false];
        // The contact with which the ticket was last loaded.
        this.savedPartner = undefined;
        useRecordObserver((record) => {
            // Read so that saving, loading and another contact bring us here again.
            const {resId, data} = record;
            const partner = data.partner_id;
            this.asking = [resId, partner ? partner.id : false];
            if (this.mounted) {
                this.load(...this.asking);
            }
        });
        // A form that is still being put together may make its widgets several times.
        onMounted(() => {
            this.mounted = true;
            this.load(...this.asking);
        });
        onWillDestroy(() => {
            this.asked = -1;
            browser.clearTimeout(this.timer);
        });
    }

    get onTicket() {
        return this.props.record.resModel === TICKET;
    }

    // --- Data and time

    /** What to ask: the ticket, or the contact just chosen on it; nothing without. */
    question(resId, partnerId) {
        if (!this.onTicket) {
            return resId && ["res.partner", resId];
        }
        if (resId && (!this.props.record.dirty || partnerId === this.savedPartner)) {
            this.savedPartner = partnerId;
            return [TICKET, resId];
        }
        return partnerId && ["res.partner", partnerId];
    }

    async load(resId, partnerId) {
        const number = ++this.asked;
        browser.clearTimeout(this.timer);
        const question = this.question(resId, partnerId);
        if (!question) {
            Object.assign(this.state, {data: null, loading: false});
            return;
        }
        this.state.loading = true;
        const [model, id] = question;
        let data = null;
        try {
            data = await this.orm.silent.call(model, "csp_card_data", [id]);
        } catch (error) {
            if (number === this.asked) {
                this.state.loading = false;
                if (error.data) {
                    throw error;
                }
            }
            return;
        }
        if (number === this.asked) {
            Object.assign(this.state, {data, loading: false});
            this.startClock(() => this.load(resId, partnerId));
        }
    }

    /** Ask again when the verdict about calls may change. */
    startClock(again) {
        const clock = this.clock;
        if (clock) {
            this.skew = clock.now * SECOND - Date.now();
            const wait = (clock.changes_at - clock.now + 1) * SECOND;
            if (wait < LONGEST_TIMER) {
                this.timer = browser.setTimeout(again, wait);
            }
        }
    }

    get now() {
        return DateTime.fromMillis(this.minutes.now + this.skew);
    }

    get clock() {
        return this.state.data.partner && this.state.data.reach.clock;
    }

    // --- What is shown

    get channelIcon() {
        return this.iconOf(this.state.data.reach.channel_kind);
    }

    iconOf(kind) {
        return CHANNEL_ICONS[kind] || "fa-comment-o";
    }

    get localTime() {
        return formatLocalTime(this.clock.zones, this.now);
    }

    get calling() {
        const {verdict, holiday, next_good: next} = this.clock;
        const words = {
            good: {text: _t("good hour to call"), tone: "success"},
            too_early: {text: _t("too early to call"), tone: "danger"},
            too_late: {text: _t("too late to call"), tone: "danger"},
            weekend: {text: _t("weekend there"), tone: "warning"},
            holiday: {text: _t("public holiday: %s", holiday), tone: "warning"},
            partly: {
                text: _t("not a good hour everywhere in the country"),
                tone: "warning",
            },
        };
        const later = next ? _t("call from %s (your time)", formatEpoch(next)) : "";
        return {...words[verdict], later};
    }

    get firstSegmentTitle() {
        return _t("The first segment names the promise");
    }

    get needs() {
        return this.state.data.needs.map((need) => ({
            ...need,
            ...describeNeed(need),
            title: need.satisfaction
                ? _t(
                      "Important: %(importance)s of 5. Met: %(satisfaction)s of 5.",
                      need
                  )
                : _t("Important: %s of 5.", need.importance),
        }));
    }

    get promises() {
        const now = this.now.toSeconds();
        return this.tickets.promises.next.map((promise) => {
            const late = promise.deadline < now;
            const moment = formatEpoch(promise.deadline);
            return {
                ...promise,
                late,
                when: late ? _t("late, was due %s", moment) : _t("due %s", moment),
                ticket: this.nameOf(promise),
            };
        });
    }

    get contacts() {
        return this.tickets.contacts.map((contact, index) => {
            const at = DateTime.fromSeconds(contact.at);
            return {
                ...contact,
                key: index,
                icon: this.iconOf(contact.channel_kind),
                speaker: this.speakerOf(contact),
                deed: this.deedOf(contact),
                ago: at.toRelative({base: this.now, style: "short"}),
                exact: at.toLocaleString(DateTime.DATETIME_MED_WITH_WEEKDAY),
            };
        });
    }

    speakerOf({by, who}) {
        if (by === "we") {
            return who ? _t("We (%s)", who) : _t("We");
        }
        return who || _t("The customer");
    }

    deedOf(contact) {
        const ticket = this.nameOf(contact);
        if (contact.by === "we") {
            return _t("answered: %s", ticket);
        }
        return contact.is_request ? _t("asked: %s", ticket) : _t("wrote: %s", ticket);
    }

    nameOf({id, number, title}) {
        return this.onTicket && id === this.props.record.resId
            ? _t("this ticket")
            : `${number} ${title}`;
    }

    get opinions() {
        return this.tickets.opinions.last.map((opinion, index) => ({
            ...opinion,
            ...GRADES[opinion.grade],
            key: index,
            on: opinion.at
                ? DateTime.fromSeconds(opinion.at).toLocaleString(DateTime.DATE_MED)
                : "",
        }));
    }

    /** By it the browser knows how capitals are written, without accents in Greek. */
    get language() {
        return user.lang;
    }

    get tickets() {
        return this.state.data.tickets;
    }

    /** Nothing but the ticket in front of the agent, or nothing at all. */
    get isFirstContact() {
        const {total, contacts} = this.tickets;
        const here = this.onTicket ? this.props.record.resId : 0;
        return total <= 1 && contacts.every((contact) => contact.id === here);
    }

    /** Numbers come after what they count: not every language has one plural. */
    get texts() {
        const {promises, complaints, opinions} = this.tickets;
        return {
            open: _t("Open requests: %s", promises.open),
            late: _t("late: %s", promises.late),
            openComplaints: _t("Open complaints: %s", complaints.open),
            yearComplaints: _t("In 12 months: %s", complaints.year),
            opinions: _t("Good in 12 months: %(good)s of %(total)s", {
                good: opinions.year_good,
                total: opinions.year_total,
            }),
        };
    }

    get prefersText() {
        return _t("prefers %s", this.state.data.reach.channel);
    }

    get requestsText() {
        const {total, is_more: isMore} = this.tickets;
        return isMore ? _t("Requests: more than %s", total) : _t("Requests: %s", total);
    }

    // --- Buttons

    toggle() {
        this.state.folded = !this.state.folded;
        browser.localStorage.setItem(REMEMBERED, this.state.folded ? "yes" : "no");
    }

    urlOf(id) {
        return `/odoo/${TICKET}/${id}`;
    }

    openRecord(resModel, resId) {
        this.action.doAction({
            type: "ir.actions.act_window",
            res_model: resModel,
            res_id: resId,
            views: [[false, "form"]],
        });
    }

    openTicket(id) {
        if (!this.onTicket || id !== this.props.record.resId) {
            this.openRecord(TICKET, id);
        }
    }

    openTickets(name, condition = [], context = {}) {
        this.action.doAction({
            type: "ir.actions.act_window",
            name,
            res_model: TICKET,
            views: [
                [false, "list"],
                [false, "form"],
            ],
            domain: [
                ["commercial_partner_id", "=", this.tickets.customer],
                ...condition,
            ],
            context,
        });
    }

    openAll() {
        this.openTickets(_t("Requests"), [], {active_test: false});
    }

    openOpen() {
        this.openTickets(_t("Open requests"), [["csp_closed_as", "=", false]]);
    }

    openComplaints() {
        this.openTickets(_t("Complaints"), [["csp_is_complaint", "=", true]]);
    }

    openWhy() {
        this.action.doAction({
            type: "ir.actions.client",
            tag: "csp_segments_why",
            name: _t("Why these segments?"),
            target: "new",
            params: {partner_id: this.state.data.partner.id},
        });
    }

    async matchAgain() {
        const {record} = this.props;
        if ((await record.save()) !== false) {
            await this.orm.call(TICKET, "action_csp_match_again", [[record.resId]]);
            await record.load();
        }
    }
}

registry.category("view_widgets").add("csp_customer_card", {component: CustomerCard});
