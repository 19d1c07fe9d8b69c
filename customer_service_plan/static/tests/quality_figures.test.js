import {
    QualityFigures,
    getBar,
    getCommonScale,
} from "@customer_service_plan/quality_figures/quality_figures";
import {
    contains,
    makeMockEnv,
    mountWithCleanup,
    onRpc,
} from "@web/../tests/web_test_helpers";
import {expect, test} from "@odoo/hoot";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {getDefaultConfig} from "@web/views/view";
import {getRuns} from "@customer_service_plan/quality_figures/quality_course";
import {queryAllTexts} from "@odoo/hoot-dom";

defineMailModels();

const FEW = {count: 3, few: true};
const GOOD = {count: 40, few: false, mean: 90, low: 85, high: 95};
const FAIR = {count: 12, few: false, mean: 80, low: 71, high: 89};
const DATA = {
    scopes: ["all", "mine"],
    choice: {
        scope: "all",
        period: "three_months",
        date_from: "2026-04-01",
        date_to: "2026-06-17",
        step: "week",
        team: 0,
        channel: 0,
        scorecard: 0,
    },
    options: {
        team: [
            {id: 1, name: "First line"},
            {id: 2, name: "Second line"},
        ],
        channel: [],
        scorecard: [],
    },
    count: 60,
    drawn: 55,
    is_random: true,
    total: {...GOOD, failed: 1, errors: {customer: 2, business: 0, compliance: 0}},
    course: [
        {from: "2026-04-06", ...GOOD},
        {from: "2026-04-13", count: 0, few: true},
        {from: "2026-04-20", ...FAIR},
    ],
    by: {
        agent: [
            {id: 7, name: "Anna", ...GOOD, promises: GOOD, opinions: FEW},
            {id: 8, name: "Boris", ...FEW, promises: FAIR, opinions: FEW},
        ],
        team: [{id: 1, name: "First line", ...GOOD, promises: GOOD, opinions: FEW}],
        channel: [
            {id: 3, name: "Email", ...GOOD},
            {id: 0, name: "", ...FAIR},
        ],
        policy_version: [],
        scorecard: [],
    },
    criteria: [{id: 5, name: "Friendly", of: "Simple", ...FAIR, bad: 2}],
    causes: [
        {id: 9, name: "Tool", ...FEW, marks: 3, share: {percent: 5, low: 2, high: 14}},
    ],
    team_averages: [],
    promises: GOOD,
    opinions: {count: 0, few: true},
};

async function mountFigures(data = DATA) {
    onRpc("csp.quality.figures", "csp_figures_data", ({args}) => {
        expect.step(JSON.stringify(args[0]));
        return data;
    });
    await mountWithCleanup(QualityFigures, {
        env: await makeMockEnv({config: getDefaultConfig()}),
        props: {action: {params: {}}, actionId: 1, updateActionState: () => undefined},
    });
}

test("a figure on a scale", () => {
    expect(getCommonScale([GOOD, FAIR, FEW])).toEqual({from: 70, to: 100});
    expect(getCommonScale([FEW])).toEqual({from: 0, to: 100});
    expect(getBar(FEW, {from: 0, to: 100})).toBe(null);
    expect(getBar(GOOD, {from: 80, to: 100})).toEqual({left: 25, width: 50, place: 50});
});

test("a line is broken where too few reviews were done", () => {
    const [first, few, third, fourth] = [GOOD, FEW, FAIR, GOOD].map((one) => ({
        ...one,
    }));
    expect(getRuns([first, few, third, fourth])).toEqual([[first], [third, fourth]]);
    expect(getRuns([few])).toEqual([]);
});

test("figures with their bounds, and what is too few to tell", async () => {
    await mountFigures();
    expect.verifySteps(["{}"]);
    expect("[data-tile=score] .o_csp_figures_value").toHaveText("90 %");
    expect("[data-tile=score]").toHaveText(/between 85 and 95 %/);
    expect("[data-tile=opinions]").toHaveText(/None yet/);
    expect("[data-tile=errors]").toHaveText(/Critical for the customer: 2/);
    expect(".o_csp_course_point").toHaveCount(2);
    expect("[data-table=agent] tbody tr").toHaveCount(2);
    expect(queryAllTexts("[data-table=agent] tbody tr:eq(1) td[data-label]")).toEqual([
        "too few to tell",
        "3",
        "80 %\nof 12",
        "too few to tell",
    ]);
    expect(queryAllTexts("[data-table=channel] tbody th")).toEqual([
        "Email",
        "Without a channel",
    ]);
    // One team alone would only say again what all have.
    expect("[data-table=team]").toHaveCount(0);
});

test("other figures are asked for by the filters", async () => {
    await mountFigures();
    await contains("button[data-scope=mine]").click();
    await contains("select[name=team]").select("2");
    await contains("button[data-picks=all]").click();
    expect.verifySteps([
        "{}",
        '{"scope":"mine","team_id":0}',
        '{"scope":"mine","team_id":2}',
        '{"scope":"mine","team_id":2,"picks":"all"}',
    ]);
});

test("where nothing was reviewed it says what to do", async () => {
    await mountFigures({
        ...DATA,
        scopes: ["mine"],
        choice: {...DATA.choice, scope: "mine"},
        count: 0,
        drawn: 0,
        is_random: false,
        total: {count: 0, few: true, failed: 0, errors: {}},
        course: [],
        by: {},
        criteria: [],
        causes: [],
        team_averages: [{id: 1, name: "First line", count: 0, few: true}],
    });
    expect.verifySteps(["{}"]);
    expect(".o_csp_figures_empty").toHaveText(/As soon as a colleague/);
    expect("[data-tile=team_1]").toHaveText(/at least three people/);
    expect(".o_csp_figures_table").toHaveCount(0);
});
