import {
    QualityAnswer,
    getDecisions,
    getDisputed,
} from "@customer_service_plan/quality_answer/quality_answer";
import {click, edit, queryAll, queryAllTexts, queryFirst} from "@odoo/hoot-dom";
import {defineModels, mountWithCleanup, onRpc} from "@web/../tests/web_test_helpers";
import {expect, test} from "@odoo/hoot";
import {animationFrame} from "@odoo/hoot-mock";
import {mailModels} from "@mail/../tests/mail_test_helpers";

defineModels(mailModels);

const REVIEW = {
    id: 7,
    state: "done",
    is_mine: true,
    agent: "Nikos",
    reviewer: "Rosa",
    answer_until: "18 March",
    days_left: 7,
    answered_at: "",
    remark: "",
    may_answer: true,
    lines: [
        {id: 1, name: "Solved", mark: "Yes", is_best: true, is_bad: false, comment: ""},
        {
            id: 2,
            name: "Friendly",
            mark: "1 of 5",
            is_best: false,
            is_bad: true,
            comment: "Cold.",
        },
    ],
    dispute: false,
};
const DISPUTE = {
    ...REVIEW,
    state: "disputed",
    is_mine: false,
    may_answer: false,
    lines: [],
    dispute: {
        id: 3,
        state: "open",
        reason: "Look again",
        disputed_at: "12 March",
        decider: "Lena",
        due_date: "19 March",
        is_late: false,
        may_decide: true,
        outcome: "",
        lines: [
            {
                id: 5,
                name: "Friendly",
                reason: "",
                before: "1 of 5",
                said: "Cold.",
                quote: "",
                accepted: false,
                after: false,
                answer: "",
                may_be_na: true,
                steps: [
                    {step: 2, name: "2", text: "Correct"},
                    {step: 3, name: "3", text: ""},
                ],
            },
        ],
    },
};

test("what is ticked is disputed, with its reason", () => {
    const ticks = {
        1: {isTicked: false, reason: "No"},
        2: {isTicked: true, reason: " Yes "},
        3: {isTicked: true, reason: ""},
    };
    expect(getDisputed(ticks)).toEqual({2: "Yes", 3: ""});
});

test("a decision needs each mark", () => {
    expect(getDecisions({1: {mark: null, answer: ""}})).toBe(null);
    const choices = {
        1: {mark: "keep", answer: " So. "},
        2: {mark: 3, answer: ""},
        3: {mark: "na", answer: ""},
    };
    expect(getDecisions(choices)).toEqual({
        1: {accepted: false, step: null, not_applicable: false, answer: "So."},
        2: {accepted: true, step: 3, not_applicable: false, answer: ""},
        3: {accepted: true, step: null, not_applicable: true, answer: ""},
    });
});

test("the agent disputes a mark", async () => {
    onRpc("csp.quality.review", "get_answer", () => REVIEW);
    onRpc("csp.quality.review", "action_dispute", ({args}) => {
        expect.step(args);
        return 3;
    });
    await mountWithCleanup(QualityAnswer, {
        props: {reviewId: 7, onChanged: () => expect.step("changed")},
    });
    await animationFrame();
    await click(".o_csp_answer_dispute");
    await animationFrame();
    expect(queryAllTexts(".o_csp_answer_name")).toEqual(["Friendly"]);
    await click(".o_csp_answer_send");
    await animationFrame();
    expect("[role=alert]").toHaveCount(1);
    await click("input[type=checkbox]");
    await animationFrame();
    await click("textarea");
    await edit("Look again");
    await click(".o_csp_answer_send");
    await animationFrame();
    expect.verifySteps([[[7], "Look again", {2: ""}], "changed"]);
});

test("a third person decides with the keyboard", async () => {
    onRpc("csp.quality.review", "get_answer", () => DISPUTE);
    onRpc("csp.quality.dispute", "action_decide", ({args}) => {
        expect.step(args);
        return true;
    });
    await mountWithCleanup(QualityAnswer, {props: {reviewId: 7}});
    await animationFrame();
    expect(queryAllTexts("[role=radio]")).toEqual([
        "Stays 1 of 5",
        "2",
        "3",
        "Does not apply",
    ]);
    queryFirst("[role=radio]").focus();
    const group = queryFirst("[role=radiogroup]");
    const press = async (key) => {
        group.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
        await animationFrame();
    };
    await press("ArrowRight");
    expect(queryAll("[aria-checked=true]").length).toBe(1);
    expect("[aria-checked=true]").toHaveText("Stays 1 of 5");
    await press("ArrowRight");
    expect("[aria-checked=true]").toHaveText("2");
    expect(".o_csp_answer_sentence").toHaveText("Correct");
    await click("textarea");
    await edit("It is correct");
    await click(".o_csp_answer_decide");
    await animationFrame();
    expect.verifySteps([
        [
            [3],
            "It is correct",
            {5: {accepted: true, step: 2, not_applicable: false, answer: ""}},
        ],
    ]);
});
