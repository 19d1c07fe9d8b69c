from odoo import models


class CspPolicyVersion(models.Model):
    """Texts of a version in other languages, for the draft that follows it."""

    _inherit = "csp.policy.version"

    def _pass_translations(self, draft):
        """Give a draft that was made of this version its texts in other languages.

        :param draft: a draft with the same content in the language of the user
        """
        self.ensure_one()
        if len(self.env["res.lang"].get_installed()) < 2:
            return
        pairs = [(self, draft)]
        pairs += _in_pairs(self.coverage_ids, draft.coverage_ids)
        for old, new in _in_pairs(self.procedure_ids, draft.procedure_ids):
            pairs += [(old, new), *_in_pairs(old.step_ids, new.step_ids)]
        for old, new in pairs:
            lists = {
                name for name, field in old._fields.items() if field.type == "one2many"
            }
            old.copy_translations(new, excluded=lists)
        # What came with the draft is no earlier text of it.
        draft._by_addon().purpose_history = False


def _in_pairs(olds, news):
    """Parts that are the same, in their order; none where something is missing."""
    if len(olds) != len(news):
        return []
    return list(zip(olds.sorted(_in_order), news.sorted(_in_order), strict=True))


def _in_order(record):
    return (record.sequence, record.id)
