import {registry} from "@web/core/registry";

/** A manager says what matters to a segment, and looks where the gaps are. */
registry.category("web_tour.tours").add("csp_needs_tour", {
    steps: () => [
        {
            trigger: ".o_form_view .nav-link[name=needs]",
            run: "click",
        },
        {
            content: "Begin with what most customers want",
            trigger: "button[name=action_add_usual_needs]",
            run: "click",
        },
        {
            trigger: "td[data-cell='3-0'] .o_csp_need[data-need=Speed]",
        },
        {
            content: "In the list: speed is decisive",
            trigger:
                ".o_field_widget[name=need_ids] .o_data_row:contains('Speed') td[name=importance]",
            run: "click",
        },
        {
            trigger: ".o_selected_row [name=importance] input",
            run: "click",
        },
        {
            trigger: ".o_select_menu_item:contains('Decisive')",
            run: "click",
        },
        {
            content: "The matrix follows before anything is saved",
            trigger: "td[data-cell='5-0'] .o_csp_need[data-need=Speed]",
            run: "click",
        },
        {
            content: "In the dialog: and it is poorly met",
            trigger: ".modal .o_field_widget[name=satisfaction] input",
            run: "click",
        },
        {
            trigger: ".o_select_menu_item:contains('Poorly')",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=satisfaction_source] input",
            run: "edit 12 visits in May",
        },
        {
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            trigger:
                "body:not(:has(.modal)) td.o_csp_needs_wide[data-cell='5-2'] .o_csp_need[data-need=Speed]",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_form_saved, .o_form_status_indicator_buttons.invisible",
        },
    ],
});

/** The matrix of all segments: one need is opened, changed, and has moved. */
registry.category("web_tour.tours").add("csp_needs_matrix_tour", {
    steps: () => [
        {
            trigger: "td[data-cell='5-1'] .o_csp_need:contains('Tour Builders')",
        },
        {
            content: "Only the families",
            trigger: ".o_search_panel_filter_value:contains('Tour Families') input",
            run: "click",
        },
        {
            trigger:
                ".o_csp_needs:not(:has(.o_csp_need:contains('Tour Builders'))) td[data-cell='4-0'] .o_csp_need",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=satisfaction] input",
            run: "click",
        },
        {
            trigger: ".o_select_menu_item:contains('Fully')",
            run: "click",
        },
        {
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal)) td[data-cell='4-5'] .o_csp_need",
        },
        {
            content: "The search leaves less",
            trigger: ".o_searchview_input",
            run: "edit Price",
        },
        {
            trigger: ".o_searchview_autocomplete .o-dropdown-item:contains('Need')",
            run: "click",
        },
        {
            trigger: ".o_nocontent_help:contains('active filter')",
        },
    ],
});
