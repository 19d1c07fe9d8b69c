import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");

/** Somebody reads what he is asked to, signs it, and finds it again as signed. */
tours.add("csp_acknowledgement_tour", {
    steps: () => [
        {
            trigger: ".o_data_row:contains(Tour Policy) [name=state]:contains(To read)",
            run: "click",
        },
        {
            content: "Not to be signed before the end has come into view",
            trigger: ".o_csp_reading_text:contains(We answer fast)",
        },
        {
            trigger: ".o_csp_sign:disabled",
        },
        {
            trigger: ".o_csp_reading_end",
            run: ({anchor}) => anchor.scrollIntoView(),
        },
        {
            trigger: ".o_csp_sign:enabled",
            timeout: 60000,
            run: "click",
        },
        {
            trigger: ".o_csp_reading_bar .text-success:contains(You signed this)",
        },
        {
            trigger: ".o_csp_reading_bar button:contains(All that I have read)",
            run: "click",
        },
        {
            content: "It stays there, with the text",
            trigger: ".o_data_row:contains(Tour Policy) [name=state]:contains(Signed)",
            run: "click",
        },
        {
            trigger: ".o_csp_reading_text:contains(We answer fast)",
        },
        {
            trigger: ".o_csp_reading_bar .text-success:contains(You signed this)",
        },
    ],
});

/** A manager sees who is missing, reminds, and releases somebody with a reason. */
tours.add("csp_acknowledgement_manager_tour", {
    steps: () => [
        {
            trigger:
                ".o_data_row:contains(Tour Policy) button[name=action_view_missing]",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains(Anna Agent) [name=state]:contains(To read)",
            run: "click",
        },
        {
            trigger: "button[name=action_remind]",
            run: "click",
        },
        {
            trigger: ".o_notification:contains(Reminded)",
        },
        {
            trigger: ".o_form_view button:contains(Release)",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=reason] textarea",
            run: "edit On leave",
        },
        {
            trigger: ".modal button[name=action_release]",
            run: "click",
        },
        {
            trigger:
                "body:not(:has(.modal)) .o_field_widget[name=release_note]:contains(On leave)",
        },
    ],
});
