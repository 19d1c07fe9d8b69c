import {registry} from "@web/core/registry";

/** A manager opens what the coverage check found, mends it, and comes back. */
registry.category("web_tour.tours").add("csp_plan_check_tour", {
    steps: () => [
        {
            content: "A channel has no hours",
            trigger:
                "section[data-topic=channels] [data-key=channel_without_hours]:contains(Tour Phone) button",
            run: "click",
        },
        {
            content: "The very channel opens",
            trigger: ".o_form_view .o_field_widget[name=csp_hours_id] input",
            run: "edit Tour Hours",
        },
        {
            trigger: ".o-autocomplete--dropdown-item:contains(Tour Hours)",
            run: "click",
        },
        {
            trigger: ".o_form_button_save:enabled",
            run: "click",
        },
        {
            trigger: ".o_form_saved",
        },
        {
            content: "Back where it was found",
            trigger: ".breadcrumb-item a:contains(Coverage check), .o_back_button a",
            run: "click",
        },
        {
            content: "It is not found any more",
            trigger:
                "section[data-topic=channels]:not(:has([data-key=channel_without_hours]))",
        },
    ],
});
