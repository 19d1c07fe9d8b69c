import {ConnectionLostError} from "@web/core/network/rpc";

/** Milliseconds after the last key before a text is kept. */
const TYPING = 600;
/** Seconds between two attempts while there is no connection, growing up to the last. */
const DELAYS = [2, 4, 8, 15, 30];

/**
 * Keeps changes by itself: one call at a time, the newest values of each thing, again and
 * again while there is no connection.
 *
 * `status` is one of "saved", "unsaved", "saving", "retrying" and "refused".
 */
export class Keeper {
    /**
     * @param {Object} hooks
     * @param {(key, values: Object) => Promise} hooks.send keeps values of one thing
     * @param {(key, values: Object, answer) => void} hooks.onKept
     * @param {(error: Error, unkept: Map) => void} hooks.onRefused the server says no;
     *      nothing more is sent
     * @param {(status: String) => void} hooks.onStatus
     */
    constructor(hooks) {
        this.hooks = hooks;
        this.pending = new Map();
        this.current = null;
        this.failures = 0;
        this.timer = null;
        this.running = null;
        this.status = "saved";
    }

    get isClean() {
        return !this.pending.size && this.current === null;
    }

    isBusyWith(key) {
        return this.pending.has(key) || this.current === key;
    }

    /**
     * @param {any} key what the values belong to
     * @param {Object} values
     * @param {Boolean} [isTyped] wait for the next key
     */
    put(key, values, isTyped = false) {
        if (this.status === "refused") {
            return;
        }
        this.pending.set(key, {...this.pending.get(key), ...values});
        if (this.status === "saved") {
            this.tell("unsaved");
        }
        if (this.status !== "retrying") {
            this.schedule(isTyped ? TYPING : 0);
        }
    }

    schedule(delay) {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.flush(), delay);
    }

    /**
     * Send what is left now.
     *
     * @returns {Promise<Boolean>} whether all is kept
     */
    async flush() {
        clearTimeout(this.timer);
        this.running ||= this.run().finally(() => (this.running = null));
        await this.running;
        return this.isClean;
    }

    async run() {
        while (this.pending.size && this.status !== "refused") {
            const [key, values] = this.pending.entries().next().value;
            this.pending.delete(key);
            this.current = key;
            if (this.status !== "retrying") {
                this.tell("saving");
            }
            let answer = null;
            try {
                answer = await this.hooks.send(key, values);
            } catch (error) {
                this.current = null;
                this.pending.set(key, {...values, ...this.pending.get(key)});
                this.fail(error);
                return;
            }
            this.current = null;
            this.failures = 0;
            this.status = "saving";
            this.hooks.onKept(key, values, answer);
        }
        if (this.status !== "refused" && !this.pending.size) {
            this.tell("saved");
        }
    }

    fail(error) {
        if (error instanceof ConnectionLostError) {
            this.tell("retrying");
            const delay = DELAYS[Math.min(this.failures++, DELAYS.length - 1)];
            this.schedule(1000 * delay);
            return;
        }
        const unkept = this.pending;
        this.pending = new Map();
        this.tell("refused");
        this.hooks.onRefused(error, unkept);
    }

    tell(status) {
        if (this.status !== status) {
            this.status = status;
            this.hooks.onStatus(status);
        }
    }
}
