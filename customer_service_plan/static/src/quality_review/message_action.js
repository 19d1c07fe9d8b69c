import {_t} from "@web/core/l10n/translation";
import {reactive} from "@odoo/owl";
import {registerMessageAction} from "@mail/core/common/message_actions";
import {user} from "@web/core/user";

const TICKET = "helpdesk.ticket";
const reviewer = reactive({isKnown: false, isOne: false});

/** Asked once, when the first ticket is looked at. */
function isReviewer() {
    if (!reviewer.isKnown) {
        reviewer.isKnown = true;
        user.hasGroup("customer_service_plan.group_reviewer").then(
            (isOne) => (reviewer.isOne = isOne)
        );
    }
    return reviewer.isOne;
}

registerMessageAction("csp-review", {
    condition: ({message, thread}) =>
        thread?.model === TICKET &&
        ["comment", "email", "email_outgoing"].includes(message.message_type) &&
        message.author?.main_user_id?.share === false &&
        !message.isSelfAuthored &&
        isReviewer(),
    icon: "fa fa-star-half-o",
    name: _t("Review this message"),
    async onSelected({message, owner, thread}) {
        const {action, orm} = owner.env.services;
        action.doAction(
            await orm.call(TICKET, "action_csp_review", [[thread.id]], {
                message_id: message.id,
            })
        );
    },
    sequence: 45,
});
