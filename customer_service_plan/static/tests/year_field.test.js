import {
    contains,
    defineModels,
    fields,
    models,
    mountView,
} from "@web/../tests/web_test_helpers";
import {expect, test} from "@odoo/hoot";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";

class Person extends models.Model {
    birth_year = fields.Integer();
    _records = [{id: 1, birth_year: 1990}];
}

defineMailModels();
defineModels([Person]);

test("a year has no separators, and is empty where it is not known", async () => {
    await mountView({
        type: "form",
        resModel: "person",
        resId: 1,
        arch: `<form>
            <field name="birth_year" widget="csp_year" placeholder="Unknown"/>
        </form>`,
    });
    expect(".o_field_widget[name=birth_year] input").toHaveValue("1990");
    await contains(".o_field_widget[name=birth_year] input").edit("");
    expect(".o_field_widget[name=birth_year] input").toHaveValue("");
    expect(".o_field_widget[name=birth_year] input").toHaveAttribute(
        "placeholder",
        "Unknown"
    );
});
