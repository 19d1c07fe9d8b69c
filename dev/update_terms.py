"""Bring the terms to translate up to date; called by dev/terms.

Writes i18n/*.pot from what Odoo finds in the installed addon, and carries it into the
.po files: what is new there is left empty, what is gone is dropped.
"""

import databases
import polib
from common import Failed, say

I18N = databases.ADDON / "i18n"
TEMPLATE = I18N / f"{databases.MODULE}.pot"
#: Dates would change the files at each export.
UNSTABLE = ("POT-Creation-Date", "PO-Revision-Date")


def export(database):
    """The terms that Odoo finds, as polib has them."""
    path = databases.LOGS / "terms.pot"
    code, text = databases.odoo(
        database,
        *("-o", path, databases.MODULE),
        program=("-m", "odoo", "i18n", "export"),
        log="terms",
    )
    if code or not path.exists():
        raise Failed(f"Odoo does not export its terms:\n{text[-2000:]}")
    terms = polib.pofile(str(path), wrapwidth=78)
    for name in UNSTABLE:
        terms.metadata.pop(name, None)
    return terms


def update():
    with databases.scratch() as database:
        template = export(database)
    I18N.mkdir(exist_ok=True)
    template.save(str(TEMPLATE))
    say(f"{len(template)} terms")
    for path in sorted(I18N.glob("*.po")):
        translation = polib.pofile(str(path), wrapwidth=78)
        known = {entry.msgid: entry.msgstr for entry in translation}
        merged = polib.POFile(wrapwidth=78)
        merged.metadata = translation.metadata
        for entry in template:
            merged.append(
                polib.POEntry(
                    msgid=entry.msgid,
                    msgstr=known.get(entry.msgid, ""),
                    comment=entry.comment,
                    occurrences=entry.occurrences,
                    flags=entry.flags,
                )
            )
        merged.save(str(path))
        say(f"{path.name}: {len(merged.untranslated_entries())} to translate")


if __name__ == "__main__":
    update()
