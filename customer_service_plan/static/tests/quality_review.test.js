import {advanceTime, describe, expect, test} from "@odoo/hoot";
import {ConnectionLostError} from "@web/core/network/rpc";
import {Keeper} from "@customer_service_plan/quality_review/keeper";
import {readKey} from "@customer_service_plan/quality_review/keys";

describe.current.tags("headless");

function makeKeeper(send) {
    return new Keeper({
        send: async (key, values) => {
            expect.step(`send ${key} ${JSON.stringify(values)}`);
            return send?.(key, values);
        },
        onKept: () => {},
        onStatus: (status) => expect.step(status),
        onRefused: (error, unkept) =>
            expect.step(`${error.message}: ${JSON.stringify([...unkept])}`),
    });
}

test("what is typed is kept once, as it is in the end", async () => {
    const keeper = makeKeeper();
    keeper.put(1, {comment: "a"}, true);
    keeper.put(1, {comment: "ab"}, true);
    expect.verifySteps(["unsaved"]);
    await advanceTime(700);
    expect.verifySteps(["saving", 'send 1 {"comment":"ab"}', "saved"]);
    expect(keeper.isClean).toBe(true);
});

test("without a connection it is tried again, the newest values first", async () => {
    let isLost = true;
    const keeper = makeKeeper(() => {
        if (isLost) {
            throw new ConnectionLostError("/x");
        }
    });
    keeper.put(1, {step: 1});
    await advanceTime(10);
    expect.verifySteps(["unsaved", "saving", 'send 1 {"step":1}', "retrying"]);
    keeper.put(1, {step: 2, comment: "x"});
    expect(await keeper.flush()).toBe(false);
    expect.verifySteps(['send 1 {"step":2,"comment":"x"}']);
    isLost = false;
    await advanceTime(5000);
    expect.verifySteps(['send 1 {"step":2,"comment":"x"}', "saved"]);
});

test("what is refused is told, and nothing more is sent", async () => {
    const keeper = makeKeeper(() => {
        throw new Error("Done by now");
    });
    keeper.put(1, {step: 1});
    keeper.put(2, {comment: "x"}, true);
    await keeper.flush();
    expect.verifySteps([
        "unsaved",
        "saving",
        'send 1 {"step":1}',
        "refused",
        'Done by now: [[2,{"comment":"x"}],[1,{"step":1}]]',
    ]);
    keeper.put(1, {step: 2});
    await advanceTime(1000);
    expect.verifySteps([]);
});

test("keys mean the same on every keyboard", () => {
    const read = (key, code, shiftKey = false) => readKey({key, code, shiftKey});
    expect(read("3", "Digit3")).toBe("3");
    expect(read('"', "Digit3")).toBe("3");
    expect(read("3", "Numpad3")).toBe("3");
    expect(read("#", "Digit3", true)).toBe("shift+3");
    expect(read("q", "KeyA")).toBe("q");
    expect(read("й", "KeyQ")).toBe("q");
    expect(read("N", "KeyN")).toBe("n");
    expect(read("ArrowDown", "ArrowDown", true)).toBe("shift+ArrowDown");
});
