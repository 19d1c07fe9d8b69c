import {FormViewDialog} from "@web/views/view_dialogs/form_view_dialog";

/** A record to be looked at only: there is nothing to save, just Close. */
export class ReadonlyDialog extends FormViewDialog {
    static defaultProps = {
        ...FormViewDialog.defaultProps,
        preventCreate: true,
        preventEdit: true,
        readonly: true,
    };

    setup() {
        super.setup();
        // Odoo's own buttons of dialogs show Save in any case.
        this.viewProps.buttonTemplate = "web.FormView.Buttons";
    }
}
