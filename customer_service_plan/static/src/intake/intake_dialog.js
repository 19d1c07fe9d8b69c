import {Component, onMounted, onWillStart, onWillUnmount, useEffect} from "@odoo/owl";
import {reactive, useRef, useState} from "@odoo/owl";
import {ConfirmationDialog} from "@web/core/confirmation_dialog/confirmation_dialog";
import {ConnectionLostError} from "@web/core/network/rpc";
import {CustomerCard} from "../customer/customer_card";
import {Dialog} from "@web/core/dialog/dialog";
import {_t} from "@web/core/l10n/translation";
import {browser} from "@web/core/browser/browser";
import {deserializeDateTime} from "@web/core/l10n/dates";
import {draft} from "./intake_draft";
import {formatMoment} from "../ticket/moment";
import {useService} from "@web/core/utils/hooks";

const {DateTime} = luxon;

const SECOND = 1000;
const MINUTE = 60;
const HOUR = 3600;
// So long after the last key the server is asked.
const PAUSE = 150;
const FEWEST_CHARS = 2;
const SHOWN_TICKETS = 5;
const TICKET = "helpdesk.ticket";
const EMPTY = {
    customer: null,
    ticketId: 0,
    subject: "",
    text: "",
    categoryId: 0,
    teamId: 0,
    channelId: 0,
    mine: true,
    complaint: false,
};

/** @returns {String} that nobody else has; `randomUUID` is for encrypted pages only */
function newKey() {
    const numbers = crypto.getRandomValues(new Uint32Array(4));
    return Array.from(numbers, (number) => number.toString(36)).join("-");
}

/**
 * @param {Number} seconds
 * @returns {String} as a clock shows it: “4:05”, “1:04:05”
 */
export function formatClock(seconds) {
    const whole = Math.max(0, Math.floor(seconds));
    const two = (number) => String(number).padStart(2, "0");
    const rest = `${two(Math.floor((whole % HOUR) / MINUTE))}:${two(whole % MINUTE)}`;
    return whole < HOUR
        ? rest.replace(/^0/, "")
        : `${Math.floor(whole / HOUR)}:${rest}`;
}

/** A contact on the phone or at the counter, taken down while it goes on. */
export class IntakeDialog extends Component {
    static template = "customer_service_plan.IntakeDialog";
    static components = {CustomerCard, Dialog};
    static props = {close: Function};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.dialog = useService("dialog");
        this.notification = useService("notification");
        this.ui = useService("ui");
        const kept = draft.read();
        this.startedAt = kept ? kept.startedAt : Date.now();
        this.key = kept ? kept.key : newKey();
        this.form = useState({...EMPTY, ...(kept && kept.form)});
        this.state = useState({
            now: Date.now(),
            query: kept ? kept.query : "",
            found: null,
            active: 0,
            asking: false,
            offline: false,
            tickets: [],
            saving: false,
            error: "",
            missing: false,
            restored: Boolean(kept),
        });
        this.options = {channels: [], teams: [], categories: []};
        this.searchRef = useRef("search");
        this.subjectRef = useRef("subject");
        this.newRef = useRef("newName");
        this.ticketsRef = useRef("tickets");
        this.errorRef = useRef("error");
        this.asked = 0;
        this.timer = null;
        this.cardRecords = new Map();
        // Where the cursor goes as soon as that is on the screen.
        this.next = null;
        this.env.dialogData.dismiss = () => this.askBeforeDiscarding();
        onWillStart(() => this.loadOptions());
        useEffect(
            () => this.keep(),
            () => [JSON.stringify(this.form), this.state.query]
        );
        useEffect(() => this.moveCursor());
        onMounted(() => {
            this.clock = browser.setInterval(() => {
                this.state.now = Date.now();
            }, SECOND);
            this.focusFirst();
            if (this.form.customer) {
                this.loadTickets();
            } else {
                this.search();
            }
        });
        onWillUnmount(() => {
            this.asked = -1;
            browser.clearTimeout(this.timer);
            browser.clearInterval(this.clock);
        });
    }

    async loadOptions() {
        this.options = await this.orm.call(TICKET, "csp_intake_options", []);
        if (!this.state.restored) {
            this.form.channelId = this.options.channel || 0;
            this.form.teamId = this.options.team || 0;
        }
    }

    focusFirst() {
        const {customer} = this.form;
        (customer ? this.subjectRef : this.searchRef).el?.focus();
    }

    moveCursor() {
        const element = this.next?.();
        if (element) {
            this.next = null;
            element.focus();
            if (element === this.searchRef.el) {
                element.select();
            }
        }
    }

    // --- The draft

    get isEmpty() {
        const {customer, subject, text} = this.form;
        return !(customer || subject.trim() || text.trim() || this.state.query.trim());
    }

    keep() {
        if (this.isEmpty) {
            draft.forget();
            return;
        }
        draft.keep({
            startedAt: this.startedAt,
            key: this.key,
            query: this.state.query,
            form: {...this.form},
        });
    }

    /** Resolved only when there is nothing to lose: the dialog closes after it. */
    askBeforeDiscarding() {
        if (this.state.saving) {
            return new Promise(() => {});
        }
        if (this.isEmpty) {
            draft.forget();
            return Promise.resolve();
        }
        return new Promise((resolve) => {
            this.dialog.add(ConfirmationDialog, {
                title: _t("Throw this contact away?"),
                body: _t("What you have typed has not been saved."),
                // The button that loses nothing is the one that a slip presses.
                confirmLabel: _t("Go on"),
                cancelLabel: _t("Throw away"),
                confirm: () => this.focusFirst(),
                dismiss: () => this.focusFirst(),
                cancel: () => {
                    draft.forget();
                    resolve();
                },
            });
        });
    }

    startAfresh() {
        draft.forget();
        this.startedAt = Date.now();
        this.key = newKey();
        Object.assign(this.form, EMPTY, {
            channelId: this.options.channel || 0,
            teamId: this.options.team || 0,
        });
        Object.assign(this.state, {
            query: "",
            found: null,
            tickets: [],
            error: "",
            restored: false,
            now: Date.now(),
        });
        this.next = () => this.searchRef.el;
    }

    // --- Time

    get elapsed() {
        return Math.max(0, (this.state.now - this.startedAt) / SECOND);
    }

    get elapsedText() {
        return formatClock(this.elapsed);
    }

    get sinceText() {
        return _t("since %s", formatMoment(DateTime.fromMillis(this.startedAt)));
    }

    // --- Who is it?

    onQuery(ev) {
        this.state.query = ev.target.value;
        this.state.found = null;
        browser.clearTimeout(this.timer);
        this.timer = browser.setTimeout(() => this.search(), PAUSE);
    }

    async search() {
        browser.clearTimeout(this.timer);
        const number = ++this.asked;
        const text = this.state.query.trim();
        this.state.offline = false;
        if (text.length < FEWEST_CHARS) {
            this.state.found = null;
            this.state.asking = false;
            return;
        }
        this.state.asking = true;
        let found = null;
        let offline = false;
        try {
            found = await this.orm.silent.call("res.partner", "csp_lookup", [text]);
        } catch {
            offline = true;
        }
        // A slower answer to what was typed before tells nothing any more.
        if (number === this.asked) {
            Object.assign(this.state, {found, offline, active: 0, asking: false});
        }
    }

    get choices() {
        const {found, query, offline} = this.state;
        if (query.trim().length < FEWEST_CHARS || !(found || offline)) {
            return [];
        }
        const {tickets = [], customers = []} = found || {};
        return [
            ...tickets.map((ticket) => ({
                key: `t${ticket.id}`,
                icon: "fa-ticket",
                name: `${ticket.number} ${ticket.title}`,
                details: ticket.who || "",
                badge: ticket.closed ? _t("Closed") : "",
                ticket,
            })),
            ...customers.map((customer) => ({
                key: `c${customer.id}`,
                icon: customer.is_company ? "fa-building-o" : "fa-user-o",
                name: customer.name,
                company: customer.company,
                details: [customer.phone, customer.email, customer.city]
                    .filter(Boolean)
                    .join(" · "),
                badge: customer.archived ? _t("Archived") : "",
                customer,
            })),
            {
                key: "new",
                icon: "fa-plus",
                name: this.options.can_create_contact
                    ? _t("New customer")
                    : _t("Somebody without a contact"),
                details: query.trim(),
                badge: "",
            },
        ];
    }

    get noMatch() {
        const {found} = this.state;
        return found && !found.customers.length && !found.tickets.length;
    }

    onSearchKey(ev) {
        const {choices} = this;
        if (ev.key === "Enter" && !ev.ctrlKey && !ev.metaKey) {
            ev.preventDefault();
            if (choices.length) {
                this.choose(choices[this.state.active]);
            } else {
                this.search();
            }
        } else if (["ArrowDown", "ArrowUp"].includes(ev.key) && choices.length) {
            ev.preventDefault();
            const step = ev.key === "ArrowDown" ? 1 : choices.length - 1;
            this.state.active = (this.state.active + step) % choices.length;
        }
    }

    choose({ticket, customer}) {
        if (ticket) {
            this.chooseTicket(ticket);
        } else if (customer) {
            this.chooseCustomer(customer);
        } else {
            this.chooseNew();
        }
    }

    chooseCustomer(customer) {
        this.form.customer = {...customer, isNew: false};
        this.form.ticketId = 0;
        this.state.tickets = [];
        this.loadTickets(true);
    }

    chooseTicket(ticket) {
        if (ticket.customer) {
            this.form.customer = {...ticket.customer, isNew: false};
        } else {
            this.form.customer = {
                isNew: false,
                id: 0,
                name: ticket.who || _t("Unknown"),
            };
        }
        this.form.ticketId = ticket.closed ? 0 : ticket.id;
        this.state.tickets = ticket.closed ? [] : [{...ticket, name: ticket.title}];
        this.loadTickets(true);
    }

    chooseNew() {
        const query = this.state.query.trim();
        const known = this.state.found?.new || {name: query, phone: "", email: ""};
        this.form.customer = {id: 0, isNew: true, ...known};
        this.form.ticketId = 0;
        this.state.tickets = [];
        this.next = () => (known.name ? this.subjectRef : this.newRef).el;
    }

    forgetCustomer() {
        this.form.customer = null;
        this.form.ticketId = 0;
        this.state.tickets = [];
        this.next = () => this.searchRef.el;
        this.search();
    }

    /** The card looks at a record of a form: this is all it needs of one. */
    get record() {
        const {id} = this.form.customer;
        if (!this.cardRecords.has(id)) {
            const values = {resModel: "res.partner", resId: id, data: {}, dirty: false};
            this.cardRecords.set(id, reactive(values));
        }
        // The same for each rendering: another record would be asked for anew.
        return this.cardRecords.get(id);
    }

    /** Is it about something that is open already? */
    async loadTickets(focus = false) {
        const {customer, ticketId} = this.form;
        let tickets = this.state.tickets;
        if (customer?.entity) {
            try {
                tickets = await this.orm.silent.searchRead(
                    TICKET,
                    [
                        ["commercial_partner_id", "=", customer.entity],
                        ["csp_closed_as", "=", false],
                    ],
                    ["number", "name", "stage_id", "csp_last_contact_at"],
                    {limit: SHOWN_TICKETS, order: "csp_last_contact_at desc, id desc"}
                );
            } catch {
                // Without them it is something new.
            }
        }
        if (this.form.customer?.id !== customer?.id) {
            return;
        }
        const chosen = this.state.tickets.find((ticket) => ticket.id === ticketId);
        if (chosen && !tickets.some((ticket) => ticket.id === ticketId)) {
            tickets = [chosen, ...tickets];
        }
        if (ticketId && !tickets.some((ticket) => ticket.id === ticketId)) {
            this.form.ticketId = 0;
        }
        this.state.tickets = tickets;
        if (focus) {
            this.next = () =>
                this.ticketsRef.el?.querySelector("input:checked") ||
                this.subjectRef.el;
            this.render();
        }
    }

    get openTickets() {
        return this.state.tickets.map((ticket) => {
            const at = ticket.csp_last_contact_at;
            return {
                id: ticket.id,
                name: `${ticket.number} ${ticket.name}`,
                details: [
                    ticket.stage_id && ticket.stage_id[1],
                    at && formatMoment(deserializeDateTime(at)),
                ]
                    .filter(Boolean)
                    .join(" · "),
            };
        });
    }

    // --- What is it about?

    get channels() {
        return this.options.channels;
    }

    onTeam() {
        const team = this.options.teams.find(({id}) => id === this.form.teamId);
        this.form.mine = !team || team.mine;
    }

    get subjectHint() {
        return this.form.ticketId
            ? _t("What is new about it? (may stay empty)")
            : _t("In a few words");
    }

    // --- Saving

    get values() {
        const {form} = this;
        const customer = form.customer || {};
        return {
            key: this.key,
            seconds: Math.floor((Date.now() - this.startedAt) / SECOND),
            ticket_id: form.ticketId,
            partner_id: customer.id || false,
            customer: customer.isNew
                ? {name: customer.name, phone: customer.phone, email: customer.email}
                : {name: customer.name || this.unchosen},
            subject: form.subject,
            text: form.text,
            channel_id: form.channelId,
            team_id: form.ticketId ? 0 : form.teamId,
            category_id: form.ticketId ? 0 : form.categoryId,
            mine: form.mine,
            complaint: form.complaint,
        };
    }

    /** What was typed of a customer whom nobody chose is not lost. */
    get unchosen() {
        return this.form.customer ? "" : this.state.query.trim();
    }

    async save(settled) {
        if (this.state.saving) {
            return;
        }
        if (!this.form.ticketId && !this.form.subject.trim()) {
            this.state.missing = true;
            this.subjectRef.el.focus();
            return;
        }
        Object.assign(this.state, {saving: true, error: "", missing: false});
        let saved = null;
        try {
            const values = {...this.values, settled};
            saved = await this.orm.call(TICKET, "csp_log_contact", [values]);
        } catch (error) {
            Object.assign(this.state, {saving: false, error: this.explain(error)});
            this.next = () => this.errorRef.el;
            return;
        }
        draft.forget();
        this.tell(saved);
        this.props.close();
        this.refresh();
    }

    explain(error) {
        if (error instanceof ConnectionLostError) {
            return _t(
                "The connection is lost. What you typed is kept: save again when it is " +
                    "back. Nothing will be saved twice."
            );
        }
        const {data, message} = error;
        if (data && data.name === "odoo.http.SessionExpiredException") {
            return _t(
                "You are logged out. What you typed is kept: log in in another tab, " +
                    "then save again."
            );
        }
        return (data && data.message) || message || _t("It could not be saved.");
    }

    tell({id, number, closed, visible, message, next}) {
        const said = closed
            ? _t("%s: saved and solved", number)
            : _t("%s: saved", number);
        const open = () =>
            this.action.doAction({
                type: "ir.actions.act_window",
                res_model: TICKET,
                res_id: id,
                views: [[false, "form"]],
            });
        const goOn = () =>
            this.action.doAction(next.action, {additionalContext: next.context});
        const text = message
            ? _t("%(number)s is saved, but still open. %(why)s", {number, why: message})
            : said;
        this.notification.add(text, {
            type: message ? "warning" : "success",
            sticky: Boolean(message),
            buttons: [
                ...(next ? [{name: next.label, onClick: goOn, primary: true}] : []),
                ...(visible ? [{name: _t("Open"), onClick: open, primary: !next}] : []),
            ],
        });
    }

    /** A list of tickets behind the dialog shows the new one. */
    refresh() {
        const {currentController} = this.action;
        const {resModel, type} = currentController?.props || {};
        if (resModel === TICKET && ["list", "kanban"].includes(type)) {
            this.action.doAction("soft_reload");
        }
    }
}
