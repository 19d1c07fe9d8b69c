import {
    allowTranslations,
    contains,
    defineModels,
    fields,
    models,
    mountView,
    onRpc,
} from "@web/../tests/web_test_helpers";
import {describe, expect, test} from "@odoo/hoot";
import {
    describeNeed,
    formatLocalTime,
} from "@customer_service_plan/customer/customer_card";
import {animationFrame, mockDate} from "@odoo/hoot-mock";
import {mailModels} from "@mail/../tests/mail_test_helpers";
import {queryAllTexts} from "@odoo/hoot-dom";

describe.current.tags("desktop");

const {DateTime} = luxon;
// Wednesday, 4 March 2026, noon UTC.
const NOON = 1772625600;
const DIMITRA = 101;
const YANNIS = 102;

class Ticket extends models.Model {
    _name = "helpdesk.ticket";

    name = fields.Char();
    partner_id = fields.Many2one({relation: "res.partner"});

    _records = [
        {id: 1, name: "Printer", partner_id: DIMITRA},
        {id: 2, name: "No customer", partner_id: false},
    ];
}

class ResPartner extends mailModels.ResPartner {
    _records = [
        ...this._records,
        {id: DIMITRA, name: "Dimitra"},
        {id: YANNIS, name: "Yannis"},
    ];
}

defineModels({...mailModels, ResPartner, Ticket});

const ARCH = `
    <form>
        <field name="name"/>
        <field name="partner_id"/>
        <widget name="csp_customer_card"/>
    </form>`;

const card = (values = {}) => ({
    partner: {
        id: DIMITRA,
        name: "Dimitra",
        company: "Aegean Ferries",
        is_company: false,
        archived: false,
        phone: false,
    },
    sender: false,
    segments: {
        today: [{id: 1, name: "Gold", reason: "Greece"}],
        at_receipt: ["Silver"],
        can_match_again: true,
    },
    needs: [{id: 1, name: "Speed", importance: 5, satisfaction: 2}],
    reach: {
        language: "Greek",
        channel: "Phone",
        channel_kind: "phone",
        clock: {
            zones: ["Europe/Athens"],
            country: false,
            verdict: "too_late",
            holiday: false,
            next_good: NOON + 3600,
            changes_at: NOON + 3600,
            now: NOON,
        },
    },
    tickets: {
        customer: DIMITRA,
        total: 2,
        is_more: false,
        promises: {
            open: 2,
            running: 1,
            late: 1,
            next: [
                {
                    id: 7,
                    number: "HT7",
                    title: "Old",
                    kind: "First reply",
                    deadline: NOON - 60,
                },
                {
                    id: 1,
                    number: "HT1",
                    title: "Printer",
                    kind: "Solution",
                    deadline: NOON + 60,
                },
            ],
        },
        contacts: [
            {
                at: NOON - 7200,
                by: "we",
                who: "Anna",
                is_request: false,
                channel: "Phone",
                channel_kind: "phone",
                id: 7,
                number: "HT7",
                title: "Old",
            },
        ],
        opinions: {
            year_total: 2,
            year_good: 1,
            last: [
                {
                    id: 7,
                    grade: "ko",
                    word: "Unhappy",
                    comment: "Slow",
                    at: NOON - 86400,
                },
            ],
        },
        complaints: {open: 0, year: 0},
    },
    ...values,
});

async function mountTicket(resId) {
    mockDate("2026-03-04 12:00:00", 0);
    await mountView({type: "form", resModel: "helpdesk.ticket", resId, arch: ARCH});
    await animationFrame();
}

test("needs in words: the wider the gap, the plainer the word", () => {
    const tone = (importance, satisfaction) =>
        describeNeed({importance, satisfaction}).tone;
    expect(tone(5, 2)).toBe("danger");
    expect(tone(5, 4)).toBe("warning");
    expect(tone(3, 5)).toBe("success");
    expect(tone(5, false)).toBe("muted");
});

test("local time is that of the customer, or of all zones of his country", () => {
    allowTranslations();
    const noon = DateTime.fromSeconds(NOON, {zone: "UTC"});
    expect(formatLocalTime(["Europe/Athens"], noon)).toInclude("2:00");
    const both = String(
        formatLocalTime(["America/Los_Angeles", "America/New_York"], noon)
    );
    expect(both).toInclude("4:00");
    expect(both).toInclude("7:00");
    // In Samoa it is Thursday already.
    expect(formatLocalTime(["Pacific/Apia"], noon)).toInclude("Thu");
});

test("one call, and what it tells in words", async () => {
    onRpc("helpdesk.ticket", "csp_card_data", ({args}) => {
        expect.step(`ticket ${args[0]}`);
        return card();
    });
    await mountTicket(1);
    expect.verifySteps(["ticket 1"]);
    expect(".o_csp_card_name").toHaveText("Dimitra · Aegean Ferries");
    expect(".o_csp_card_clock").toHaveText(/too late to call/);
    expect(".o_csp_card_receipt").toHaveText(/When the ticket came in: Silver/);
    expect(".o_csp_card_needs").toHaveText(/Speed\s*badly met/);
    const promises = queryAllTexts(".o_csp_card_promises li");
    expect(promises[0]).toInclude("First reply: late");
    expect(promises[1]).toInclude("this ticket");
    expect(".o_csp_card_contacts li").toHaveText(/We \(Anna\)[^]*answered: HT7 Old/);
    expect(".o_csp_card_promises").toHaveText(/1 of 2/);
    await contains(".o_csp_card_toggle").click();
    expect(".o_csp_card_body").toHaveCount(0);
    await contains(".o_csp_card_toggle").click();
    expect(".o_csp_card_body").toHaveCount(1);
});

test("another contact: his card at once, and the ticket's after saving", async () => {
    onRpc("helpdesk.ticket", "csp_card_data", ({args}) => {
        expect.step(`ticket ${args[0]}`);
        return card();
    });
    onRpc("res.partner", "csp_card_data", ({args}) => {
        expect.step(`partner ${args[0]}`);
        return card();
    });
    await mountTicket(1);
    expect.verifySteps(["ticket 1"]);
    await contains(".o_field_widget[name=name] input").edit("Printers");
    expect.verifySteps([]);
    await contains(".o_field_widget[name=partner_id] input").click();
    await contains(".o-autocomplete--dropdown-item:contains(Yannis)").click();
    await animationFrame();
    expect.verifySteps([`partner ${YANNIS}`]);
    await contains(".o_form_button_save").click();
    await animationFrame();
    expect.verifySteps(["ticket 1"]);
});

test("a new ticket without contact asks nothing", async () => {
    onRpc("helpdesk.ticket", "csp_card_data", () => expect.step("ticket"));
    onRpc("res.partner", "csp_card_data", () => expect.step("partner"));
    await mountTicket(undefined);
    expect(".o_csp_card").toHaveCount(0);
    expect.verifySteps([]);
});

test("a ticket without customer names its sender", async () => {
    onRpc("helpdesk.ticket", "csp_card_data", () => ({
        partner: false,
        sender: {name: "Somebody", email: "some@example.com", linked: false},
    }));
    await mountTicket(2);
    expect(".o_csp_card").toHaveText(/No customer is linked to this ticket/);
    expect(".o_csp_card a").toHaveText("some@example.com");
});

test("without access to tickets nothing is said of them", async () => {
    onRpc("helpdesk.ticket", "csp_card_data", () => card({tickets: false}));
    await mountTicket(1);
    expect(".o_csp_card_segments").toHaveCount(1);
    expect(".o_csp_card_promises").toHaveCount(0);
    expect(".o_csp_card_contacts").toHaveCount(0);
});
