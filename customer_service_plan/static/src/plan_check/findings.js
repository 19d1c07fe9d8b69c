import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useService} from "@web/core/utils/hooks";

/** What speaks against publishing a version, the gravest first. */
export class FindingsField extends Component {
    static template = "customer_service_plan.FindingsField";
    static props = {...standardFieldProps, openNotes: {type: Boolean, optional: true}};

    setup() {
        this.action = useService("action");
    }

    get groups() {
        const findings = this.props.record.data[this.props.name] || [];
        return [
            {
                severity: "blocks",
                title: _t("It cannot be published yet"),
                icon: "fa-ban text-danger",
            },
            {
                severity: "reason",
                title: _t("Not borne out: publishing takes a written reason"),
                icon: "fa-exclamation-triangle text-warning",
            },
            {
                severity: "note",
                title: _t("Good to know"),
                icon: "fa-info-circle text-muted",
            },
        ]
            .map((group) => ({
                ...group,
                findings: findings.filter(({severity}) => severity === group.severity),
            }))
            .filter((group) => group.findings.length);
    }

    /** What is only good to know stays folded where a form is to be calm. */
    isOpen(group) {
        return group.severity !== "note" || this.props.openNotes;
    }

    /** Open what mends a finding. */
    mend(finding) {
        return this.action.doAction(finding.action);
    }
}

registry.category("fields").add("csp_findings", {
    component: FindingsField,
    displayName: _t("Findings before publishing"),
    supportedTypes: ["json"],
    extractProps: ({options}) => ({openNotes: Boolean(options.open_notes)}),
});
