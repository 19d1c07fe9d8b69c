import {Component, onWillDestroy, useEffect, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useService} from "@web/core/utils/hooks";

const PAUSE = 2000;

/**
 * How far the customers of a segment have been sorted, in percent.
 *
 * Only these two values are asked for again and again; the page is loaded anew at the
 * end, and not while somebody has changes on it that are not saved.
 */
export class SegmentProgress extends Component {
    static template = "customer_service_plan.SegmentProgress";
    static props = {...standardFieldProps};

    setup() {
        this.orm = useService("orm");
        this.state = useState({percent: 0, done: false, error: ""});
        this.timer = null;
        this.gone = false;
        useEffect(
            (pending, value) => {
                clearTimeout(this.timer);
                if (pending) {
                    Object.assign(this.state, {percent: value || 0, done: false});
                    this.plan();
                }
            },
            () => {
                const {data, resId} = this.props.record;
                return [data.is_pending, data[this.props.name], resId];
            }
        );
        onWillDestroy(() => {
            this.gone = true;
            clearTimeout(this.timer);
        });
    }

    get percent() {
        return Math.min(100, Math.max(0, Math.round(this.state.percent)));
    }

    get text() {
        return this.state.done
            ? _t("All customers are sorted. Save your changes to see the result.")
            : _t("Customers are being sorted, %s %%", this.percent);
    }

    plan() {
        this.timer = setTimeout(() => this.ask(), PAUSE);
    }

    async ask() {
        const {record, name} = this.props;
        const {resModel, resId} = record;
        try {
            const [found] = await this.orm.silent.read(
                resModel,
                [resId],
                ["is_pending", name]
            );
            if (this.gone || resId !== this.props.record.resId) {
                return;
            }
            this.state.error = "";
            if (found?.is_pending) {
                this.state.percent = found[name];
            } else {
                this.state.percent = 100;
                if (!(await record.isDirty())) {
                    await record.load();
                    return;
                }
                this.state.done = true;
            }
        } catch (error) {
            if (error.data) {
                this.state.error = error.data.message;
                return;
            }
            // The connection may come back; the work goes on meanwhile.
            this.state.error = _t("No connection. Trying again…");
        }
        if (!this.gone) {
            this.plan();
        }
    }
}

registry.category("fields").add("csp_segment_progress", {
    component: SegmentProgress,
    displayName: _t("How far customers have been sorted"),
    supportedTypes: ["integer", "float"],
    isEmpty: () => false,
    fieldDependencies: [{name: "is_pending", type: "boolean"}],
});
