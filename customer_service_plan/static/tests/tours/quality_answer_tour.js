import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("csp_quality_dispute_tour", {
    steps: () => [
        {trigger: ".o_data_row td:contains(The printer is on fire)", run: "click"},
        {trigger: ".o_csp_answer:contains(Your answer)"},
        {trigger: ".o_csp_answer_dispute", run: "click"},
        {trigger: ".o_csp_answer:contains(Somebody else than)"},
        {
            content: "Nothing ticked: nothing is sent",
            trigger: ".o_csp_answer_send",
            run: "click",
        },
        {trigger: ".o_csp_answer [role=alert]"},
        {
            trigger: ".o_csp_answer_marks li:contains(Friendly) input[type=checkbox]",
            run: "click",
        },
        {
            trigger: ".o_csp_answer_marks li:contains(Friendly) input[type=text]",
            run: "edit I said please.",
        },
        {
            trigger: ".o_csp_answer textarea",
            run: "edit Look at the second message.",
        },
        {trigger: ".o_csp_answer_send", run: "click"},
        {
            trigger:
                ".o_csp_answer:contains(You disputed it):contains(Look at the second message.)",
        },
        {trigger: ".o_csp_answer_marks li:contains(I said please.)"},
        {trigger: ".o_csp_answer:not(:has(.o_csp_answer_decide))"},
    ],
});

registry.category("web_tour.tours").add("csp_quality_decision_tour", {
    steps: () => [
        {trigger: ".o_data_row td:contains(The printer is on fire)", run: "click"},
        {trigger: ".o_csp_answer_marks li:contains(I said please.)"},
        {
            content: "A mark and a reason are missing",
            trigger: ".o_csp_answer_decide",
            run: "click",
        },
        {trigger: ".o_csp_answer [role=alert]"},
        {trigger: ".o_csp_answer_choices [role=radio]:contains(4)", run: "click"},
        {
            trigger: ".o_csp_answer textarea",
            run: "edit The second message is friendly.",
        },
        {trigger: ".o_csp_answer_decide", run: "click"},
        {trigger: ".o_csp_answer .badge:contains(Agreed to)"},
        {trigger: ".o_csp_answer_scores strong:contains(82.5 %)"},
        {trigger: ".o_arrow_button_current:contains(Decided)"},
    ],
});
