import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");
const NO_DIALOG = "body:not(:has(.modal))";
// The last stages are behind a button where the window is narrow.
const moveToDone = [
    {
        trigger: `${NO_DIALOG} .o_statusbar_status .dropdown-toggle:not(.d-none)`,
        run: "click",
    },
    {
        trigger: ".o-dropdown-item:contains(Done)",
        run: "click",
    },
];

/** An agent ticks a step, takes it back, and is asked for the rest when he closes. */
tours.add("csp_procedure_tour", {
    steps: () => [
        {
            content: "What comes next is said in one line, which leads to the page",
            trigger: ".o_csp_hint:contains(0 of 3):contains(Read it)",
            run: "click",
        },
        {
            trigger: ".o_csp_procedure_goal:contains(It is settled.)",
        },
        {
            trigger: ".o_csp_coverage:contains(Repair free of charge.)",
        },
        {
            trigger: ".o_csp_step:contains(Read it) .o_csp_step_tick",
            run: "click",
        },
        {
            content: "Who and when",
            trigger:
                ".o_csp_step_done:contains(Read it) .o_csp_step_who:contains(Anna)",
        },
        {
            trigger: ".o_csp_hint:contains(1 of 3):contains(Tell him)",
        },
        {
            trigger: ".o_csp_step:contains(Thank him) .o_csp_step_tick",
            run: "click",
        },
        {
            trigger: ".o_csp_hint:contains(2 of 3)",
        },
        {
            content: "Take it back",
            trigger: ".o_csp_step_done:contains(Thank him) .o_csp_step_tick",
            run: "click",
        },
        {
            trigger:
                ".o_csp_step:not(.o_csp_step_done):contains(Thank him):contains(taken back by)",
        },
        {
            content: "Something else is changed, too, before closing",
            trigger: ".o_field_widget[name=name] input",
            run: "edit It leaks a lot",
        },
        ...moveToDone,
        {
            trigger: ".modal:contains(Tell him):not(:contains(Read it))",
        },
        {
            content: "Back: it stays open, and the other change is kept",
            trigger: ".modal footer button:contains(Back)",
            run: "click",
        },
        {
            trigger: `${NO_DIALOG} .o_form_saved .o_arrow_button_current:contains(New)`,
        },
        ...moveToDone,
        {
            trigger: ".modal button[name=action_tick_and_close]",
            run: "click",
        },
        {
            trigger: `${NO_DIALOG} .o_form_saved .o_arrow_button_current:contains(Done)`,
        },
        {
            trigger: ".o_csp_hint:contains(2 of 3)",
        },
    ],
});

/** An agent closes without the steps and says why. */
tours.add("csp_close_anyway_tour", {
    steps: () => [
        ...moveToDone,
        {
            trigger: ".modal .o_field_widget[name=reason] textarea",
            run: "edit Nobody answered",
        },
        {
            trigger: ".modal button[name=action_close_anyway]",
            run: "click",
        },
        {
            trigger: `${NO_DIALOG} .o_arrow_button_current:contains(Done)`,
        },
    ],
});

/** A manager writes a procedure with two steps into a draft. */
tours.add("csp_write_procedure_tour", {
    steps: () => [
        {
            trigger: "a[name=procedures]",
            run: "click",
        },
        {
            trigger:
                ".o_field_widget[name=procedure_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=name] input",
            run: "edit Telephone call",
        },
        {
            trigger: ".modal .o_field_widget[name=goal] textarea",
            run: "edit He need not call again.",
        },
        {
            trigger:
                ".modal .o_field_widget[name=step_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            trigger:
                ".modal .o_field_widget[name=step_ids] .o_selected_row [name=name] input",
            run: "edit Ask for the number",
        },
        {
            trigger:
                ".modal .o_field_widget[name=step_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            trigger:
                ".modal .o_field_widget[name=step_ids] .o_data_row:nth-child(2).o_selected_row [name=name] input",
            run: "edit Agree on what is next",
        },
        {
            trigger:
                ".modal .o_field_widget[name=step_ids] .o_data_row:nth-child(2) [name=required] input",
            run: "click",
        },
        {
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            trigger: `${NO_DIALOG} .o_data_row:contains(Telephone call):contains(Every contact)`,
        },
        {
            trigger: ".o_form_button_save:enabled",
            run: "click",
        },
        {
            trigger: ".o_form_saved",
        },
    ],
});
