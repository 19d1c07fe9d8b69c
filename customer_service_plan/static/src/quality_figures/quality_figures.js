import {Component, onWillStart, useState} from "@odoo/owl";
import {getPlace, getScale} from "../pilot/pilot_results";
import {KeepLast} from "@web/core/utils/concurrency";
import {Layout} from "@web/search/layout";
import {QualityCourse} from "./quality_course";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";
import {useService} from "@web/core/utils/hooks";
import {useSetupAction} from "@web/search/action_hook";

/** Criteria and causes shown before somebody asks for the others. */
const SHOWN = 10;

/** Figures of different kinds beside each other: nothing of the scale is left out. */
const WHOLE_SCALE = {from: 0, to: 100};

/**
 * A figure on a scale: where it stands, and how far its bounds reach.
 *
 * @param {Object} figure with mean, low and high in per cent
 * @param {Object} scale
 * @returns {Object} null where there are too few to tell
 */
export function getBar(figure, scale) {
    if (figure.few) {
        return null;
    }
    const left = getPlace(figure.low, scale);
    return {
        left,
        width: getPlace(figure.high, scale) - left,
        place: getPlace(figure.mean, scale),
    };
}

/**
 * The scale on which all of these figures have room.
 *
 * @param {Array} figures
 * @returns {Object}
 */
export function getCommonScale(figures) {
    const told = figures.filter((figure) => !figure.few);
    return getScale(told.length ? told.map((figure) => figure.low) : [0]);
}

/** How well tickets were handled, by what was marked in quality reviews. */
export class QualityFigures extends Component {
    static template = "customer_service_plan.QualityFigures";
    static components = {Layout, QualityCourse};
    static props = {...standardActionServiceProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.keepLast = new KeepLast();
        this.state = useState({
            filters: this.props.state?.filters || {...this.props.action.params},
            data: null,
            isLoading: false,
            open: {},
        });
        // Who comes back from the reviews finds what he had chosen.
        useSetupAction({getLocalState: () => ({filters: {...this.state.filters}})});
        this.round = Math.round;
        onWillStart(() => this.load());
    }

    async load() {
        this.state.isLoading = true;
        try {
            const data = await this.keepLast.add(
                this.orm.call("csp.quality.figures", "csp_figures_data", [
                    {...this.state.filters},
                ])
            );
            this.state.data = data;
        } finally {
            this.state.isLoading = false;
        }
    }

    get data() {
        return this.state.data;
    }

    get display() {
        return {controlPanel: {}};
    }

    // === What is looked at ===

    get scopes() {
        const labels = {
            all: _t("Everybody"),
            teams: _t("My teams"),
            mine: _t("My own"),
        };
        return this.data.scopes.map((key) => ({key, label: labels[key]}));
    }

    get periods() {
        return [
            {key: "this_month", label: _t("This month")},
            {key: "last_month", label: _t("Last month")},
            {key: "three_months", label: _t("Three months")},
            {key: "twelve_months", label: _t("Twelve months")},
            {key: "own", label: _t("From … to …")},
        ];
    }

    get selections() {
        const {choice, options} = this.data;
        return [
            {key: "team", label: _t("Team"), any: _t("All teams")},
            {key: "channel", label: _t("Channel"), any: _t("All channels")},
            {key: "scorecard", label: _t("Scorecard"), any: _t("All scorecards")},
        ]
            .map((selection) => ({
                ...selection,
                value: choice[selection.key],
                options: options[selection.key],
            }))
            .filter((selection) => selection.options.length > 1);
    }

    /** Ask for other figures: what is chosen already stays. */
    choose(values) {
        Object.assign(this.state.filters, values);
        return this.load();
    }

    chooseScope(scope) {
        return this.choose({scope, team_id: 0});
    }

    choosePeriod(period) {
        const {date_from, date_to} = this.data.choice;
        return this.choose({period, date_from, date_to});
    }

    /** Days that make no sense yet are still being typed. */
    chooseDay(name, day) {
        const {date_from, date_to} = {...this.data.choice, [name]: day};
        if (day && date_from <= date_to && date_from > "1900") {
            return this.choose({period: "own", date_from, date_to});
        }
        return undefined;
    }

    chooseOption(key, value) {
        return this.choose({[`${key}_id`]: Number(value)});
    }

    // === What is shown ===

    get isMine() {
        return this.data.choice.scope === "mine";
    }

    get tiles() {
        const {total, promises, opinions, team_averages: averages} = this.data;
        const tiles = [
            {
                key: "score",
                label: this.isMine ? _t("My score") : _t("Quality score"),
                figure: total,
                counted: _t("Reviews"),
            },
            ...averages.map((average) => ({
                key: `team_${average.id}`,
                label: _t("Average of %s", average.name),
                figure: average,
                counted: _t("Reviews"),
                help: _t(
                    "Of whole months that are over, with reviews of at least three people."
                ),
                missing: _t(
                    "Shown as soon as a month is over in which at least three people of the team were reviewed."
                ),
            })),
            {
                key: "promises",
                label: _t("Promises kept"),
                figure: promises,
                counted: _t("Promises"),
                help: _t("Kept among those that were kept or missed."),
            },
            {
                key: "opinions",
                label: _t("Happy customers"),
                figure: opinions,
                counted: _t("Answers"),
                help: _t("Happy answers among all that customers gave."),
            },
        ];
        return tiles.map((tile) => ({...tile, bar: getBar(tile.figure, WHOLE_SCALE)}));
    }

    get errors() {
        const {customer, business, compliance} = this.data.total.errors;
        return [
            {key: "customer", label: _t("Critical for the customer"), count: customer},
            {key: "business", label: _t("Critical for the business"), count: business},
            {
                key: "compliance",
                label: _t("Critical for law and rules"),
                count: compliance,
            },
        ].filter((error) => error.count);
    }

    /** Tables of scores; a single row would only say again what all have. */
    get tables() {
        const titles = {
            agent: _t("By agent"),
            team: _t("By team"),
            channel: _t("By channel"),
            policy_version: _t("By policy version"),
            scorecard: _t("By scorecard version"),
        };
        const nothing = {
            team: _t("Without a team"),
            channel: _t("Without a channel"),
            policy_version: _t("Without a policy"),
        };
        const {by, total} = this.data;
        const scale = getCommonScale([total, ...Object.values(by).flat()]);
        return Object.keys(titles)
            .filter((key) => by[key]?.length > (key === "agent" ? 0 : 1))
            .map((key) => ({
                key,
                title: titles[key],
                scale,
                average: total.few ? null : getPlace(total.mean, scale),
                isWide: key === "agent",
                isBeside: key === "agent" || key === "team",
                rows: by[key].map((row) => ({
                    ...row,
                    name: row.name || nothing[key] || "",
                    bar: getBar(row, scale),
                })),
            }));
    }

    get criteria() {
        const {criteria} = this.data;
        const scale = getCommonScale(criteria);
        const isOneCard = new Set(criteria.map((row) => row.of)).size < 2;
        return {
            scale,
            ...this.shorten(
                "criteria",
                criteria.map((row) => ({
                    ...row,
                    of: isOneCard ? "" : row.of,
                    bar: getBar(row, scale),
                }))
            ),
        };
    }

    get causes() {
        const {causes} = this.data;
        const to = Math.max(10, ...causes.map((row) => row.share.high));
        const scale = {from: 0, to: Math.ceil(to / 10) * 10};
        return {
            scale,
            ...this.shorten(
                "causes",
                causes.map((row) => ({
                    ...row,
                    bar: getBar({...row.share, mean: row.share.percent}, scale),
                }))
            ),
        };
    }

    shorten(key, rows) {
        const shown = this.state.open[key] ? rows : rows.slice(0, SHOWN);
        return {rows: shown, more: rows.length - shown.length};
    }

    /** Open the reviews behind a figure. */
    async view(dimension, value) {
        const action = await this.orm.call(
            "csp.quality.figures",
            "csp_figures_reviews",
            [{...this.state.filters}, dimension, value]
        );
        return this.action.doAction(action);
    }
}

registry.category("actions").add("csp_quality_figures", QualityFigures);
