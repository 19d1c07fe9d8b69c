import {Component, useEffect, useState} from "@odoo/owl";
import {STEP_TICKED} from "./procedure_page";
import {_t} from "@web/core/l10n/translation";
import {browser} from "@web/core/browser/browser";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useBus} from "@web/core/utils/hooks";

const PAGE = ".o_notebook_headers .nav-link[name=csp_procedure]";

// Milliseconds until the page has been drawn.
const SETTLE = 100;

/** How far the procedure of a ticket is, and what comes next, in one line. */
export class ProcedureHint extends Component {
    static template = "customer_service_plan.ProcedureHint";
    static props = {...standardFieldProps};

    setup() {
        // What was ticked since the record was loaded.
        this.state = useState({ticket: 0, hint: null});
        useBus(this.env.bus, STEP_TICKED, ({detail}) =>
            Object.assign(this.state, detail)
        );
        useEffect(
            () => {
                this.state.ticket = 0;
            },
            () => [this.loaded]
        );
    }

    get loaded() {
        return this.props.record.data[this.props.name];
    }

    get hint() {
        return this.state.ticket && this.state.ticket === this.props.record.resId
            ? this.state.hint
            : this.loaded;
    }

    get complete() {
        return this.hint.done === this.hint.total;
    }

    get text() {
        const {done, total} = this.hint;
        return this.complete
            ? _t("Procedure done: %(done)s of %(total)s", {done, total})
            : _t("Procedure: %(done)s of %(total)s", {done, total});
    }

    get next() {
        return _t("Next: %s", this.hint.next);
    }

    show(ev) {
        const tab = ev.currentTarget.closest(".o_form_view").querySelector(PAGE);
        tab?.click();
        // Not before the page is there: until then the form may be too short for it.
        browser.setTimeout(() => tab?.scrollIntoView({block: "start"}), SETTLE);
    }
}

registry.category("fields").add("csp_procedure_hint", {
    component: ProcedureHint,
    supportedTypes: ["json"],
});
