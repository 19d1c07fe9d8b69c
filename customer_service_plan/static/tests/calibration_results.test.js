import {
    contains,
    defineModels,
    fields,
    models,
    mountView,
    onRpc,
} from "@web/../tests/web_test_helpers";
import {expect, test} from "@odoo/hoot";
import {
    getPlace,
    getReach,
} from "@customer_service_plan/calibration/calibration_results";
import {mailModels} from "@mail/../tests/mail_test_helpers";

const STEPS = [
    {step: 1, name: "No", text: "Something is left open."},
    {step: 2, name: "Yes", text: "Nothing is left open."},
];

function getCell(step, comment = "") {
    return {
        step,
        name: step ? STEPS[step - 1].name : "Does not apply",
        is_bad: step === 1,
        comment,
        causes: "",
    };
}

function getResults(agreed) {
    const criterion = {
        section: "",
        allow_na: true,
        steps: STEPS,
        pairs: 5,
        share: 40,
        share_text: "40 %",
        alpha_text: "0.10",
        kappa_text: "0.12",
        verdict: "together",
        verdict_label: "Look at it together",
    };
    return {
        id: 1,
        may_agree: true,
        headline: ["Two of five.", "Talk about these first: “Solved”"],
        left_out: [],
        reviewers: [
            {
                id: 7,
                name: "Ada",
                tickets: 5,
                mean: 12,
                low: 2,
                high: 22,
                leaning: "lenient",
                label: "More lenient than the others",
                text: "+12 points",
                agreed_text: "",
            },
            {
                id: 8,
                name: "Ben",
                tickets: 1,
                mean: -12,
                low: false,
                high: false,
                leaning: "too_few",
                label: "Too few tickets to tell",
                text: "−12 points",
                agreed_text: "",
            },
        ],
        criteria: [
            {...criterion, id: 3, name: "Solved"},
            {...criterion, id: 4, name: "Friendly", verdict: "good"},
        ],
        tickets: [
            {
                id: 21,
                name: "HT1",
                rows: [
                    {
                        criterion_id: 3,
                        cells: {7: getCell(2), 8: getCell(1, "It still burns.")},
                        is_alike: false,
                        is_far_apart: true,
                        agreed,
                    },
                    {
                        criterion_id: 4,
                        cells: {7: getCell(2), 8: getCell(2)},
                        is_alike: true,
                        is_far_apart: false,
                        agreed: false,
                    },
                ],
                scores: {7: "100 %", 8: "50 %"},
                agreed_score: "",
                comments: [],
            },
        ],
        trend: [],
    };
}

class Calibration extends models.Model {
    _name = "csp.quality.calibration";

    name = fields.Char();
    state = fields.Char();

    _records = [{id: 1, name: "March", state: "compared"}];
}

defineModels({...mailModels, Calibration});

function mountResults() {
    return mountView({
        type: "form",
        resModel: "csp.quality.calibration",
        resId: 1,
        arch: `<form><field name="state"/><widget name="csp_calibration_results"/></form>`,
    });
}

test("the picture has room for the furthest end", () => {
    expect(getReach([{mean: 3, low: -4, high: 9}])).toBe(10);
    expect(getReach([{mean: 3, low: -41, high: 9}])).toBe(50);
    expect(getReach([{mean: -12, low: false, high: false}])).toBe(20);
    expect(getReach([{mean: 0, low: -150, high: 150}])).toBe(100);
});

test("nought is in the middle of the picture", () => {
    expect(getPlace(0, 50)).toBe(50);
    expect(getPlace(-50, 50)).toBe(0);
    expect(getPlace(25, 50)).toBe(75);
    expect(getPlace(-150, 100)).toBe(0);
});

test("marks are side by side, with what was said of them", async () => {
    onRpc("csp.quality.calibration", "csp_results_data", () => getResults(false));
    await mountResults();
    expect(".o_csp_calibration_far").toHaveCount(1);
    expect(".o_csp_calibration_dot").toHaveCount(2);
    expect(".o_csp_calibration_band").toHaveCount(1);
    expect(".o_csp_calibration_words").toHaveCount(0);
    await contains(".o_csp_calibration_far button").click();
    expect(".o_csp_calibration_words").toHaveText(/It still burns\./);
    expect(".o_csp_calibration_words").toHaveText(/Something is left open\./);
    expect(".o_csp_calibration_agreed").toHaveCount(2);
    await contains("#o_csp_calibration_only_apart").click();
    expect(".o_csp_calibration_agreed").toHaveCount(1);
});

test("a mark is agreed on, and taken back", async () => {
    let agreed = false;
    onRpc("csp.quality.calibration", "csp_results_data", () => getResults(agreed));
    onRpc("csp.quality.calibration", "action_agree", ({args}) => {
        expect.step(args.slice(1).join("/"));
        agreed = args[3] && {step: args[3], name: "Yes", note: "", text: "By Ada"};
        return true;
    });
    await mountResults();
    const choice = ".o_csp_calibration_far select";
    await contains(choice).select("2");
    expect.verifySteps(["21/3/2/"]);
    expect(choice).toHaveValue("2");
    await contains(choice).select("");
    expect.verifySteps(["21/3/false/"]);
    expect(choice).toHaveValue("");
});
