import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");

/** A manager writes a policy for every ticket, and publishes it. */
tours.add("csp_policy_tour", {
    steps: () => [
        {
            content: "Begin a policy",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            trigger:
                ".o_field_widget[name=name] input, .o_field_widget[name=name] textarea",
            run: "edit Tour Policy",
        },
        {
            trigger: ".o_form_button_save:enabled",
            run: "click",
        },
        {
            content: "The draft is there already",
            trigger: ".o_statusbar_buttons button[name=action_open_draft]",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=line_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=match_all] input",
            run: "click",
        },
        {
            content: "Minutes",
            trigger: ".modal .o_field_widget[name=first_response_minutes] input",
            run: "edit 30 min && press Tab",
        },
        {
            content: "Hours and minutes",
            trigger: ".modal .o_field_widget[name=resolution_minutes] input",
            run: "edit 2:30 && press Tab",
        },
        {
            trigger:
                ".modal .o_field_widget[name=resolution_minutes] input:value(2 h 30 min)",
        },
        {
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            content: "The table reads like a promise",
            trigger:
                "body:not(:has(.modal)) .o_data_row:contains(Any ticket):contains(30 min):contains(2 h 30 min)",
        },
        {
            trigger: ".o_form_button_save:enabled",
            run: "click",
        },
        {
            trigger: ".o_form_saved .o_statusbar_buttons button:contains(Publish)",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=change_summary] textarea",
            run: "edit The first one",
        },
        {
            trigger: ".modal button[name=action_publish]",
            run: "click",
        },
        {
            content: "It is in force and cannot be changed any more",
            trigger:
                "body:not(:has(.modal)) .o_statusbar_status .o_arrow_button_current:contains(Published)",
        },
        {
            trigger: ".alert:contains(they never change)",
        },
    ],
});

/** An agent sees what is promised and why, and that another priority changes it. */
tours.add("csp_ticket_tour", {
    steps: () => [
        {
            content: "The clock of the first reply runs",
            trigger:
                ".o_csp_tile[data-kind=first_response][data-phase=running]:contains(within 4 h)",
        },
        {
            trigger: ".o_csp_why",
            run: "click",
        },
        {
            content: "The line for urgent tickets did not fit, and why",
            trigger:
                ".modal .o_data_row:contains(the ticket has Medium, the line wants High and above)",
        },
        {
            trigger: ".modal .o_data_row.text-success:contains(Any ticket)",
        },
        {
            trigger: ".modal .modal-footer button:contains(Close)",
            run: "click",
        },
        {
            content: "Make it urgent: stars are saved at once",
            trigger:
                "body:not(:has(.modal)) .o_field_widget[name=priority] .o_priority_star:nth-child(2)",
            run: "click",
        },
        {
            content: "Another promise, without loading the page again",
            trigger: ".o_csp_tile[data-kind=first_response]:contains(within 15 min)",
        },
        {
            content: "Wait for the customer: the solution pauses",
            trigger: ".o_statusbar_status button:contains(Awaiting)",
            run: "click",
        },
        {
            trigger:
                ".o_csp_tile[data-kind=resolution][data-phase=paused]:contains(waiting for the customer)",
        },
        {
            content: "A complaint",
            trigger: ".o_csp_complaint:contains(It is a complaint)",
            run: "click",
        },
        {
            trigger: ".o_csp_panel .badge:contains(Complaint)",
        },
    ],
});

/** A manager excuses a missed promise. */
tours.add("csp_excuse_tour", {
    steps: () => [
        {
            trigger:
                ".o_csp_tile[data-kind=first_response][data-phase=late]:contains(late by)",
        },
        {
            trigger: ".o_csp_excuse",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=reason] textarea",
            run: "edit Power cut",
        },
        {
            trigger: ".modal button[name=action_excuse]",
            run: "click",
        },
        {
            trigger:
                "body:not(:has(.modal)) .o_csp_tile[data-kind=first_response]:contains(excused)",
        },
        {
            content: "Nothing is left to be excused",
            trigger: ".o_csp_panel:not(:has(.o_csp_excuse))",
        },
    ],
});
