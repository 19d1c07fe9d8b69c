"""The terms are up to date, and every language has them all."""

import re

import polib

from .common import ProcessCase  # makes the modules of dev/ known

import update_terms  # isort: skip

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{\{.*?\}\}|</?\w+")
LANGUAGES = {"el", "it", "lt", "ru"}


class TestTranslations(ProcessCase):
    def test_every_term_in_every_language(self):
        found = {entry.msgid for entry in update_terms.export(self.database)}
        template = {entry.msgid for entry in polib.pofile(str(update_terms.TEMPLATE))}
        self.assertEqual(found ^ template, set(), "Run dev/terms and translate.")
        languages = {path.stem for path in update_terms.I18N.glob("*.po")}
        self.assertEqual(languages, LANGUAGES)
        for language in sorted(languages):
            with self.subTest(language=language):
                entries = {
                    entry.msgid: entry.msgstr
                    for entry in polib.pofile(str(update_terms.I18N / f"{language}.po"))
                }
                self.assertEqual(set(entries), template)
                empty = [msgid for msgid, msgstr in entries.items() if not msgstr]
                self.assertEqual(empty, [])
                for msgid, msgstr in entries.items():
                    self.assertEqual(
                        sorted(PLACEHOLDER.findall(msgid)),
                        sorted(PLACEHOLDER.findall(msgstr)),
                        msgid,
                    )
