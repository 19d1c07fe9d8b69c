import {browser} from "@web/core/browser/browser";
import {user} from "@web/core/user";

// A contact is a day old at most; the server takes no older one.
const LONGEST = 24 * 3600 * 1000;
const PLACE = "csp_intake_draft";

/**
 * What somebody has typed and not saved yet: it survives a page that is reloaded, left
 * or lost, in this tab only, and for the same user.
 */
export const draft = {
    read() {
        try {
            const kept = JSON.parse(browser.sessionStorage.getItem(PLACE));
            const age = Date.now() - kept.startedAt;
            if (kept.user === user.userId && age >= 0 && age < LONGEST) {
                return kept;
            }
        } catch {
            // Nothing was kept, or nothing that can be read.
        }
        return null;
    },
    keep(values) {
        const text = JSON.stringify({...values, user: user.userId});
        browser.sessionStorage.setItem(PLACE, text);
    },
    forget() {
        browser.sessionStorage.removeItem(PLACE);
    },
};
