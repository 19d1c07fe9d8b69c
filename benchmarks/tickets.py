"""What the addon adds to taking in, moving and answering tickets."""

from fixture import ticket_values
from harness import Row, in_turn, say

MANY = 1_000
FEW = 50
#: helpdesk_mgmt_sla takes so long that a part of the tickets has to do.
SLA_MANY = 100
ALONE = "helpdesk_mgmt alone"
SLA = "  with helpdesk_mgmt_sla"


def rows(sides):
    yield from batch_rows(
        sides,
        f"create {MANY:,} tickets in one call",
        take_in,
        lambda count: lambda env: ticket_values(env, count),
        0.4,
    )
    for stage, text in (
        ("in_progress", "in progress"),
        ("awaiting", "awaiting the customer"),
        ("done", "done"),
    ):
        yield from batch_rows(
            sides,
            f"move {MANY:,} tickets in one write: {text}",
            move_to(stage),
            lambda count: lambda env: some_tickets(env, count),
            0.25,
        )
    yield from cold_rows(sides)


def take_in(env, values):
    env["helpdesk.ticket"].create(values)


def move_to(stage):
    def move(env, tickets):
        tickets.write({"stage_id": stage_id(env, stage)})

    return move


def stage_id(env, name):
    return env.ref(f"helpdesk_mgmt.helpdesk_ticket_stage_{name}").id


def some_tickets(env, count):
    return env["helpdesk.ticket"].search([], limit=count, order="id")


def batch_rows(sides, what, work, prepare, reach):
    """Milliseconds a ticket beside helpdesk_mgmt alone, and what its SLA addon adds;
    queries for 1 and for 50 tickets."""
    say(what)
    ours, alone = sides["ours"], sides["alone"]
    many = in_turn([ours, alone], work, prepare=prepare(MANY))
    each = {name: measured.ms / MANY for name, measured in many.items()}
    added = each["ours"] - each["alone"]
    yield Row(
        f"{what}, ms a ticket",
        ALONE,
        f"{each['ours']:.3f}",
        f"{each['alone']:.3f}",
        f"{added:+.3f}",
        f"<= +{reach}",
        added <= reach,
    )
    counts = {}
    for count in (1, FEW):
        measured = in_turn([ours, alone], work, 3, prepare(count))
        counts[count] = measured["ours"].count, measured["alone"].count
    one, few = (mine - its for mine, its in (counts[1], counts[FEW]))
    yield Row(
        f"   queries for 1 | {FEW}",
        ALONE,
        f"{counts[1][0]} | {counts[FEW][0]}",
        f"{counts[1][1]} | {counts[FEW][1]}",
        f"{one:+d} | {few:+d}",
        "added are equal",
        one == few,
    )
    if "sla" not in sides:
        return
    pair = [sides["sla"], alone]
    measured = in_turn(pair, work, 3, prepare(SLA_MANY))
    each = {name: its.ms / SLA_MANY for name, its in measured.items()}
    queries = {name: its.count / SLA_MANY for name, its in measured.items()}
    yield Row(
        "   for comparison: what 2 of its rules add",
        SLA,
        f"{added:+.3f} ms",
        f"{each['sla'] - each['alone']:+.3f} ms",
        f"{queries['sla'] - queries['alone']:+.1f} queries a ticket",
        "",
    )


def cold_rows(sides):
    """One ticket with nothing of it in the cache, as each request has it."""
    pair = [sides["ours"], sides["alone"]]

    def one(env):
        return some_tickets(env, 1)

    def answer(env, ticket):
        ticket.message_post(
            body="It works again.",
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
        )

    for what, work, prepare, queries in (
        ("create", take_in, lambda env: ticket_values(env, 1), 3),
        ("stage write", move_to("awaiting"), one, 7),
        ("public message", answer, one, 7),
    ):
        say(f"one ticket: {what}")
        measured = in_turn(pair, work, 15, prepare)
        mine, its = measured["ours"], measured["alone"]
        more, longer = mine.count - its.count, mine.ms - its.ms
        yield Row(
            f"one ticket from cold caches: {what}",
            ALONE,
            f"{mine.count} queries, {mine.ms:.1f} ms",
            f"{its.count} queries, {its.ms:.1f} ms",
            f"{more:+d}, {longer:+.1f} ms",
            f"<= +{queries}, +5 ms",
            more <= queries and longer <= 5,
        )
