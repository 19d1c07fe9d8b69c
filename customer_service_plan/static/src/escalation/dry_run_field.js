import {Chain, formatStep} from "./chain";
import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {deserializeDateTime} from "@web/core/l10n/dates";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

const LOOKS = {
    done: {icon: "fa-check", tone: "done", badgeClass: "text-bg-success"},
    planned: {icon: "fa-clock-o", tone: "late", badgeClass: "text-bg-light border"},
    waiting: {
        icon: "fa-pause",
        tone: "plain",
        badgeClass: "text-bg-light border",
    },
    stopped: {
        icon: "fa-hand-paper-o",
        tone: "plain",
        badgeClass: "text-bg-light border",
    },
};

/** What the steps of an escalation list did, and will do, on one ticket. */
export class DryRunField extends Component {
    static template = "customer_service_plan.DryRunField";
    static components = {Chain};
    static props = {...standardFieldProps};

    get plan() {
        const plan = this.props.record.data[this.props.name] || [];
        return plan.map((row) => ({
            ...row,
            epoch: row.at ? deserializeDateTime(row.at).toSeconds() : Infinity,
        }));
    }

    get label() {
        return _t("Steps on this ticket, in the order of time");
    }

    get labels() {
        return {
            done: _t("done"),
            planned: _t("planned"),
            waiting: _t("waiting"),
            stopped: _t("stopped"),
        };
    }

    get rows() {
        const {labels} = this;
        const now = luxon.DateTime.now().toSeconds();
        return this.plan
            .filter((row) => row.state in LOOKS)
            .sort(
                (one, other) => one.epoch - other.epoch || one.sequence - other.sequence
            )
            .map((row) => ({
                kind: "step",
                ...LOOKS[row.state],
                state: row.state,
                ...(row.state === "planned" && row.early && {tone: "early"}),
                badge: labels[row.state],
                number: row.sequence,
                time: row.at ? formatStep(row.epoch, "", now) : "",
                title: row.for ? `${row.for}: ${row.when}` : row.when,
                what: row.what,
                who: row.who.join(", "),
                note: row.why || "",
            }));
    }

    get others() {
        return this.plan
            .filter((row) => !(row.state in LOOKS))
            .map((row) => ({
                title: row.for ? `${row.for}: ${row.when}` : row.when,
                note: row.why,
            }));
    }
}

registry.category("fields").add("csp_dry_run", {
    component: DryRunField,
    displayName: _t("What the steps do on a ticket"),
    supportedTypes: ["json"],
    isEmpty: () => false,
});
