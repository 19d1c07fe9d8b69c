import {
    getHtmlFieldMetadata,
    setHtmlFieldMetadata,
} from "@html_editor/fields/html_field";
import {HistoryDialog} from "@html_editor/components/history_dialog/history_dialog";
import {_t} from "@web/core/l10n/translation";
import {ConfirmationDialog} from "@web/core/confirmation_dialog/confirmation_dialog";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {Component, markup} from "@odoo/owl";

/**
 * A button beside a rich text: what it said before, to be read and taken back.
 */
export class TextHistory extends Component {
    static template = "customer_service_plan.TextHistory";
    static props = {...standardWidgetProps, field: String};

    setup() {
        this.dialogs = useService("dialog");
    }

    get revisions() {
        const metadata = this.props.record.data.html_field_history_metadata;
        return metadata?.[this.props.field] || [];
    }

    open() {
        const {record, field} = this.props;
        this.dialogs.add(HistoryDialog, {
            title: _t("Earlier texts"),
            noContentHelper: markup`<span class="text-muted fst-italic">${_t(
                "There was no text at that time."
            )}</span>`,
            recordId: record.resId,
            recordModel: record.resModel,
            versionedFieldName: field,
            historyMetadata: this.revisions,
            restoreRequested: (html, close) => {
                this.dialogs.add(ConfirmationDialog, {
                    title: _t("Take back this text?"),
                    body: _t(
                        "It takes the place of what stands there now. What stands there now stays among the earlier texts, if it was saved."
                    ),
                    confirmLabel: _t("Take it back"),
                    confirm: async () => {
                        const metadata = getHtmlFieldMetadata(record.data[field]);
                        await record.update({
                            [field]: setHtmlFieldMetadata(html, metadata),
                        });
                        close();
                    },
                    cancel: () => {},
                });
            },
        });
    }
}

registry.category("view_widgets").add("csp_text_history", {
    component: TextHistory,
    extractProps: ({options}) => ({field: options.field}),
});
