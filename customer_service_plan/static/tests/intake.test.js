import {
    advanceTime,
    animationFrame,
    Deferred,
    mockDate,
    runAllTimers,
} from "@odoo/hoot-mock";
import {
    contains,
    makeMockServer,
    mountWithCleanup,
    onRpc,
} from "@web/../tests/web_test_helpers";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {describe, expect, getFixture, test} from "@odoo/hoot";
import {press, queryAllTexts, queryOne} from "@odoo/hoot-dom";
import {ConnectionLostError} from "@web/core/network/rpc";
import {MainComponentsContainer} from "@web/core/main_components_container";
import {browser} from "@web/core/browser/browser";
import {formatClock} from "@customer_service_plan/intake/intake_dialog";
import {getService} from "@web/../tests/web_test_helpers";

describe.current.tags("desktop");
defineMailModels();

const OPTIONS = {
    channels: [
        {id: 1, name: "Phone", kind: "phone", live: true},
        {id: 2, name: "E-mail", kind: "email", live: false},
    ],
    channel: 1,
    teams: [
        {id: 5, name: "Ours", mine: true},
        {id: 6, name: "Theirs", mine: false},
    ],
    team: 5,
    categories: [{id: 8, name: "Printers"}],
    can_create_contact: true,
};

const customer = (id, name, values = {}) => ({
    id,
    entity: id,
    name,
    company: false,
    email: false,
    phone: false,
    city: false,
    is_company: false,
    archived: false,
    by: "name",
    ...values,
});

const found = (customers = [], values = {}) => ({
    customers,
    tickets: [],
    new: {name: "", phone: "", email: ""},
    ...values,
});

/**
 * @param {Object} [answers]
 * @param {Function} [answers.lookup] of the text that was typed
 * @param {Function} [answers.save] of the values that are saved
 * @param {Array} [answers.tickets] open tickets of whoever is chosen
 */
async function open({lookup, save, tickets = [], options = OPTIONS} = {}) {
    onRpc("has_group", () => true);
    onRpc("helpdesk.ticket", "csp_intake_options", () => options);
    onRpc("res.partner", "csp_lookup", ({args}) => lookup(args[0]));
    onRpc("helpdesk.ticket", "search_read", () => tickets);
    onRpc("res.partner", "csp_card_data", () => {
        expect.step("card");
        return {partner: false, sender: {name: "Hidden", email: false, linked: true}};
    });
    onRpc("helpdesk.ticket", "csp_log_contact", ({args}) => save(args[0]));
    await makeMockServer();
    await mountWithCleanup(MainComponentsContainer);
    await getService("csp_intake").ready;
    getService("csp_intake").open();
    await animationFrame();
    await animationFrame();
}

async function type(text) {
    await contains(".o_csp_intake_query").edit(text, {confirm: false});
    await advanceTime(200);
    await animationFrame();
}

const saved = (values = {}) => ({
    id: 40,
    number: "HT40",
    closed: false,
    visible: true,
    message: false,
    next: false,
    ...values,
});

test("the clock", () => {
    expect(formatClock(0)).toBe("0:00");
    expect(formatClock(65.9)).toBe("1:05");
    expect(formatClock(754)).toBe("12:34");
    expect(formatClock(3600 + 65)).toBe("1:01:05");
    expect(formatClock(-5)).toBe("0:00");
});

test("by keyboard: find, choose, say, settle", async () => {
    mockDate("2026-03-04 12:00:00", 0);
    await open({
        lookup: (text) => {
            expect.step(`asked ${text}`);
            return found([customer(11, "Maria Rossi"), customer(12, "Mario Bruni")]);
        },
        save: (values) => {
            expect.step("saved");
            expect(values.partner_id).toBe(12);
            expect(values.subject).toBe("Invoice");
            expect(values.channel_id).toBe(1);
            expect(values.team_id).toBe(5);
            expect(values.settled).toBe(true);
            expect(values.mine).toBe(true);
            expect(values.seconds).toBeGreaterThan(59);
            expect(values.key.length).toBeGreaterThan(5);
            return saved({closed: true});
        },
    });
    expect(".o_csp_intake_query").toBeFocused();
    await type("mar");
    expect.verifySteps(["asked mar"]);
    expect(queryAllTexts(".o_csp_intake_choices b")).toEqual([
        "Maria Rossi",
        "Mario Bruni",
        "New customer",
    ]);
    await press("ArrowDown");
    await press("Enter");
    await animationFrame();
    await animationFrame();
    expect(".o_csp_intake_name").toHaveText("Mario Bruni");
    expect(".o_csp_intake_subject").toBeFocused();
    await contains(".o_csp_intake_subject").edit("Invoice", {confirm: false});
    await advanceTime(60000);
    await contains(".o_csp_intake_settled").click();
    await animationFrame();
    expect.verifySteps(["card", "saved"]);
    expect(".o_csp_intake").toHaveCount(0);
    expect(".o_notification").toHaveText(/HT40: saved and solved/);
});

test("a slower answer to what was typed before is ignored", async () => {
    const slow = new Deferred();
    await open({
        lookup: async (text) => {
            if (text === "ma") {
                await slow;
                return found([customer(1, "Too late")]);
            }
            return found([customer(2, "In time")]);
        },
    });
    await type("ma");
    await type("mari");
    expect(".o_csp_intake_choices li:first").toHaveText("In time");
    slow.resolve();
    await animationFrame();
    await animationFrame();
    expect(".o_csp_intake_choices li:first").toHaveText("In time");
});

test("nobody known: a new customer from what was typed", async () => {
    await open({
        lookup: () =>
            found([], {new: {name: "Nikos", phone: "210 55", email: "n@x.example"}}),
        save: (values) => {
            expect.step("saved");
            expect(values.partner_id).toBe(false);
            expect(values.customer).toEqual({
                name: "Nikos",
                phone: "210 55",
                email: "n@x.example",
            });
            return saved();
        },
    });
    await type("Nikos 210 55 n@x.example");
    expect(".o_csp_intake_note").toHaveText(/Nobody is known/);
    await press("Enter");
    await animationFrame();
    expect(".o_csp_intake_newcomer input").toHaveCount(3);
    await contains(".o_csp_intake_subject").edit("First call", {confirm: false});
    await contains(".o_csp_intake_save").click();
    await animationFrame();
    expect.verifySteps(["saved"]);
});

test("the same again: it goes to the open ticket, and needs no subject", async () => {
    await open({
        lookup: () => found([customer(11, "Maria Rossi")]),
        tickets: [
            {
                id: 7,
                number: "HT7",
                name: "Printer",
                stage_id: [1, "New"],
                csp_last_contact_at: "2026-03-04 10:00:00",
            },
        ],
        save: (values) => {
            expect.step(`to ${values.ticket_id}`);
            return saved();
        },
    });
    await type("maria");
    await press("Enter");
    await animationFrame();
    await animationFrame();
    expect(".o_csp_intake_tickets input:first").toBeFocused();
    await contains(".o_csp_intake_tickets input[value='7']").click();
    expect(".o_csp_intake_team").toHaveCount(0);
    await contains(".o_csp_intake_save").click();
    await animationFrame();
    expect.verifySteps(["card", "to 7"]);
});

test("a subject is needed", async () => {
    await open({lookup: () => found(), save: () => expect.step("saved")});
    await contains(".o_csp_intake_save").click();
    expect(".o_csp_intake_subject").toHaveClass("is-invalid");
    expect(".o_csp_intake_subject").toBeFocused();
    expect.verifySteps([]);
});

test("a lost connection loses nothing, and the key stays the same", async () => {
    const keys = [];
    await open({
        lookup: () => found(),
        save: (values) => {
            keys.push(values.key);
            if (keys.length === 1) {
                throw new ConnectionLostError("/web");
            }
            return saved();
        },
    });
    await contains(".o_csp_intake_subject").edit("Invoice", {confirm: false});
    await contains(".o_csp_intake_save").click();
    await animationFrame();
    expect(".o_csp_intake .alert-danger").toHaveCount(1);
    expect(".o_csp_intake_subject").toHaveValue("Invoice");
    await contains(".o_csp_intake_save").click();
    await animationFrame();
    expect(".o_csp_intake").toHaveCount(0);
    expect(keys[0]).toBe(keys[1]);
});

test("closing by accident asks; what was kept comes back", async () => {
    await open({lookup: () => found()});
    await contains(".o_csp_intake_subject").edit("Invoice", {confirm: false});
    await animationFrame();
    expect(browser.sessionStorage.getItem("csp_intake_draft")).toInclude("Invoice");
    await press("Escape");
    await animationFrame();
    expect(".modal:contains(Throw this contact away)").toHaveCount(1);
    await press("Escape");
    await animationFrame();
    expect(".o_csp_intake_subject").toHaveValue("Invoice");
    // Whatever closes it without asking, for instance another page.
    getService("dialog").closeAll();
    await animationFrame();
    expect(".o_csp_intake").toHaveCount(0);
    getService("csp_intake").open();
    await animationFrame();
    await animationFrame();
    expect(".o_csp_intake_subject").toHaveValue("Invoice");
    await contains(".o_csp_intake_afresh").click();
    await animationFrame();
    expect(".o_csp_intake_subject").toHaveValue("");
    await press("Escape");
    await runAllTimers();
    await animationFrame();
    expect(".o_csp_intake").toHaveCount(0);
    expect(browser.sessionStorage.getItem("csp_intake_draft")).toBe(null);
});

test("another team: somebody else looks after it", async () => {
    await open({lookup: () => found()});
    expect(".o_csp_intake_mine").toBeChecked();
    await contains(".o_csp_intake_team").select("6");
    expect(".o_csp_intake_mine").not.toBeChecked();
    await contains(".o_csp_intake_team").select("5");
    expect(".o_csp_intake_mine").toBeChecked();
});

test("not closed: why, and where to go on", async () => {
    await open({
        lookup: () => found(),
        save: () =>
            saved({
                message: "Two steps are open.",
                next: {action: 7, label: "See them", context: {}},
            }),
    });
    await contains(".o_csp_intake_subject").edit("Invoice", {confirm: false});
    await contains(".o_csp_intake_settled").click();
    await animationFrame();
    expect(".o_notification").toHaveText(/HT40 is saved, but still open/);
    expect(".o_notification button:contains(See them)").toHaveCount(1);
    expect(getFixture().contains(queryOne(".o_notification"))).toBe(true);
});
