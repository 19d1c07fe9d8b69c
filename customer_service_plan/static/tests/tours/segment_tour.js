import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");

/** A manager says who belongs to a segment, sees who fits, and asks why. */
tours.add("csp_segment_tour", {
    steps: () => [
        {
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "Nothing is filled yet",
            trigger: ".o_csp_preview:contains(Fill a rule)",
        },
        {
            trigger:
                ".o_field_widget[name=name] input, .o_field_widget[name=name] textarea",
            run: "edit Tour Seniors",
        },
        {
            trigger: ".o_field_widget[name=country_ids] input",
            run: "edit Tourland",
        },
        {
            trigger: ".o-autocomplete--dropdown-item:contains(Tourland)",
            run: "click",
        },
        {
            content: "Three of that country, before anything is saved",
            trigger: ".o_csp_preview_count:contains(3)",
        },
        {
            trigger: ".o_csp_preview_sample:contains(Old Olga):contains(Young Yannis)",
        },
        {
            trigger: ".o_field_widget[name=age_min] input",
            run: "edit 65 && press Tab",
        },
        {
            content: "One of them is so old, and one may be",
            trigger: ".o_csp_preview_count:contains(1)",
        },
        {
            content: "Who it is would tell an age",
            trigger:
                ".o_csp_preview:contains(only to those who may read):not(:contains(Olga))",
        },
        {
            trigger: ".o_csp_choices input[value=female] + label",
            run: "click",
        },
        {
            trigger: ".o_csp_choices input[value=female]:checked",
        },
        {
            trigger: ".o_form_button_save:enabled",
            run: "click",
        },
        {
            trigger:
                "body:has(.o_form_saved) button[name=action_view_members]:contains(1)",
            run: "click",
        },
        {
            content: "The customers",
            trigger: ".o_list_view .o_data_row:contains(Old Olga)",
        },
        {
            trigger: ".breadcrumb-item a:contains(Tour Seniors), .o_back_button",
            run: "click",
        },
        {
            trigger: ".o_form_view button:contains(Check a customer)",
            run: "click",
        },
        {
            trigger: ".modal .o_record_selector input",
            run: "edit Young Yannis",
        },
        {
            trigger: ".modal .o-autocomplete--dropdown-item:contains(Young Yannis)",
            run: "click",
        },
        {
            content: "He lives there, the rest is private",
            trigger: ".modal li[data-rule=country_ids][data-verdict=yes]",
        },
        {
            trigger: ".modal li[data-verdict=hidden]:contains(65)",
        },
        {
            trigger: ".modal .o_csp_why_segment:contains(does not belong here)",
        },
    ],
});

/** An agent asks on a contact why it is in its segments. */
tours.add("csp_segment_why_tour", {
    steps: () => [
        {
            trigger:
                ".o_field_widget[name=csp_segment_ids].o_readonly_modifier .o_tag:contains(Tourists)",
        },
        {
            trigger: ".o_form_view button:contains(Why?)",
            run: "click",
        },
        {
            trigger:
                ".modal .o_csp_member:contains(Tourists) li[data-rule=country_ids]:contains(Tourland)",
        },
        {
            trigger: ".modal .btn-close",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal))",
        },
    ],
});
