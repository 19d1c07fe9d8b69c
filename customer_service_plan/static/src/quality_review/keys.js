/**
 * What a key says on the page of a review, whatever the layout of the keyboard: digits
 * stand in another row on some, letters are others in other alphabets.
 *
 * @param {KeyboardEvent} ev
 * @returns {String} "1"… "9", "shift+1"…, a small Latin letter, or the name of the key
 */
export function readKey(ev) {
    const {key, code, shiftKey} = ev;
    if (/^\d$/.test(key)) {
        return key;
    }
    const digit = /^Digit(\d)$/.exec(code || "");
    if (digit) {
        return shiftKey ? `shift+${digit[1]}` : digit[1];
    }
    if (key.length !== 1) {
        return shiftKey ? `shift+${key}` : key;
    }
    const letter = /^Key([A-Z])$/.exec(code || "");
    const latin = /^[a-z]$/i.test(key) ? key : letter?.[1] || key;
    return latin.toLowerCase();
}

/** Whether what is typed there is text. */
export function isText(element) {
    return Boolean(
        element?.isContentEditable ||
        element?.closest?.("input:not([type=checkbox]), textarea, select")
    );
}
