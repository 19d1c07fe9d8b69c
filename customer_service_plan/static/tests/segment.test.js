import {
    MockServer,
    clickSave,
    contains,
    defineModels,
    fields,
    getService,
    models,
    mountView,
    mountWithCleanup,
    onRpc,
} from "@web/../tests/web_test_helpers";
import {beforeEach, expect, test} from "@odoo/hoot";
import {queryAllTexts, queryOne} from "@odoo/hoot-dom";
import {WebClient} from "@web/webclient/webclient";
import {advanceTime} from "@odoo/hoot-mock";
import {mailModels} from "@mail/../tests/mail_test_helpers";

const ANNA = 101;
const PETROS = 102;
const PREVIEW = {
    count: 1234,
    capped: false,
    names_hidden: false,
    sample: [
        {id: ANNA, name: "Anna", place: "Athens"},
        {id: PETROS, name: "Petros", place: ""},
    ],
    overlaps: [{id: 8, name: "Seniors", count: 333, share: 27}],
    by_hand: false,
    error: false,
};

class Segment extends models.Model {
    _name = "csp.segment";

    name = fields.Char();
    genders = fields.Char({
        string: "Gender",
        onChange: (record) => {
            record.preview = {...PREVIEW, count: 7, overlaps: []};
        },
    });
    age_min = fields.Integer();
    partner_domain = fields.Char();
    is_broken = fields.Boolean();
    is_pending = fields.Boolean();
    progress = fields.Integer();
    preview = fields.Json();

    _records = [{id: 1, name: "Families", genders: "female", preview: PREVIEW}];
}

class ResPartner extends mailModels.ResPartner {
    city = fields.Char({string: "Town"});
    category_id = fields.Many2many({string: "Tags", relation: "res.partner"});

    _records = [
        ...this._records,
        {id: ANNA, name: "Anna"},
        {id: PETROS, name: "Petros"},
    ];
    _views = {form: `<form><field name="name"/></form>`};
}

defineModels({...mailModels, ResPartner, Segment});

beforeEach(() => {
    onRpc("csp.customer.profile", "fields_get", () => ({
        gender: {
            selection: [
                ["female", "Female"],
                ["male", "Male"],
                ["other", "Other"],
            ],
        },
    }));
});

const CHOICES = `<field name="genders" widget="csp_choices" options="{'model': 'csp.customer.profile', 'field': 'gender'}"/>`;
const PANEL = `<field name="preview" widget="csp_segment_preview"/>`;
const PROGRESS = `<field name="progress" widget="csp_segment_progress"/>`;

function show(body, options = {}) {
    return mountView({
        type: "form",
        resModel: "csp.segment",
        resId: 1,
        arch: `<form>${body}</form>`,
        ...options,
    });
}

const pick = (value) =>
    contains(`.o_csp_choices input[value=${value}] + label`).click();

test("choices are kept in their own order, and empty is nothing", async () => {
    onRpc("csp.segment", "web_save", ({args}) => {
        expect.step(args[1].genders);
    });
    await show(CHOICES);
    expect(queryAllTexts(".o_csp_choices label")).toEqual(["Female", "Male", "Other"]);
    expect(".o_csp_choices input:checked").toHaveCount(1);
    await pick("other");
    await pick("male");
    await clickSave();
    for (const value of ["male", "female", "other"]) {
        await pick(value);
    }
    expect(".o_csp_choices input:checked").toHaveCount(0);
    await clickSave();
    expect.verifySteps(["female,male,other", false]);
});

test("choices are reached and switched with the keyboard", async () => {
    await show(CHOICES);
    const box = queryOne(".o_csp_choices input[value=male]");
    box.focus();
    expect(box).toBeFocused();
    await contains(".o_csp_choices input[value=male]").press(" ");
    expect(".o_csp_choices input:checked").toHaveCount(2);
});

test("readonly choices are labels; what is no choice any more is not hidden", async () => {
    Segment._records[0].genders = "other,gone";
    await show(CHOICES, {readonly: true});
    expect(queryAllTexts(".o_field_csp_choices .badge")).toEqual(["Other", "gone"]);
});

test("choices of the view", async () => {
    await show(
        `<field name="genders" widget="csp_choices" options="{'choices': [['a', 'First'], ['female', 'Second']]}"/>`
    );
    expect(queryAllTexts(".o_csp_choices label")).toEqual(["First", "Second"]);
    expect(".o_csp_choices input[value=female]").toBeChecked();
});

test("a limit of nothing is empty", async () => {
    onRpc("csp.segment", "web_save", ({args}) => {
        expect.step(args[1].age_min);
    });
    await show(`<field name="age_min" widget="csp_limit"/>`);
    expect(".o_field_widget[name=age_min] input").toHaveValue("");
    await contains(".o_field_widget[name=age_min] input").edit("65");
    await clickSave();
    await contains(".o_field_widget[name=age_min] input").edit("");
    await clickSave();
    expect.verifySteps([65, 0]);
    expect(".o_field_widget[name=age_min] input").toHaveValue("");
});

test("who fits, and follows what is being written", async () => {
    await show(CHOICES + PANEL);
    expect(".o_csp_preview_count").toHaveText("1,234");
    expect(queryAllTexts(".o_csp_preview_sample li")).toEqual([
        "Anna\nAthens",
        "Petros",
        "and 1,232 more",
    ]);
    expect(".o_csp_preview_overlaps li").toHaveText(/^Seniors\s+333 \(27 %\)$/);
    expect(queryOne(".o_csp_bar > div").style.width).toBe("27%");
    await pick("male");
    expect(".o_csp_preview_count").toHaveText("7");
    expect(".o_csp_preview_overlaps").toHaveCount(0);
});

test("a name opens the customer, and the rules stay as they are", async () => {
    await show(CHOICES + PANEL);
    await pick("male");
    await contains(".o_csp_preview_sample a:contains(Petros)").click();
    expect(".modal .o_field_widget[name=name]").toHaveText("Petros");
    expect(queryAllTexts(".modal footer button")).toEqual(["Close"]);
    await contains(".modal footer button").click();
    expect(".o_csp_choices input:checked").toHaveCount(2);
});

test("one line for a telephone", async () => {
    await show(
        `<field name="preview" widget="csp_segment_preview" options="{'brief': True}"/>`
    );
    expect(".o_csp_preview_brief").toHaveText(/Customers who fit now\s+1,234/);
    expect(".o_csp_preview").toHaveCount(0);
});

test("nothing on that line before there is a rule", async () => {
    Segment._records[0].preview = {...PREVIEW, by_hand: true, count: 0};
    await show(
        `<field name="preview" widget="csp_segment_preview" options="{'brief': True}"/>`
    );
    expect(".o_csp_preview_brief").toHaveCount(0);
});

test("names may be private, and the count a lower bound", async () => {
    Segment._records[0].preview = {
        ...PREVIEW,
        sample: [],
        names_hidden: true,
        capped: true,
    };
    await show(PANEL);
    expect(".o_csp_preview_count").toHaveText("more than 1,234");
    expect(".o_csp_preview_note").toHaveText(/Names are shown only to those/);
    expect(".o_csp_preview_sample").toHaveCount(0);
});

test("a wrong condition is said instead of a count", async () => {
    Segment._records[0].preview = {...PREVIEW, error: "There is no such field."};
    await show(PANEL);
    expect(".o_csp_preview_error").toHaveText("There is no such field.");
    expect(".o_csp_preview_count").toHaveCount(0);
});

test("customers put in by hand are counted as such", async () => {
    Segment._records[0].preview = {...PREVIEW, by_hand: true};
    await show(PANEL);
    expect(".o_csp_preview_label:first").toHaveText("Customers put in by hand");
});

test("a new segment says what will be seen here", async () => {
    Segment._records[0].preview = {...PREVIEW, by_hand: true, count: 0, sample: []};
    await show(PANEL);
    expect(".o_csp_preview_count").toHaveCount(0);
    expect(".o_csp_preview").toHaveText(/Fill a rule/);
});

test("further conditions are out of the way until there are some", async () => {
    onRpc("csp.segment", "web_save", ({args}) => {
        expect.step(args[1].partner_domain);
    });
    const arch = `<field name="partner_domain" widget="csp_conditions" options="{'model': 'res.partner'}"/>`;
    await show(arch);
    expect(".o_domain_selector").toHaveCount(0);
    await contains(".o_csp_add_condition").click();
    expect(".o_domain_selector .o_tree_editor_condition").toHaveCount(1);
    expect(".o_tree_editor_condition .o_model_field_selector").toHaveText("Tags");
    await contains(".o_tree_editor_row a:contains(New Rule)").click();
    expect(".o_domain_selector .o_tree_editor_condition").toHaveCount(2);
    await clickSave();
    expect.verifySteps([
        '["&", ("category_id", "!=", False), ("category_id", "!=", False)]',
    ]);
    expect(".o_domain_selector .form-switch").toHaveCount(0);
});

test("sorting is watched until it is done", async () => {
    Object.assign(Segment._records[0], {is_pending: true, progress: 10});
    await show(PROGRESS);
    expect(".o_csp_progress").toHaveText("Customers are being sorted, 10 %");
    MockServer.env["csp.segment"].write([1], {progress: 40});
    await advanceTime(2500);
    expect(".o_csp_progress").toHaveText("Customers are being sorted, 40 %");
    expect(queryOne(".progress-bar").style.width).toBe("40%");
    onRpc("csp.segment", "web_read", () => expect.step("load"));
    MockServer.env["csp.segment"].write([1], {is_pending: false, progress: 100});
    await advanceTime(2500);
    expect.verifySteps(["load"]);
    await advanceTime(10000);
    expect.verifySteps([]);
});

test("sorting that ends does not throw away what is being written", async () => {
    Object.assign(Segment._records[0], {is_pending: true, progress: 10});
    await show(`<field name="name"/>${PROGRESS}`);
    await contains(".o_field_widget[name=name] input").edit("Other name");
    MockServer.env["csp.segment"].write([1], {is_pending: false, progress: 100});
    await advanceTime(2500);
    expect(".o_field_widget[name=name] input").toHaveValue("Other name");
    expect(".o_csp_progress").toHaveText(/Save your changes/);
});

test("a list says which segment needs a look", async () => {
    Segment._records = [
        {id: 1, name: "Fine"},
        {id: 2, name: "Busy", is_pending: true, progress: 40},
        {id: 3, name: "Wrong", is_pending: true, is_broken: true},
    ];
    await mountView({
        type: "list",
        resModel: "csp.segment",
        arch: `<list><field name="name"/><field name="is_broken" widget="csp_segment_state"/></list>`,
    });
    expect(queryAllTexts(".o_data_cell[name=is_broken]")).toEqual([
        "",
        "Being sorted, 40 %",
        "Cannot be used",
    ]);
});

const WHY = {
    partner: "Anna",
    company: "Bakery",
    profile_hidden: true,
    segments: [
        {
            id: 1,
            name: "Families",
            member: true,
            by_hand: false,
            broken: false,
            through_company: true,
            pending: true,
            rules: [
                {
                    rule: "country_ids",
                    label: "Country",
                    wanted: "Greece or Italy",
                    actual: "Italy",
                    verdict: "yes",
                },
                {
                    rule: "age_min",
                    label: "Age",
                    wanted: "65 or more",
                    actual: false,
                    verdict: "hidden",
                },
                {
                    rule: "tier_ids",
                    label: "Tier",
                    wanted: "Gold",
                    actual: false,
                    verdict: "unknown",
                },
                {
                    rule: "partner_domain",
                    label: "More conditions",
                    wanted: "2 conditions",
                    actual: false,
                    verdict: "no",
                    domain: '[("city", "=", "Athens"), ("name", "ilike", "a")]',
                },
                {
                    rule: "partner_domain",
                    label: "Wrong",
                    wanted: "1 condition",
                    actual: false,
                    verdict: "no",
                    domain: "[(",
                },
            ],
        },
        {
            id: 2,
            name: "Friends",
            member: false,
            by_hand: true,
            broken: "There is no such field.",
            through_company: false,
            pending: false,
            rules: [],
        },
    ],
};

async function openWhy(action) {
    onRpc("res.partner", "csp_segments_why", ({args, kwargs}) => {
        expect.step([args[0][0], kwargs.segment_ids || null]);
        return WHY;
    });
    await mountWithCleanup(WebClient);
    await getService("action").doAction({
        type: "ir.actions.client",
        tag: "csp_segments_why",
        target: "new",
        name: "Why?",
        ...action,
    });
}

test("why a customer is in a segment, rule by rule", async () => {
    await openWhy({params: {partner_id: ANNA}});
    expect.verifySteps([[ANNA, null]]);
    expect(".o_record_selector").toHaveCount(0);
    expect(".o_csp_segments_why h3").toHaveText("Anna");
    expect(".o_csp_why_segment:eq(0) summary").toHaveText(/Families\s*belongs here/);
    expect(queryAllTexts(".o_csp_why_segment:eq(0) p")).toEqual([
        "Through the company Bakery.",
        "Customers are just being sorted: this may still change.",
    ]);
    expect("li[data-rule=country_ids]").toHaveText(
        "Country: Greece or Italy\nThis customer: Italy"
    );
    expect("li[data-rule=age_min] i").toHaveClass("fa-lock");
    expect("li[data-rule=age_min]").toHaveText("Age: 65 or more");
    expect(".o_csp_segments_why").toHaveText(/only those who may read/);
    expect("li[data-rule=tier_ids]").toHaveText(/not known/);
    expect(queryAllTexts("li[data-rule=partner_domain]")).toEqual([
        "More conditions: Town = Athens; Name contains a",
        "Wrong: 1 condition",
    ]);
    expect(".o_csp_why_segment:eq(1) summary").toHaveText(/does not belong here/);
    expect(".o_csp_why_segment:eq(1)").toHaveText(/There is no such field/);
});

test("asked from a segment, a customer is chosen first", async () => {
    await openWhy({context: {active_model: "csp.segment", active_id: 5}});
    expect.verifySteps([]);
    expect(".o_csp_why_segment").toHaveCount(0);
    await contains(".o_record_selector input").click();
    await contains(".o-autocomplete--dropdown-item:contains(Petros)").click();
    expect.verifySteps([[PETROS, [5]]]);
    expect(".o_csp_why_segment").toHaveCount(2);
    await contains(".o_record_selector input").click();
    await contains(".o_record_selector input").edit("Ann", {confirm: false});
    await advanceTime(500);
    await contains(".o-autocomplete--dropdown-item:contains(Anna)").click();
    expect.verifySteps([[ANNA, [5]]]);
});

test("asked from a customer, it is about this one", async () => {
    await openWhy({context: {active_model: "res.partner", active_id: PETROS}});
    expect.verifySteps([[PETROS, null]]);
});
