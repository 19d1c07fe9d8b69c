import {Component, onMounted} from "@odoo/owl";
import {IntakeDialog} from "./intake_dialog";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {user} from "@web/core/user";

const HOTKEY = "alt+shift+l";

/** Opens the dialog in which a contact is taken down, once at a time. */
export const intakeService = {
    dependencies: ["command", "dialog"],

    start(env, {command, dialog}) {
        let isOpen = false;
        function open(options = {}) {
            if (isOpen) {
                return;
            }
            isOpen = true;
            dialog.add(IntakeDialog, options, {
                onClose: () => {
                    isOpen = false;
                },
            });
        }
        const service = {open, allowed: false};
        service.ready = user
            .hasGroup("helpdesk_mgmt.group_helpdesk_user_own")
            .then((allowed) => {
                service.allowed = allowed;
                if (allowed) {
                    command.add(_t("Log a contact"), () => open(), {
                        category: "smart_action",
                        global: true,
                        hotkey: HOTKEY,
                        hotkeyOptions: {bypassEditableProtection: true, global: true},
                    });
                }
            });
        return service;
    },
};
registry.category("services").add("csp_intake", intakeService);

/** The telephone in the bar at the top, for agents, whatever they are doing. */
export class IntakeButton extends Component {
    static template = "customer_service_plan.IntakeButton";
    static props = {};

    setup() {
        this.intake = useService("csp_intake");
        onMounted(async () => {
            await this.intake.ready;
            this.render();
        });
    }

    get title() {
        return _t("Log a contact (Alt+Shift+L)");
    }
}
registry
    .category("systray")
    .add("csp_intake", {Component: IntakeButton}, {sequence: 30});

registry.category("actions").add("csp_intake", (env) => env.services.csp_intake.open());
