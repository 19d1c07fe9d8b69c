import {Component, useState, xml} from "@odoo/owl";
import {byGap, gapOf, isWide, matrixRows} from "@customer_service_plan/needs/steps";
import {click, queryAllTexts, resize, waitFor} from "@odoo/hoot-dom";
import {describe, expect, test} from "@odoo/hoot";
import {NeedsMatrix} from "@customer_service_plan/needs/needs_matrix";
import {animationFrame} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {mountWithCleanup} from "@web/../tests/web_test_helpers";

describe.current.tags("desktop");

const need = (id, importance, satisfaction, name = `Need ${id}`) => ({
    id,
    need: name,
    segment: "Families",
    importance,
    satisfaction,
});

test("a gap is known only if it is known how well the need is met", () => {
    expect(gapOf(need(1, 5, 2))).toBe(3);
    expect(gapOf(need(1, 2, 2))).toBe(0);
    expect(gapOf(need(1, 1, 5))).toBe(-4);
    expect(gapOf(need(1, 5, 0))).toBe(null);
    expect(isWide(need(1, 3, 1))).toBe(true);
    expect(isWide(need(1, 3, 2))).toBe(false);
    expect(isWide(need(1, 5, 0))).toBe(false);
});

test("widest gap first, the unknown last, the more important before the less", () => {
    const needs = [
        need(1, 3, 0),
        need(2, 1, 5),
        need(3, 5, 0),
        need(4, 2, 1),
        need(5, 5, 4),
        need(6, 5, 1),
    ];
    expect(byGap(needs).map(({id}) => id)).toEqual([6, 5, 4, 2, 3, 1]);
    expect(needs[0].id).toBe(1);
});

test("each need has one cell", () => {
    const rows = matrixRows([need(1, 5, 1), need(2, 5, 1), need(3, 1, 0)]);
    expect(rows.map((row) => row.importance)).toEqual([5, 4, 3, 2, 1]);
    expect(rows[0].cells[0].needs.map(({id}) => id)).toEqual([1, 2]);
    expect(rows[4].cells[5].needs.map(({id}) => id)).toEqual([3]);
    const all = rows.flatMap((row) => row.cells.flatMap((cell) => cell.needs));
    expect(all.length).toBe(3);
    const wide = rows.map((row) => row.cells.filter((cell) => cell.wide).length);
    expect(wide).toEqual([3, 2, 1, 0, 0]);
});

class Page extends Component {
    static components = {NeedsMatrix};
    static props = {};
    static template = xml`
        <div t-attf-style="width: {{state.width}}px">
            <NeedsMatrix needs="state.needs" onOpen="open" showSegments="true"/>
        </div>`;

    setup() {
        this.state = useState({
            width: 1000,
            needs: [need(1, 5, 1, "Price"), need(2, 4, 0, "Speed"), need(3, 2, 4)],
        });
        this.open = (id) => expect.step(`open ${id}`);
    }
}

defineMailModels();

test("needs stand where they belong, move, and can be opened", async () => {
    await resize({width: 1200});
    const page = await mountWithCleanup(Page);
    await animationFrame();
    expect("td[data-cell='5-1'].o_csp_needs_wide .o_csp_need").toHaveText(
        "Price\nFamilies"
    );
    expect("td[data-cell='5-1'] .o_csp_need").toHaveAttribute(
        "aria-label",
        "Price for Families: Decisive, met: Not at all. important, but poorly met"
    );
    expect("td[data-cell='4-0'].o_csp_needs_unknown .o_csp_need").toHaveCount(1);
    expect(".o_csp_needs_summary").toHaveText(
        "1 important, but poorly met · 1 not known yet"
    );
    await click(".o_csp_need[data-need=Speed]");
    expect.verifySteps(["open 2"]);
    page.state.needs[0].satisfaction = 5;
    page.state.needs = [...page.state.needs];
    await animationFrame();
    expect("td[data-cell='5-5'] .o_csp_need").toHaveCount(1);
    expect("td[data-cell='5-1'] .o_csp_need").toHaveCount(0);
});

test("many needs in one cell are shown when somebody asks for them", async () => {
    await resize({width: 1200});
    const page = await mountWithCleanup(Page);
    page.state.needs = Array.from({length: 11}, (_, index) => need(index, 5, 5));
    await animationFrame();
    expect("td[data-cell='5-5'] .o_csp_need").toHaveCount(8);
    expect(".o_csp_needs_more").toHaveText("3 more");
    await click(".o_csp_needs_more");
    await animationFrame();
    expect("td[data-cell='5-5'] .o_csp_need").toHaveCount(11);
});

test("where there is little room, a list begins with the widest gap", async () => {
    const page = await mountWithCleanup(Page);
    page.state.width = 380;
    await waitFor(".o_csp_need_row");
    expect(".o_csp_needs_table").toHaveCount(0);
    expect(queryAllTexts(".o_csp_need_row strong")).toEqual([
        "Price",
        "Need 3",
        "Speed",
    ]);
    expect(queryAllTexts(".o_csp_need_gap")).toEqual(["Gap 4", "", "?"]);
    await click(".o_csp_need_row");
    expect.verifySteps(["open 1"]);
});
