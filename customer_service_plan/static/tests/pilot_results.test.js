import {
    defineModels,
    fields,
    models,
    mountView,
    onRpc,
} from "@web/../tests/web_test_helpers";
import {expect, test} from "@odoo/hoot";
import {getPlace, getScale} from "@customer_service_plan/pilot/pilot_results";
import {queryAll, queryAllTexts} from "@odoo/hoot-dom";
import {mailModels} from "@mail/../tests/mail_test_helpers";

const TRIAL = {cases: 65, percent: 94, low: 85, high: 98};
const OTHERS = {cases: 500, percent: 82, low: 78, high: 85};
const ROW = {label: "Kept", trial: "94 %", others: "82 %", difference: "+12 points"};
const RESULTS = {
    as_of: "As of today",
    headline: "All that was asked for is reached.",
    summary: ["Who is compared.", "All that was asked for is reached."],
    criteria: [{verdict: "reached", label: "Reached", text: "90 %", why: "94 %."}],
    kinds: [
        {
            kind: "first_response",
            label: "First reply",
            threshold: 90,
            trial: TRIAL,
            others: OTHERS,
            sentences: ["Better by 12 points."],
            rows: [ROW],
        },
        {
            kind: "resolution",
            label: "Solution",
            threshold: null,
            trial: {cases: 0, percent: null, low: 0, high: 100},
            others: OTHERS,
            sentences: ["Nothing is decided in the trial yet."],
            rows: [],
        },
    ],
    customers: {sentences: ["Nobody said anything."], rows: []},
    contamination: {chosen: "Drawn by lot.", sentences: ["Nothing found."]},
};

class Pilot extends models.Model {
    _name = "csp.pilot";

    name = fields.Char();
    state = fields.Char();

    _records = [{id: 1, name: "Faster", state: "running"}];
}

class Decide extends models.Model {
    _name = "csp.pilot.decide";

    pilot_id = fields.Many2one({relation: "csp.pilot"});

    _records = [{id: 1, pilot_id: 1}];
}

defineModels({...mailModels, Pilot, Decide});

test("the picture begins at a round figure below the lowest bound", () => {
    expect(getScale([85, 78])).toEqual({from: 70, to: 100});
    expect(getScale([99.5, 97])).toEqual({from: 80, to: 100});
    expect(getScale([0, 40])).toEqual({from: 0, to: 100});
    expect(getPlace(85, {from: 70, to: 100})).toBe(50);
    expect(getPlace(60, {from: 70, to: 100})).toBe(0);
});

test("results of a trial: verdicts, sentences, picture and table", async () => {
    onRpc("csp.pilot", "csp_results_data", ({args}) => {
        expect.step(`trial ${args[0]}`);
        return RESULTS;
    });
    await mountView({
        type: "form",
        resModel: "csp.pilot",
        resId: 1,
        arch: `<form><field name="state"/><widget name="csp_pilot_results"/></form>`,
    });
    expect.verifySteps(["trial 1"]);
    expect(queryAllTexts(".o_csp_results_title")).toEqual([
        "What was asked for before",
        "Who is compared",
        "First reply",
        "Solution",
        "What customers and staff say",
        "What blurs the comparison",
    ]);
    // Without a case on one side there is nothing to draw.
    expect(".o_csp_results_picture").toHaveCount(1);
    expect(queryAll(".o_csp_results_band")[0].style.insetInlineStart).toBe("50%");
    expect(".o_csp_results_table caption").toHaveText("First reply");
    expect(queryAllTexts(".o_csp_results_table tbody td")).toEqual([
        "94 %",
        "82 %",
        "+12 points",
    ]);
});

test("the dialog of the decision shows verdicts, and the rest on demand", async () => {
    onRpc("csp.pilot", "csp_results_data", ({args}) => {
        expect.step(`trial ${args[0]}`);
        return RESULTS;
    });
    await mountView({
        type: "form",
        resModel: "csp.pilot.decide",
        resId: 1,
        arch: `<form><field name="pilot_id" invisible="1"/>
            <widget name="csp_pilot_results" options="{'brief': True}"/></form>`,
    });
    expect.verifySteps(["trial 1"]);
    expect(".o_csp_results_criteria li").toHaveCount(1);
    expect(".o_csp_results_table").toHaveCount(0);
    expect("details.o_csp_results_section").toHaveCount(1);
});

test("nothing is shown of a trial that has not begun", async () => {
    onRpc("csp.pilot", "csp_results_data", () => false);
    await mountView({
        type: "form",
        resModel: "csp.pilot",
        resId: 1,
        arch: `<form><widget name="csp_pilot_results"/></form>`,
    });
    expect(".o_csp_results").toHaveText(/as soon as the trial has begun/);
});
