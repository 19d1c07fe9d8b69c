import {registry} from "@web/core/registry";

/** A manager looks at what was drawn at random, then at all, and at who is behind it. */
registry.category("web_tour.tours").add("csp_quality_figures_tour", {
    steps: () => [
        {
            content: "One review was drawn at random: too few to tell",
            trigger: "[data-tile=score]:contains(Too few to tell)",
        },
        {
            trigger: "button[data-picks=all]",
            run: "click",
        },
        {
            content: "All six: 400 of 600",
            trigger: "[data-tile=score] .o_csp_figures_value:contains(67 %)",
        },
        {
            trigger: "select[name=period]",
            run: "select this_month",
        },
        {
            content: "Five of the agent",
            trigger:
                "[data-table=agent] tr:has(td:contains(80 %)) button:contains(csp_agent)",
            run: "click",
        },
        {
            content: "The reviews behind it",
            trigger: ".o_list_view .o_data_row:nth-child(5)",
        },
        {
            trigger: ".o_list_view:not(:has(.o_data_row:nth-child(6)))",
        },
        {
            trigger: ".breadcrumb-item a:contains(Quality figures), .o_back_button a",
            run: "click",
        },
        {
            content: "What was chosen is still chosen",
            trigger: "button[data-picks=all].active",
        },
    ],
});

/** An agent sees how he does, and nobody beside him. */
registry.category("web_tour.tours").add("csp_my_quality_tour", {
    steps: () => [
        {
            trigger: "[data-tile=score] .o_csp_figures_value:contains(80 %)",
        },
        {
            trigger: ".o_csp_figures_page:not(:has([data-table=agent]))",
        },
        {
            trigger: "[data-table=criterion] button:contains(Attentive)",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:nth-child(5)",
        },
    ],
});
