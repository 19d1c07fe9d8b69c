import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("csp_escalation_list_tour", {
    steps: () => [
        {trigger: ".o_list_button_add", run: "click"},
        {trigger: ".o_field_widget[name=name] input", run: "edit Tour List"},
        {trigger: ".o_field_x2many_list_row_add a", run: "click"},
        {
            trigger:
                ".modal .o_field_widget[name=recipients] label:contains(Team leader)",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=note] textarea",
            run: "edit Call the customer.",
        },
        {trigger: ".modal .o_form_button_save", run: "click"},
        {
            content: "The timeline follows before it is saved",
            trigger: ".o_csp_chain_step:contains(As soon as a promise was missed)",
        },
        {trigger: ".o_csp_chain_deadline:contains(is due)"},
        {trigger: ".o_form_button_save", run: "click"},
        {trigger: "button[name=action_try]", run: "click"},
        {
            trigger: ".modal .o_field_widget[name=ticket_id] input",
            run: "edit The printer",
        },
        {trigger: ".ui-menu-item a:contains(The printer)", run: "click"},
        {trigger: ".modal .o_csp_chain_row[data-state=planned]"},
        {trigger: ".modal button.btn-primary:contains(Close)", run: "click"},
        {trigger: "body:not(:has(.modal))"},
    ],
});

registry.category("web_tour.tours").add("csp_escalate_tour", {
    steps: () => [
        {trigger: ".o_csp_escalate", run: "click"},
        {
            trigger: ".modal .o_field_widget[name=reason] input",
            run: "edit I need a decision.",
        },
        {trigger: ".modal button[name=action_escalate]", run: "click"},
        {
            trigger: ".o_csp_panel_escalated button:contains(calls for help)",
            run: "click",
        },
        {trigger: ".o_csp_panel_history:contains(I need a decision.)"},
        {trigger: ".o_csp_take_charge", run: "click"},
        {trigger: ".o_csp_panel_charge:contains(You take charge since)"},
    ],
});
