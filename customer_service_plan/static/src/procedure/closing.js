import {FormController} from "@web/views/form/form_controller";
import {RPCError} from "@web/core/network/rpc";
import {patch} from "@web/core/utils/patch";
import {registry} from "@web/core/registry";
import {useBus} from "@web/core/utils/hooks";

const TICKET = "helpdesk.ticket";
/** Sent over the bus when closing was refused: {waitFor: [], done: Promise}. */
const CLOSING_REFUSED = "CSP:CLOSING-REFUSED";

/**
 * A ticket cannot be closed yet: ask at once what becomes of what is still open, in
 * place of a message with a button that leads there.
 */
export function closingHandler(env, error, originalError) {
    if (!(originalError instanceof RPCError)) {
        return false;
    }
    const [, action, , context] = originalError.data?.arguments || [];
    if (!context?.csp_closing) {
        return false;
    }
    error.unhandledRejectionEvent?.preventDefault();
    ask(env, action, context);
    return true;
}

async function ask(env, action, context) {
    let answered = () => {};
    const detail = {
        waitFor: [],
        done: new Promise((resolve) => {
            answered = resolve;
        }),
    };
    env.bus.trigger(CLOSING_REFUSED, detail);
    // A form first saves what else was changed, without the stage.
    const inForm = (await Promise.all(detail.waitFor)).length > 0;
    await env.services.action.doAction(action, {
        additionalContext: context,
        onClose: async (infos) => {
            answered();
            if (!inForm && infos?.closed) {
                await env.services.action.doAction("soft_reload");
            }
        },
    });
}

registry.category("error_handlers").add("csp_closing", closingHandler, {sequence: 90});

patch(FormController.prototype, {
    setup() {
        super.setup(...arguments);
        if (this.props.resModel === TICKET) {
            useBus(this.env.bus, CLOSING_REFUSED, ({detail}) => {
                detail.waitFor.push(this.cspSaveWithoutStage());
                detail.done.then(() => this.cspLoadAgain());
            });
        }
    },

    /** Put the stage back, and save what else was changed: nothing of it is lost. */
    async cspSaveWithoutStage() {
        const record = this.model.root;
        await record.update({stage_id: record._values.stage_id});
        // Else the stage would be written again, as if somebody had moved the ticket.
        delete record._changes.stage_id;
        await record.save();
    },

    async cspLoadAgain() {
        if (!(await this.model.root.isDirty())) {
            await this.model.root.load();
        }
    },
});
