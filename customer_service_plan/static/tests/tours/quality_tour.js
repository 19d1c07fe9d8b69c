import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");
const CURRENT = ".o_csp_criterion_current";

const press =
    (key, code, options = {}) =>
    () =>
        document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", {key, code, bubbles: true, ...options})
        );

/** A reviewer marks a ticket blind with the keyboard alone, and hands it over. */
tours.add("csp_quality_review_tour", {
    steps: () => [
        {
            trigger: ".o_data_row [name=display_name]:contains(The printer is on fire)",
            run: "click",
        },
        {
            content: "Nothing says whose work it is",
            trigger:
                ".o_csp_desk:not(:contains(Berta)) .o_csp_message_agent strong:contains(Agent)",
        },
        {
            trigger: ".o_csp_marks_people:contains(Blind)",
        },
        {
            trigger: `${CURRENT}:contains(Solved)`,
            run: press("1", "Digit1"),
        },
        {
            content: "A bad mark stays until it is explained",
            trigger: `${CURRENT}:contains(Solved) .o_csp_criterion_causes button:contains(Haste)`,
            run: press("!", "Digit1", {shiftKey: true}),
        },
        {
            trigger: `${CURRENT} .o_csp_criterion_causes button.active:contains(Haste)`,
            run: press("c", "KeyC"),
        },
        {
            trigger: `${CURRENT} textarea:focus`,
            run: "edit It burns again.",
        },
        {
            trigger: `${CURRENT} textarea`,
            run: press("Escape", "Escape"),
        },
        {
            trigger: `${CURRENT}:focus`,
            run: press("ArrowDown", "ArrowDown", {shiftKey: true}),
        },
        {
            trigger: ".o_csp_message_selected",
            run: press("q", "KeyQ"),
        },
        {
            trigger: `${CURRENT}:contains(Solved) .o_csp_mark_quote:contains(Smoke)`,
            run: press("ArrowDown", "ArrowDown"),
        },
        {
            content: "A good mark goes on to the next",
            trigger: `${CURRENT}:contains(Friendly)`,
            run: press("5", "Digit5"),
        },
        {
            content: "Letters of another alphabet are known by their place",
            trigger: `${CURRENT}:contains(Plain words)`,
            run: press("т", "KeyN"),
        },
        {
            trigger: ".o_csp_marks_score:contains(37.5 %)",
            run: press("o", "KeyO"),
        },
        {
            trigger: ".o_csp_desk_overall textarea:focus",
            run: "edit Kind, but not solved.",
        },
        {
            trigger: ".o_csp_desk_overall textarea",
            run: press("Enter", "Enter", {ctrlKey: true}),
        },
        {
            content: "Once it is done, it names the agent",
            trigger: ".o_csp_marks_foot:contains(Done)",
        },
        {
            trigger: ".o_csp_marks_people:contains(Berta Brown)",
        },
        {
            trigger: ".o_csp_criterion_read:contains(It burns again)",
        },
    ],
});

/** With the mouse, from the ticket. */
tours.add("csp_quality_ticket_tour", {
    steps: () => [
        {
            trigger: "button[name=action_csp_review]",
            run: "click",
        },
        {
            trigger: ".o_csp_criterion:contains(Solved) .o_csp_choice:contains(Yes)",
            run: "click",
        },
        {
            trigger: ".o_csp_criterion:contains(Friendly)",
            run: "click",
        },
        {
            trigger: `${CURRENT}:contains(Friendly) .o_csp_choice:contains(4)`,
            run: "click",
        },
        {
            content: "What is missing is shown, not refused afterwards",
            trigger: ".o_csp_desk_done",
            run: "click",
        },
        {
            trigger: `${CURRENT}:contains(Plain words) .o_csp_choice:contains(5)`,
            run: "click",
        },
        {
            trigger: ".o_csp_marks_status:contains(Saved)",
        },
        {
            trigger: ".o_csp_desk_done",
            run: "click",
        },
        {
            trigger: ".o_csp_marks_foot:contains(Done)",
        },
    ],
});
