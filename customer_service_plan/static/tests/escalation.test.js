import {defineModels, fields, models, mountView} from "@web/../tests/web_test_helpers";
import {expect, test} from "@odoo/hoot";
import {formatClosed, formatStep} from "@customer_service_plan/escalation/chain";
import {mailModels} from "@mail/../tests/mail_test_helpers";
import {queryAllAttributes, queryAllTexts} from "@odoo/hoot-dom";

// Monday, 23 November 2026, 16:30 in Brussels
const START = 1795447800;
const HOUR = 3600;
const ZONE = "Europe/Brussels";
const EXAMPLE = {
    start: START,
    deadline: START + 21 * HOUR,
    tz: ZONE,
    hours: "Office",
    rows: [
        {at: START, kind: "received", label: "The request comes in", closed: []},
        {
            at: START + 19 * HOUR,
            kind: "step",
            label: "25 % of the target before a promise is missed",
            what: "Tell people",
            who: "Assignee",
            sequence: 1,
            early: true,
            closed: [[START + HOUR / 2, START + 16.5 * HOUR]],
        },
        {at: START + 21 * HOUR, kind: "deadline", label: "First reply is due"},
        {
            at: START + 23 * HOUR,
            kind: "step",
            label: "2 h after a promise was missed",
            what: "To-do: Call",
            who: "Team leader",
            sequence: 2,
            early: false,
        },
    ],
    problems: [],
};

class EscalationList extends models.Model {
    _name = "csp.escalation.list";

    example = fields.Json();

    _records = [{id: 1, example: EXAMPLE}];
}

defineModels({...mailModels, EscalationList});

test("moments are told in the zone of the hours", () => {
    expect(formatStep(START, ZONE, START)).toMatch(/^Mon (0?4|16):30/);
    expect(formatStep(START + 7 * 24 * HOUR, ZONE, START)).toMatch(/30/);
});

test("the chain shows steps before and after the deadline", async () => {
    await mountView({
        type: "form",
        resModel: "csp.escalation.list",
        resId: 1,
        arch: `<form><field name="example" widget="csp_chain"/></form>`,
    });
    expect(queryAllAttributes(".o_csp_chain_row", "data-kind")).toEqual([
        "received",
        "step",
        "deadline",
        "step",
    ]);
    expect(queryAllTexts(".o_csp_chain_title .badge")).toEqual(["in time", "late"]);
    expect(queryAllTexts(".o_csp_chain_step .o_csp_chain_dot")).toEqual(["1", "2"]);
    expect(".o_csp_chain_closed").toHaveCount(1);
    expect(".o_csp_chain").toHaveAttribute("aria-label");
    expect(formatClosed([], ZONE, START)).toBe("");
    const night = [START + HOUR / 2, START + 16.5 * HOUR];
    expect(formatClosed([night], ZONE, START)).toMatch(/^closed Mon .* – Tue/);
    expect(formatClosed([night, night, night], ZONE, START)).toMatch(/2 times more$/);
});
