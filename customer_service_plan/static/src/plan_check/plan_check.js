import {Component, onWillStart, useState} from "@odoo/owl";
import {Layout} from "@web/search/layout";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";
import {useService} from "@web/core/utils/hooks";

const ICONS = {
    wrong: "fa-times-circle text-danger",
    doubtful: "fa-exclamation-triangle text-warning",
    note: "fa-info-circle text-muted",
};
/** So many findings of one topic are shown before somebody asks for the others. */
const SHOWN = 8;

/** Whether the plan of a company hangs together, and what to open where it does not. */
export class PlanCheck extends Component {
    static template = "customer_service_plan.PlanCheck";
    static components = {Layout};
    static props = {...standardActionServiceProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({company: false, topics: [], all: {}});
        onWillStart(() => this.load());
    }

    async load() {
        const data = await this.orm.call("csp.plan.check", "csp_check_data", []);
        Object.assign(this.state, data);
    }

    get display() {
        return {controlPanel: {}};
    }

    get severities() {
        return {
            wrong: _t("Does not work"),
            doubtful: _t("Look at it"),
            note: _t("Good to know"),
        };
    }

    /** How many findings there are of each severity that occurs. */
    get counts() {
        const findings = this.state.topics.flatMap((topic) => topic.findings);
        return Object.entries(this.severities)
            .map(([severity, label]) => ({
                severity,
                label,
                icon: ICONS[severity],
                count: findings.filter((each) => each.severity === severity).length,
            }))
            .filter(({count}) => count);
    }

    /** Nothing that anybody would have to do. */
    get isGreen() {
        return !this.counts.some(({severity}) => severity !== "note");
    }

    shown(topic) {
        return this.state.all[topic.key]
            ? topic.findings
            : topic.findings.slice(0, SHOWN);
    }

    hidden(topic) {
        return topic.findings.length - this.shown(topic).length;
    }

    icon(finding) {
        return ICONS[finding.severity];
    }

    /** Open what mends a finding; a dialog leads back here, and all is looked at anew. */
    open(finding) {
        return this.action.doAction(finding.action, {onClose: () => this.load()});
    }
}

registry.category("actions").add("csp_plan_check", PlanCheck);
