import {Component, onWillDestroy, useEffect, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useService} from "@web/core/utils/hooks";

const PAUSE = 1000;

/**
 * How far a long work has come, in percent, without reloading the page.
 *
 * The work is done in the background and only watched; with the option `method`, that
 * method does one part of it at each call, until it returns false.
 */
export class HistoryProgress extends Component {
    static template = "customer_service_plan.HistoryProgress";
    static props = {
        ...standardFieldProps,
        method: {type: String, optional: true},
        states: {type: Array},
    };

    setup() {
        this.orm = useService("orm");
        this.ui = useState({error: ""});
        this.timer = null;
        this.gone = false;
        useEffect(
            (running) => {
                if (running) {
                    this.plan(this.props.method ? 0 : PAUSE);
                }
            },
            () => [this.isRunning]
        );
        onWillDestroy(() => {
            this.gone = true;
            clearTimeout(this.timer);
        });
    }

    get isRunning() {
        return this.props.states.includes(this.props.record.data.state);
    }

    get percent() {
        return Math.min(100, Math.round(this.props.record.data[this.props.name] || 0));
    }

    get label() {
        return `${this.percent} %`;
    }

    plan(delay) {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.step(), delay);
    }

    async step() {
        const {record, method} = this.props;
        try {
            if (method) {
                await this.orm.silent.call(record.resModel, method, [record.resId]);
            }
            if (!this.gone) {
                await record.load();
            }
            this.ui.error = "";
        } catch (error) {
            // The connection may come back, and then the work goes on where it was.
            this.ui.error = error.data?.message || _t("No connection. Trying again…");
            if (error.data) {
                return;
            }
        }
        if (!this.gone && this.isRunning) {
            this.plan(method ? 0 : PAUSE);
        }
    }
}

registry.category("fields").add("csp_history_progress", {
    component: HistoryProgress,
    displayName: _t("Progress of a long work"),
    supportedTypes: ["float"],
    extractProps: ({options}) => ({
        method: options.method,
        states: options.states || ["running"],
    }),
    fieldDependencies: [{name: "state", type: "selection"}],
});
