import {
    defineModels,
    fields,
    models,
    mountView,
    onRpc,
} from "@web/../tests/web_test_helpers";
import {expect, test} from "@odoo/hoot";
import {queryAllTexts} from "@odoo/hoot-dom";
import {getPicture} from "@customer_service_plan/coaching/coaching_effect";
import {mailModels} from "@mail/../tests/mail_test_helpers";

const FEW = {count: 1, few: true, mean: 25, low: null, high: null, points: [25]};
const NONE = {count: 0, few: true, mean: null, low: null, high: null, points: []};
const BEFORE = {
    count: 6,
    few: false,
    mean: 30,
    low: 10,
    high: 50,
    points: [0, 25, 25, 25, 50, 55],
};
const AFTER = {...BEFORE, mean: 90, low: 80, high: 100, points: [75, 100, 100]};

class Coaching extends models.Model {
    _name = "csp.coaching";

    agreed_at = fields.Datetime();
    state = fields.Char();
    criterion_ids = fields.Many2many({relation: "csp.scorecard.criterion"});
    _records = [{id: 1, state: "agreed", agreed_at: "2026-03-11 08:00:00"}];
}

class Criterion extends models.Model {
    _name = "csp.scorecard.criterion";

    name = fields.Char();
}

defineModels({...mailModels, Coaching, Criterion});

async function mountEffect(data) {
    onRpc("csp.coaching", "get_effect", () => data);
    await mountView({
        type: "form",
        resModel: "csp.coaching",
        resId: 1,
        arch: `
            <form>
                <field name="state"/>
                <field name="agreed_at"/>
                <field name="criterion_ids"/>
                <widget name="csp_coaching_effect"/>
            </form>`,
    });
}

test("marks of the same height share a dot", () => {
    const picture = getPicture(BEFORE);
    expect(picture.dots.map((dot) => dot.place)).toEqual([0, 25, 50, 55]);
    expect(picture.dots[1].size).toBeGreaterThan(picture.dots[0].size);
    expect(picture.band).toEqual({left: 10, width: 40});
});

test("too few marks have no band, none have no picture", () => {
    expect(getPicture(FEW).band).toBe(null);
    expect(getPicture(NONE)).toBe(null);
});

test("what became of each criterion is said", async () => {
    await mountEffect({
        agreed_at: "2026-03-11T08:00:00",
        days: 182,
        is_random: false,
        rows: [
            {
                name: "Friendly",
                before: BEFORE,
                after: AFTER,
                change: 60,
                verdict: "better",
            },
            {name: "Solved", before: FEW, after: NONE, change: null, verdict: "few"},
        ],
    });
    expect(queryAllTexts(".o_csp_effect_name .badge")).toEqual([
        "Better by 60 points",
        "Too few reviews to tell",
    ]);
    expect(queryAllTexts(".o_csp_effect_value > span")).toEqual([
        "30 %",
        "90 %",
        "25 %",
    ]);
    expect(queryAllTexts(".o_csp_effect_value small")).toEqual([
        "of 6",
        "of 6",
        "of 1",
    ]);
    expect("small.o_csp_effect_value").toHaveText("no review");
    expect(".o_csp_effect_note").toHaveText(/comes by itself/);
});

test("before the agreement there is nothing to compare", async () => {
    await mountEffect({
        agreed_at: null,
        days: 182,
        is_random: false,
        rows: [{name: "All", before: FEW, after: NONE, change: null, verdict: "few"}],
    });
    expect(queryAllTexts(".o_csp_effect_value > span")).toEqual(["25 %"]);
    expect(".o_csp_effect_name .badge").toHaveCount(0);
});
