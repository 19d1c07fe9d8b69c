import {registry} from "@web/core/registry";

/** Who approves a version sees what changes, compares, reads it as a page, approves. */
registry.category("web_tour.tours").add("csp_document_tour", {
    steps: () => [
        {
            content: "What changes comes first, with word and sign",
            trigger:
                ".o_csp_comparison .o_csp_change_changed:contains('Changed'):contains('~')",
        },
        {
            trigger: ".o_csp_comparison ins:contains('30 min')",
        },
        {
            content: "What is unchanged is folded away",
            trigger: ".o_csp_comparison details:not([open]) summary",
            run: "click",
        },
        {
            trigger: ".o_csp_comparison details[open] th:contains('Any ticket')",
        },
        {
            content: "Compare with any other version",
            trigger: ".o-form-buttonbox button:contains('Compare')",
            run: "click",
        },
        {
            trigger:
                ".modal .o_field_widget[name=base_version_id] input:value('version 1')",
        },
        {
            trigger: ".modal .o_csp_comparison ins:contains('30 min')",
        },
        {
            trigger: ".modal .btn-close",
            run: "click",
        },
        {
            content: "Read it as a page",
            trigger: "body:not(:has(.modal)) button[name=action_read_document]",
            run: "click",
        },
        {
            trigger: ":iframe .o_csp_text_notice:contains('binds nobody yet')",
        },
        {
            trigger: ":iframe .o_csp_text h1:contains('Tour policy')",
        },
        {
            content: "Go back, and approve",
            trigger: ".o_breadcrumb .o_back_button, .breadcrumb-item a",
            run: "click",
        },
        {
            trigger: "button[name=action_approve]",
            run: "click",
        },
        {
            trigger:
                ".o_statusbar_status button.o_arrow_button_current:contains('Approved')",
        },
    ],
});

/** An author takes back what the purpose of his draft said before. */
registry.category("web_tour.tours").add("csp_text_history_tour", {
    steps: () => [
        {
            trigger: ".o_widget_csp_text_history button:contains('Earlier texts')",
            run: "click",
        },
        {
            content: "The texts are told apart by their time; take the one before",
            trigger: ".html-history-dialog .history-container .history-view-inner",
        },
        {
            trigger: ".html-history-dialog .revision-list .btn:eq(1)",
            run: "click",
        },
        {
            trigger:
                ".html-history-dialog .history-content-view:contains('The first words.')",
        },
        {
            trigger: ".modal .btn-primary:enabled:contains('Restore')",
            run: "click",
        },
        {
            trigger: ".modal .btn-primary:contains('Take it back')",
            run: "click",
        },
        {
            trigger:
                "body:not(:has(.modal)) [name=purpose]:contains('The first words.')",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_form_saved",
        },
    ],
});
