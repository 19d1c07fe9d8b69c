"""The list of tickets as the web client asks for it."""

from harness import AGENT, Row, in_turn, say
from lxml import etree

LIMIT = 80
#: What widgets ask for beside their own field (`fieldDependencies` in JavaScript).
ASKED_BY_WIDGET = {
    "csp_due": (
        "csp_next_kind",
        "csp_waiting_on",
        "csp_is_at_risk",
        "csp_late_seconds",
    ),
}
REACH = 1.2


def rows(sides):
    """One page with the columns and the order of each side's own list."""
    say("Ticket list")
    asked = {name: question(sides[name]) for name in ("ours", "alone")}

    def read(env, _prepared):
        name = "ours" if "csp.commitment" in env.registry else "alone"
        specification, order = asked[name]
        env["helpdesk.ticket"].web_search_read(
            [], specification, limit=LIMIT, order=order, count_limit=10_001
        )

    measured = in_turn([sides["ours"], sides["alone"]], read, 25)
    mine, its = measured["ours"], measured["alone"]
    ratio = mine.ms / its.ms
    columns = sorted(set(asked["ours"][0]) - set(asked["alone"][0]))
    yield Row(
        f"ticket list, {LIMIT} rows of 20,000 (+{len(columns)} columns)",
        "helpdesk_mgmt alone",
        f"{mine.ms:.1f} ms, {mine.count} queries",
        f"{its.ms:.1f} ms, {its.count} queries",
        f"{ratio:.2f} x",
        f"<= {REACH} x",
        ratio <= REACH,
    )


def question(side):
    """What the list of this side asks for: the columns shown, and its order."""
    with side.env(AGENT) as env:
        views = env["helpdesk.ticket"].get_views([(False, "list")])
        arch = etree.fromstring(views["views"]["list"]["arch"])
        tickets = env["helpdesk.ticket"]
        specification = {}
        for node in arch.findall("field"):
            name = node.get("name")
            if node.get("optional") == "hide":
                continue
            field = tickets._fields[name]
            if field.type == "many2one":
                specification[name] = {"fields": {"display_name": {}}}
            elif field.relational:
                specification[name] = {"fields": {"display_name": {}, "color": {}}}
            else:
                specification[name] = {}
            for needed in ASKED_BY_WIDGET.get(node.get("widget"), ()):
                specification[needed] = {}
        return specification, arch.get("default_order")
