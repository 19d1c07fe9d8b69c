import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("csp_plan_tour", {
    steps: () => [
        {trigger: ".o_list_button_add", run: "click"},
        {trigger: ".o_field_widget[name=name] textarea", run: "edit Tour Plan"},
        {
            trigger: ".o_field_widget[name=mission] textarea",
            run: "edit Nobody is left alone.",
        },
        {
            trigger: ".o_field_widget[name=value_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=name] input",
            run: "edit We keep our word",
        },
        {trigger: ".modal .o_form_button_save", run: "click"},
        {trigger: ".o_field_widget[name=value_ids] td:contains(We keep our word)"},
        {trigger: ".o_form_button_save", run: "click"},
        {trigger: ".alert:contains(The vision is not written yet.)"},
        {trigger: "button[name=action_put_in_force]", run: "click"},
        {trigger: ".modal .btn-primary:contains(Put in force)", run: "click"},
        {trigger: ".o_arrow_button_current:contains(In force)"},
    ],
});

registry.category("web_tour.tours").add("csp_review_tour", {
    steps: () => [
        {
            content: "Overdue ones are red",
            trigger: ".o_data_row.text-danger td:contains(Tour Policy)",
            run: "click",
        },
        {trigger: ".alert-danger:contains(This review is overdue)"},
        {trigger: ".o_csp_review_card[data-card=complaints]"},
        {trigger: ".o_csp_review [data-section=changes]:contains(was published by)"},
        {trigger: "button[name=action_open_decision]", run: "click"},
        {trigger: ".modal .alert:contains(It stays as it is)"},
        {
            trigger: ".modal .o_field_widget[name=decision] label:contains(Retire)",
            run: "click",
        },
        {trigger: ".modal .alert-warning:contains(goes out of force now)"},
        {
            trigger: ".modal .o_field_widget[name=decision] label:contains(Change)",
            run: "click",
        },
        {trigger: ".modal .alert:contains(A new version is begun)"},
        {
            trigger: ".modal .o_field_widget[name=reason] textarea",
            run: "edit Mondays are too much.",
        },
        {trigger: ".modal button[name=action_decide].btn-primary", run: "click"},
        {
            content: "The new draft is open, with the reason in it",
            trigger: ".o-mail-Message:contains(Mondays are too much.)",
        },
    ],
});
