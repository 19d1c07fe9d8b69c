import {Component, useEffect, useExternalListener, useRef, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {formatEpoch} from "../ticket/moment";
import {url} from "@web/core/utils/urls";

/** Milliseconds until a selection counts as finished. */
const SETTLED = 150;

const EVENT_ICONS = {
    closed: "fa-check",
    reopened: "fa-undo",
    handover: "fa-exchange",
    missed: "fa-clock-o",
    escalated: "fa-level-up",
    merged: "fa-compress",
};

/** The conversation of a ticket, from which words are quoted. */
export class Conversation extends Component {
    static template = "customer_service_plan.QualityConversation";
    static props = {
        /** Messages and events in their order, bodies as markup */
        items: Array,
        ticket: Object,
        leftOut: Number,
        selected: [Number, {value: null}],
        mayQuote: Boolean,
        onQuote: Function,
        onSelect: Function,
    };

    setup() {
        this.root = useRef("root");
        this.state = useState({floating: null, unfolded: {}});
        this.timer = null;
        useExternalListener(document, "selectionchange", () => {
            clearTimeout(this.timer);
            this.timer = setTimeout(() => this.followSelection(), SETTLED);
        });
        useEffect(
            (selected) => {
                if (selected !== null) {
                    this.reveal(selected);
                }
            },
            () => [this.props.selected]
        );
    }

    reveal(id) {
        const message = this.root.el?.querySelector(`[data-message="${id}"]`);
        message?.scrollIntoView({block: "nearest", behavior: "smooth"});
    }

    /** Words that are selected in one message: {id, text}, or null. */
    getSelected() {
        const selection = document.getSelection();
        const text = selection?.toString().trim();
        const root = this.root.el;
        if (!text || !root || !root.contains(selection.anchorNode)) {
            return null;
        }
        const closest = (node) =>
            (node?.nodeType === Node.TEXT_NODE ? node.parentElement : node)?.closest(
                ".o_csp_message_body"
            );
        const body = closest(selection.anchorNode);
        // A double click on the last word ends at the start of what follows.
        if (!body || !(closest(selection.focusNode) || body).isSameNode(body)) {
            return null;
        }
        return {id: Number(body.closest("[data-message]").dataset.message), text};
    }

    followSelection() {
        const found = this.props.mayQuote && this.getSelected();
        if (!found) {
            this.state.floating = null;
            return;
        }
        const range = document.getSelection().getRangeAt(0).getBoundingClientRect();
        const pane = this.root.el.getBoundingClientRect();
        this.state.floating = {
            ...found,
            top: range.bottom - pane.top + this.root.el.scrollTop + 4,
            left: Math.max(0, Math.min(range.left - pane.left, pane.width - 110)),
        };
    }

    quoteFloating() {
        const {id, text} = this.state.floating;
        this.state.floating = null;
        document.getSelection().removeAllRanges();
        this.props.onQuote(id, text);
    }

    /** The words of a whole message. */
    getText(id) {
        const body = this.root.el.querySelector(
            `[data-message="${id}"] .o_csp_message_body`
        );
        return body?.innerText.trim() || "";
    }

    quoteMessage(id) {
        this.props.onQuote(id, this.getText(id));
    }

    onClickBody(ev) {
        // The page is not left in the middle of a review.
        const link = ev.target.closest("a[href]");
        if (link) {
            link.target = "_blank";
            link.rel = "noopener noreferrer";
        }
    }

    toggleQuoted(id) {
        this.state.unfolded[id] = !this.state.unfolded[id];
    }

    messageClass(message) {
        return {
            [`o_csp_message_${message.role}`]: true,
            o_csp_message_selected: this.props.selected === message.id,
            o_csp_message_reviewed: message.is_reviewed,
            o_csp_message_note: message.is_note,
        };
    }

    // --- Texts

    when(seconds) {
        return formatEpoch(seconds);
    }

    initials(name) {
        const parts = name.split(/\s+/).filter(Boolean);
        return [parts[0], parts.length > 1 ? parts.at(-1) : ""]
            .map((part) => (part || "").charAt(0).toUpperCase())
            .join("");
    }

    icon(event) {
        return EVENT_ICONS[event.kind] || "fa-circle-o";
    }

    attachmentUrl({id, token}) {
        return url(`/web/content/${id}`, {access_token: token});
    }

    get leftOutText() {
        return _t("%s older messages are not shown.", this.props.leftOut);
    }

    promiseClass({state}) {
        return (
            {met: "text-bg-success", missed: "text-bg-danger"}[state] ||
            "text-bg-light border"
        );
    }
}
