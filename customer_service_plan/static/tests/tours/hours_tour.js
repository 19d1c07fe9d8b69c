import {registry} from "@web/core/registry";

/** A manager enters the hours of a shop: the week in one go, a night, the holidays. */
registry.category("web_tour.tours").add("csp_hours_tour", {
    steps: () => [
        {
            content: "Begin a new table",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=name] input",
            run: "edit Tour Hours",
        },
        {
            content: "Set the week in one go",
            trigger: "button[name=action_set_week]",
            run: "click",
        },
        {
            trigger:
                ".modal .o_field_widget[name=preset] .o_radio_item:contains('lunch break') input",
            run: "click",
        },
        {
            content: "Times are typed as people write them",
            trigger: ".modal .o_field_widget[name=minute_from] input",
            run: "edit 8.30 && press Tab",
        },
        {
            trigger: ".modal .o_field_widget[name=summary]:contains('08:30')",
        },
        {
            trigger: ".modal button[name=action_apply]",
            run: "click",
        },
        {
            content: "The picture shows two bars on each of five days",
            trigger:
                "body:not(:has(.modal)) .o_csp_week_days:first-child .o_csp_week_day:nth-child(7) i:nth-of-type(2)",
        },
        {
            content: "Add the night of Saturday by hand",
            trigger: ".o_field_widget[name=line_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            trigger: ".o_selected_row [name=weekday] input",
            run: "click",
        },
        {
            trigger: ".o_select_menu_item:contains('Saturday')",
            run: "click",
        },
        {
            content: "The list of days clears what is left before it shows the choice",
            trigger: ".o_selected_row [name=weekday] input:value('Saturday')",
        },
        {
            trigger: ".o_selected_row [name=minute_from] input",
            run: "edit 22 && press Tab",
        },
        {
            content: "The beginning is taken in before the end is typed",
            trigger: ".o_selected_row [name=minute_from] input:value('22:00')",
        },
        {
            trigger: ".o_selected_row [name=minute_to] input",
            run: "edit 6 && press Tab",
        },
        {
            content: "An end before the beginning is on the next day",
            trigger: ".o_data_row [name=minute_to]:contains('06:00 +1')",
        },
        {
            content: "The picture follows before anything is saved",
            trigger: ".o_csp_week_days:first-child .o_csp_week_day:nth-child(9) i",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_form_saved, .o_form_status_indicator_buttons.invisible",
        },
        {
            content: "Propose the holidays of the country",
            trigger: "button[name=action_add_holidays]",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=region] input",
            run: "click",
        },
        {
            trigger: ".o_select_menu_item:contains('Bayern')",
            run: "click",
        },
        {
            trigger: ".modal .o_data_row:contains('Epiphany')",
        },
        {
            trigger: ".modal button[name=action_apply]",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal)) a[name=exceptions]",
            run: "click",
        },
        {
            trigger:
                ".o_field_widget[name=exception_ids] .o_data_row:contains('Epiphany')",
        },
    ],
});
