import {Component, onWillStart, onWillUpdateProps, useRef, useState} from "@odoo/owl";
import {ActionHelper} from "@web/views/action_helper";
import {FormViewDialog} from "@web/views/view_dialogs/form_view_dialog";
import {KeepLast} from "@web/core/utils/concurrency";
import {Layout} from "@web/search/layout";
import {ListController} from "@web/views/list/list_controller";
import {NeedsMatrix} from "./needs_matrix";
import {ReadonlyDialog} from "../dialog/readonly_dialog";
import {SearchBar} from "@web/search/search_bar/search_bar";
import {_t} from "@web/core/l10n/translation";
import {kanbanView} from "@web/views/kanban/kanban_view";
import {listView} from "@web/views/list/list_view";
import {registry} from "@web/core/registry";
import {standardViewProps} from "@web/views/standard_view_props";
import {useBus, useService} from "@web/core/utils/hooks";
import {useSearchBarToggler} from "@web/search/search_bar/search_bar_toggler";
import {useSetupAction} from "@web/search/action_hook";

/** The needs of all segments, or of those that the search leaves, as a matrix. */
export class NeedsController extends Component {
    static template = "customer_service_plan.NeedsView";
    static components = {ActionHelper, Layout, NeedsMatrix, SearchBar};
    static props = {...standardViewProps};

    setup() {
        this.orm = useService("orm");
        this.dialog = useService("dialog");
        this.state = useState({needs: [], capped: false, mayWrite: false});
        this.keepLast = new KeepLast();
        this.searchBarToggler = useSearchBarToggler();
        this.root = useRef("root");
        nameMatrix(this.env.config);
        useSetupAction({rootRef: this.root});
        // The search bar keeps the focus until the view takes it.
        useBus(this.env.searchModel, "focus-view", () =>
            this.root.el.querySelector(".o_csp_need, .o_csp_need_row")?.focus()
        );
        onWillStart(() => this.load(this.props));
        onWillUpdateProps((nextProps) => this.load(nextProps));
    }

    async load({context, domain, resModel}) {
        const data = await this.keepLast.add(
            this.orm.call(resModel, "csp_matrix_data", [], {context, domain})
        );
        this.state.needs = data.needs;
        this.state.capped = data.capped;
        this.state.mayWrite = data.may_write;
    }

    /** What to do first; nothing of that kind where only the search leaves nothing. */
    get help() {
        return this.env.searchModel.facets.length
            ? undefined
            : this.props.info.noContentHelp;
    }

    /** The name of a segment says nothing new where there is only one. */
    get showSegments() {
        return new Set(this.state.needs.map((need) => need.segment)).size > 1;
    }

    title(resId) {
        const need = this.state.needs.find(({id}) => id === resId);
        return need
            ? _t("%(need)s for %(segment)s", need)
            : _t("New need of a segment");
    }

    open(resId) {
        this.dialog.add(this.state.mayWrite ? FormViewDialog : ReadonlyDialog, {
            context: this.props.context,
            onRecordSaved: () => this.load(this.props),
            resId,
            resModel: this.props.resModel,
            title: this.title(resId),
        });
    }
}

/** In the menu of views the matrix is not called Kanban. */
function nameMatrix(config) {
    for (const entry of config.viewSwitcherEntries || []) {
        if (entry.type === "kanban") {
            entry.name = _t("Matrix");
        }
    }
}

class NeedsListController extends ListController {
    setup() {
        nameMatrix(this.env.config);
        super.setup();
    }
}

registry.category("views").add("csp_needs_list", {
    ...listView,
    Controller: NeedsListController,
});
registry.category("views").add("csp_needs_matrix", {
    ...kanbanView,
    Controller: NeedsController,
    searchMenuTypes: ["filter", "favorite"],
    props: (genericProps) => genericProps,
});
