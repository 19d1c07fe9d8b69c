from odoo import api, fields, models

from odoo.addons.html_editor.models.diff_utils import generate_patch

from .protected import is_by_addon

#: Written by the history itself.
HISTORY_FIELDS = frozenset({"purpose_history", "html_field_history"})


class CspPolicyVersion(models.Model):
    """What the purpose of a draft said before, in each language, to be taken back."""

    _name = "csp.policy.version"
    _inherit = ["csp.policy.version", "html.field.history.mixin"]

    purpose_history = fields.Json(
        readonly=True,
        copy=False,
        prefetch=False,
        help="Earlier texts of the purpose by language, as changes from the text that "
        "followed.",
    )
    # Each language has a history of its own: a change of one text says nothing of
    # another.
    html_field_history = fields.Json(
        compute="_compute_html_field_history",
        inverse="_inverse_html_field_history",
        copy=False,
    )

    @api.depends("purpose_history")
    @api.depends_context("lang")
    def _compute_html_field_history(self):
        for version in self:
            histories = version.purpose_history or {}
            history = histories.get(self.env.lang or "en_US")
            version.html_field_history = history and {"purpose": history}

    def _inverse_html_field_history(self):
        for version in self:
            history = (version.html_field_history or {}).get("purpose")
            if history:
                version._by_addon().purpose_history = {
                    **(version.purpose_history or {}),
                    self.env.lang or "en_US": history,
                }

    @api.depends_context("lang")
    @api.depends("html_field_history")
    def _compute_metadata(self):
        return super()._compute_metadata()

    @api.model
    def _get_versioned_fields(self):
        return [*super()._get_versioned_fields(), "purpose"]

    @api.model_create_multi
    def create(self, vals_list):
        if not is_by_addon(self.env):
            for vals in vals_list:
                if not HISTORY_FIELDS.isdisjoint(vals):
                    self._refuse_life_fields()
        empty = dict.fromkeys(HISTORY_FIELDS, False)
        return super().create([{**empty, **vals} for vals in vals_list])

    def write(self, vals):
        if not HISTORY_FIELDS.isdisjoint(vals) and not is_by_addon(self.env):
            self._refuse_life_fields()
        if "purpose" not in vals:
            return super().write(vals)
        # What is written in one language moves the sentences of the others.
        mine = self.env.lang or "en_US"
        before = self._purposes(lang for lang in self._languages() if lang != mine)
        result = super().write(vals)
        self._note_earlier_purposes(before)
        return result

    def _update_field_translations(
        self, field_name, translations, digest=None, source_lang=""
    ):
        before = []
        if field_name == "purpose":
            before = self._purposes(self._languages())
        result = super()._update_field_translations(
            field_name, translations, digest=digest, source_lang=source_lang
        )
        self._note_earlier_purposes(before)
        return result

    @api.model
    def _languages(self):
        installed = [code for code, _name in self.env["res.lang"].get_installed()]
        return ["en_US", *(code for code in installed if code != "en_US")]

    def _purposes(self, languages):
        """Pairs of a version in a language, and its purpose."""
        return [
            (version, version.purpose or "")
            for lang in languages
            for version in self.with_context(lang=lang)
        ]

    def _note_earlier_purposes(self, before):
        for version, text in before:
            version._note_earlier_purpose(text)

    def _note_earlier_purpose(self, text):
        """Add what the purpose said before, where no ordinary write has done so."""
        self.ensure_one()
        now = self.purpose or ""
        if now == text:
            return
        history = (self.html_field_history or {}).get("purpose", [])
        revision = {
            "patch": generate_patch(now, text),
            "revision_id": history[0]["revision_id"] + 1 if history else 1,
            "create_date": self.env.cr.now().isoformat(),
            "create_uid": self.env.uid,
            "create_user_name": self.env.user.name,
        }
        limit = self._html_field_history_size_limit
        self._by_addon().html_field_history = {
            "purpose": [revision, *history][:limit],
        }
