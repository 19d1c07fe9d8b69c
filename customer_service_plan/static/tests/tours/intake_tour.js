import {registry} from "@web/core/registry";

/** From the key to a settled ticket, without the mouse. */
registry.category("web_tour.tours").add("csp_intake_tour", {
    steps: () => [
        {
            trigger: ".o_list_view",
        },
        {
            trigger: ".o_csp_intake_button button",
        },
        {
            content: "The key opens the dialog from everywhere",
            trigger: "body",
            run: "press Alt+Shift+l",
        },
        {
            content: "It is the number on the display",
            trigger: ".o_csp_intake_query",
            run: "edit 0030 210 / 777.66.55",
        },
        {
            trigger: ".o_csp_intake_choices li.active:contains(Tour Customer)",
        },
        {
            trigger: ".o_csp_intake_query",
            run: "press Enter",
        },
        {
            trigger: ".o_csp_intake_name:contains(Tour Customer)",
        },
        {
            content: "His card",
            trigger: ".o_csp_intake .o_csp_card_head",
        },
        {
            trigger: ".o_csp_intake_subject",
            run: "edit Where is my invoice?",
        },
        {
            trigger: ".o_csp_intake_text",
            run: "edit Sent again while he waited.",
        },
        {
            trigger: "body",
            run: "press Alt+q",
        },
        {
            trigger: ".o_notification:contains(saved and solved)",
        },
        {
            trigger: "body:not(:has(.modal))",
        },
    ],
});
