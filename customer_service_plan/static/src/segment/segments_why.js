import {Component, onMounted, onWillStart, useRef, useState} from "@odoo/owl";
import {RecordSelector} from "@web/core/record_selectors/record_selector";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";
import {useService} from "@web/core/utils/hooks";

const CUSTOMER = "res.partner";
const SEGMENT = "csp.segment";
const LOOKS = {
    yes: {icon: "fa-check", tone: "text-success"},
    no: {icon: "fa-times", tone: "text-danger"},
    unknown: {icon: "fa-question", tone: "text-warning"},
    hidden: {icon: "fa-lock", tone: "text-muted"},
};
// More than these, and only the segments of the customer are unfolded.
const UNFOLDED = 3;

/**
 * Why a customer is in a segment or not, rule by rule.
 *
 * Of which customer and which segments it tells comes with the action, in `params`
 * (`partner_id`, `segment_ids`) or as the record that it was opened from. Without a
 * customer it asks for one.
 */
export class SegmentsWhy extends Component {
    static template = "customer_service_plan.SegmentsWhy";
    static components = {RecordSelector};
    static props = {...standardActionServiceProps};

    setup() {
        this.orm = useService("orm");
        this.treeProcessor = useService("tree_processor");
        this.root = useRef("root");
        const {params = {}, context = {}} = this.props.action;
        const from = (model) => context.active_model === model && context.active_id;
        const segment = from(SEGMENT);
        this.segmentIds = params.segment_ids || (segment ? [segment] : null);
        const partnerId = params.partner_id || from(CUSTOMER) || false;
        this.asksForCustomer = !partnerId;
        this.asked = 0;
        this.state = useState({partnerId, data: null});
        onWillStart(() => this.load());
        onMounted(() => {
            if (this.asksForCustomer) {
                this.root.el.querySelector("input")?.focus();
            }
        });
    }

    async load() {
        const question = ++this.asked;
        const {partnerId} = this.state;
        if (!partnerId) {
            this.state.data = null;
            return;
        }
        const data = await this.orm.call(
            CUSTOMER,
            "csp_segments_why",
            [[partnerId]],
            this.segmentIds ? {segment_ids: this.segmentIds} : {}
        );
        await Promise.all(
            data.segments
                .flatMap((segment) => segment.rules)
                .filter((rule) => rule.domain)
                .map(async (rule) => {
                    rule.wanted = (await this.inWords(rule.domain)) || rule.wanted;
                })
        );
        if (question === this.asked) {
            this.state.data = data;
        }
    }

    /** What Odoo's domain editor would show, as one sentence; "" if it cannot. */
    async inWords(domain) {
        try {
            const tree = await this.treeProcessor.treeFromDomain(CUSTOMER, domain);
            const all = !tree.negate && tree.type === "connector" && tree.value === "&";
            const parts = await Promise.all(
                (all ? tree.children : [tree]).map((part) =>
                    this.treeProcessor.getDomainTreeDescription(CUSTOMER, part)
                )
            );
            return parts.join("; ");
        } catch {
            // It names a field or a record that is gone, or that this user cannot see.
            return "";
        }
    }

    onCustomer(partnerId) {
        this.state.partnerId = partnerId;
        return this.load();
    }

    get segments() {
        const {data} = this.state;
        const members = data.segments.filter((segment) => segment.member);
        const others = data.segments.filter((segment) => !segment.member);
        return [...members, ...others].map((segment) => ({
            ...segment,
            open: segment.member || data.segments.length <= UNFOLDED,
            headline: segment.member ? _t("belongs here") : _t("does not belong here"),
            notes: this.notesOf(segment),
            rules: segment.rules.map((rule) => ({
                ...rule,
                ...LOOKS[rule.verdict],
                title: this.titleOf(rule),
                actual: this.actualOf(rule),
            })),
        }));
    }

    notesOf(segment) {
        const notes = [];
        if (segment.through_company) {
            notes.push(
                this.state.data.company
                    ? _t("Through the company %s.", this.state.data.company)
                    : _t("Through the company.")
            );
        }
        if (segment.by_hand) {
            notes.push(
                segment.member
                    ? _t("Put in by hand: the segment has no rules.")
                    : _t(
                          "The segment has no rules: customers are put in by hand, and this one was not."
                      )
            );
        }
        if (segment.pending) {
            notes.push(_t("Customers are just being sorted: this may still change."));
        }
        return notes;
    }

    get hidesSome() {
        return this.state.data.segments.some((segment) =>
            segment.rules.some((rule) => rule.verdict === "hidden")
        );
    }

    titleOf(rule) {
        switch (rule.verdict) {
            case "yes":
                return _t("Fits");
            case "no":
                return _t("Does not fit");
            case "unknown":
                return _t("Not known");
        }
        return _t("Private");
    }

    actualOf(rule) {
        switch (rule.verdict) {
            case "hidden":
                return "";
            case "unknown":
                return rule.actual || _t("not known");
        }
        return rule.actual || "";
    }
}

registry.category("actions").add("csp_segments_why", SegmentsWhy);
