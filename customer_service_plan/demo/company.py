"""A help desk in the middle of its work: policies in force for a while, and tickets
at every point of their life, told relative to the moment of installation.

The tickets go through what users do, at moments of the past, so that all that follows
from it (events, promises, messages) is as it would have been.
"""

from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple
from unittest.mock import patch

from odoo import SUPERUSER_ID, fields
from odoo.tools import SQL

from ..models.protected import BY_ADDON
from ..tools.clock import DAY
from ..tools.epoch import from_epoch, to_epoch
from . import escalation
from .policies import Policies
from .quality import Quality

MODULE = "customer_service_plan"
HOUR = 3600
#: Since when the policies are in force.
POLICY_AGE = timedelta(days=60)
#: Why they are published though nobody of ours is there at night.
REASONS = {
    "contract": "Two colleagues take turns on standby, at night and on weekends.",
    "standard": "At night a partner company answers the chat for us.",
}
#: Channels that do not come with the help desk itself.
OWN_CHANNELS = ("in_person", "chat")
#: More is never due on one ticket between two things that happen to it.
MOST_SWEEPS = 30
#: How far back a ticket may have come in.
LONGEST_AGE = 50 * DAY


class Story(NamedTuple):
    """One ticket. `age` and the first item of each step are opening hours on `hours`:
    before the installation, and after the receipt."""

    name: str
    text: str
    customer: str
    age: float
    steps: tuple = ()
    priority: str = "1"
    channel: str = "email"
    agent: str = "agent"
    hours: str = "office"


DECO, GEMINI = "base.res_partner_2", "base.res_partner_3"
READY, AZURE = "base.res_partner_4", "base.res_partner_12"
JACKSON, LUMBER = "base.res_partner_10", "base.res_partner_18"
PORTAL = "base.partner_demo_portal"


def _known(key):
    """A customer of `customers.KNOWN`."""
    return f"{MODULE}.res_partner_{key}_demo"


CONTI, DESMET = _known("rosalia_conti"), _known("willem_desmet")
FERRI, MARINO = _known("chiara_ferri"), _known("davide_marino")
PAPADAKIS, VLACHOU = _known("nikos_papadakis"), _known("kalliopi_vlachou")
ELAMRANI, JANSSENS = _known("yasmina_elamrani"), _known("an_janssens")
BRUNI, DELVAUX = _known("marco_bruni"), _known("luc_delvaux")
ALEXIOU = _known("sofia_alexiou")

STORIES = [
    # In time, at risk, late: first replies
    Story(
        "Delivery note does not match the boxes",
        "Twelve boxes on the note, eleven on the pallet.",
        AZURE,
        0.5,
    ),
    Story(
        "How do I change our delivery address?",
        "We move to the new building next month.",
        LUMBER,
        1.2,
        agent="",
    ),
    Story(
        "Invoice shows the old VAT number",
        "Please send a corrected one for our bookkeeping.",
        JACKSON,
        3.4,
    ),
    Story(
        "Scanner at till 3 reads nothing",
        "The light is on, but no article appears.",
        GEMINI,
        1.75,
        priority="2",
        agent="agent2",
    ),
    Story(
        "Catalogue for spring",
        "Could you send us three copies?",
        AZURE,
        6.5,
        agent="agent2",
    ),
    Story(
        "Cold room alarm every night",
        "It rings at three, and nothing is wrong with the room.",
        DECO,
        1.5,
        agent="",
    ),
    # Answered, solution on its way
    Story(
        "Conveyor stops after ten minutes",
        "We restarted it twice this morning.",
        READY,
        4,
        ((0.5, "reply", "We look at its log now and call you."), (0.6, "work")),
        priority="2",
    ),
    Story(
        "Label printer prints blank labels",
        "New roll, same result.",
        GEMINI,
        9,
        (
            (1, "reply", "Please turn the roll: the coated side goes up."),
            (1.1, "work"),
            (7, "customer", "We did, and they are still blank."),
        ),
    ),
    Story(
        "Spare key for locker 14",
        "The tenant lost his.",
        JACKSON,
        20,
        ((2, "reply", "We order one."), (2.1, "work")),
        agent="agent2",
    ),
    Story(
        "Two chairs arrived scratched",
        "Photographs are attached.",
        PORTAL,
        26,
        ((3, "reply", "We are sorry. Replacement is being checked."), (3.1, "work")),
    ),
    Story(
        "Order form loses the second page",
        "Only the first page arrives in your system, it seems.",
        LUMBER,
        12,
        (
            (2, "reply", "Thank you, we could see it happen."),
            (2.1, "work"),
            (3.5, "customer", "Is there any news?"),
        ),
        priority="2",
        agent="agent2",
    ),
    # Waiting
    Story(
        "Which of the desks is it?",
        "One of the desks wobbles.",
        AZURE,
        15,
        ((1, "reply", "Which of the six is it?"), (1.1, "wait")),
    ),
    Story(
        "Access for the new colleague",
        "Ms Alvarez begins on Monday.",
        JACKSON,
        11,
        ((2.5, "reply", "Please send us the signed form."), (2.6, "wait")),
        agent="agent2",
    ),
    Story(
        "Motor of the shutter hums",
        "It does not move any more.",
        DECO,
        7,
        (
            (0.3, "reply", "The part is ordered."),
            (0.4, "supplier"),
        ),
        priority="2",
    ),
    Story(
        "Firmware of the scale",
        "It forgets the prices when it is switched off.",
        GEMINI,
        30,
        ((2, "reply", "The maker looks at it."), (2.2, "supplier")),
    ),
    # Complaints
    Story(
        "Third wrong delivery in a row",
        "This costs us a morning every time. Who answers for it?",
        LUMBER,
        1.7,
        ((0.1, "complaint"),),
        priority="2",
    ),
    Story(
        "Nobody called back",
        "I was promised a call on Tuesday.",
        PORTAL,
        19,
        (
            (0.2, "complaint"),
            (5, "reply", "That was our mistake. I call you today at four."),
            (5.2, "work"),
            (9, "investigated", "The call was noted for the colleague on leave."),
        ),
        agent="agent2",
    ),
    Story(
        "Dishwasher delivered with a dent",
        "The carrier said it would be settled. It is not.",
        JACKSON,
        46,
        (
            (0.2, "complaint"),
            (2, "reply", "We are sorry, and look into it with the carrier."),
            (2.2, "work"),
            (10, "investigated", "It left the warehouse whole; the carrier admits it."),
            (11, "decided", "justified", "credit", 45, "And a new front next week"),
            (12, "told", "phone"),
            (13, "settled"),
            (13.5, "solve"),
        ),
    ),
    Story(
        "Charged twice for one visit",
        "Two invoices, one technician.",
        AZURE,
        28,
        (
            (0.3, "complaint"),
            (1.5, "reply", "We check both invoices."),
            (1.6, "work"),
            (
                8,
                "investigated",
                "The second visit was on another day, for the shutter.",
            ),
            (9, "decided", "not_justified", "", 0, "Both visits are on the time sheet"),
        ),
        agent="agent2",
    ),
    # Reopened, handed over
    Story(
        "Heating in the shop",
        "Sixteen degrees since yesterday.",
        GEMINI,
        22,
        (
            (1, "reply", "A technician is on his way."),
            (6, "solve"),
            (14, "customer", "It is cold again."),
            (14.2, "work"),
            (14.5, "reply", "He comes back this afternoon."),
        ),
        priority="2",
    ),
    Story(
        "Wrong price on the website",
        "The offer says 89, the basket 98.",
        JACKSON,
        10,
        (
            (1, "handover", "agent2"),
            (2, "reply", "We found it."),
            (2.2, "work"),
            (4, "handover", "agent"),
        ),
    ),
    # Day and night, with minutes
    Story(
        "Everything stands still",
        "The whole line is down, and the night shift waits.",
        DECO,
        0.1,
        priority="3",
        hours="standby",
        agent="agent",
    ),
    Story(
        "Server room at 40 degrees",
        "The cooling has stopped.",
        READY,
        1.3,
        ((0.2, "reply", "Open both doors; we are on our way."), (0.25, "work")),
        priority="3",
        hours="standby",
        agent="agent2",
    ),
    # Entered while talking on the telephone
    Story(
        "Ordered the wrong size",
        "Wants to exchange six shirts from M to L.",
        LUMBER,
        2,
        channel="phone",
        hours="hotline",
    ),
    # Closed
    Story(
        "Opening hours at Easter?",
        "Are you open on Saturday?",
        AZURE,
        40,
        ((1, "reply", "Yes, from nine to four."), (1.1, "solve")),
    ),
    Story(
        "Invoice 2104 twice",
        "We received it by post and by mail.",
        JACKSON,
        48,
        ((3, "reply", "Please throw one away."), (3.2, "solve")),
        agent="agent2",
    ),
    Story(
        "Broken glass in box 7",
        "Four of twelve.",
        PORTAL,
        55,
        (
            (1, "reply", "We send four new ones."),
            (2, "wait"),
            (10, "customer", "They arrived, thank you."),
            (10.5, "solve"),
        ),
    ),
    Story(
        "Cannot log in",
        "My password is refused.",
        GEMINI,
        60,
        ((7, "reply", "You were locked out; it works now."), (7.1, "solve")),
        agent="agent2",
    ),
    Story(
        "Pump leaks",
        "A puddle below it every morning.",
        DECO,
        44,
        (
            (0.5, "reply", "A technician comes tomorrow."),
            (14, "solve"),
        ),
        priority="2",
    ),
    Story(
        "Power cut in our street",
        "Are your systems down, too?",
        READY,
        64,
        (
            (2, "excuse", "Power cut in the whole street"),
            (2.1, "reply", "They were. All is well again."),
            (2.2, "solve"),
        ),
    ),
    Story(
        "Please cancel order 3301",
        "We found another supplier.",
        AZURE,
        70,
        ((2, "reply", "Done."), (2.1, "cancel")),
    ),
    Story(
        "Advertisement",
        "Grow your business with us!",
        LUMBER,
        66,
        ((1, "cancel"),),
        agent="agent2",
    ),
    Story(
        "Manual in Dutch",
        "Only the French one was in the box.",
        JACKSON,
        75,
        ((2, "reply", "Attached."), (2.1, "solve")),
    ),
    # An older customer, on three channels: pleased, then not heard, and waiting now
    Story(
        "Washing machine does not drain",
        "It stops with the water still in it. Her neighbour could not help.",
        CONTI,
        150,
        (
            (0.1, "work"),
            (13, "solve"),
            (15, "rate", 5, "A kind young man. He explained everything twice."),
        ),
        channel="phone",
    ),
    Story(
        "I cannot read your letter",
        "The print is so small. I have told you before.",
        CONTI,
        70,
        (
            (0.2, "complaint"),
            (3, "reply", "I am sorry. Here it is again, in large print."),
            (3.2, "decided", "justified", "apology", 0, "Large print from now on"),
            (3.3, "told", "reply"),
            (3.4, "settled"),
            (4, "solve"),
            (9, "rate", 1, "It was in English."),
        ),
        channel="web",
    ),
    Story(
        "When does the technician come?",
        "Somebody said Thursday. Morning or afternoon? I have to tell my daughter.",
        CONTI,
        3.2,
    ),
    Story(
        "Lawn mower does not start",
        "Brought it along. It stood in the shed all winter.",
        DESMET,
        110,
        (
            (2, "reply", "New spark plug, it runs. You can fetch it."),
            (2.1, "solve"),
            (6, "rate", 5, "Repaired while I waited."),
        ),
        channel="in_person",
        agent="agent2",
    ),
    Story(
        "Bag of the lawn mower tears",
        "At the seam, after two years. Is that still under guarantee?",
        DESMET,
        5,
        ((1.2, "reply", "It is. We look for the right bag."), (1.3, "work")),
        agent="agent2",
    ),
    Story(
        "Please call me about the heating",
        "I do not understand the new thermostat.",
        VLACHOU,
        41,
        (
            (1, "reply", "I have just called you: the wheel turns to the left."),
            (1.1, "solve"),
            (3, "rate", 5, ""),
        ),
    ),
    Story(
        "Thermostat shows E4",
        "And it is cold. Please call, I do not write well.",
        VLACHOU,
        1.3,
        channel="web",
        agent="agent2",
    ),
    # Families, one of them new
    Story(
        "Can the visit be after five?",
        "We both work, and nobody is at home before.",
        FERRI,
        20,
        (
            (0.3, "reply", "It can, on Tuesdays and Thursdays."),
            (0.5, "solve"),
            (2, "rate", 4, "Quick, and that at night!"),
        ),
        channel="chat",
        hours="night",
    ),
    Story(
        "Manual of the dishwasher in Italian",
        "In the box is one in Dutch and one in French.",
        FERRI,
        32,
        (
            (1.5, "reply", "Which model is it? It stands inside the door."),
            (1.6, "wait"),
            (5, "customer", "CW-60, from your first offer to me."),
            (5.5, "work"),
        ),
        agent="agent2",
    ),
    Story(
        "Children's lock opens by itself",
        "Our youngest had the knives out this morning.",
        FERRI,
        0.8,
        priority="2",
        channel="web",
    ),
    Story(
        "Dryer: which programme for wool?",
        "The manual is in French only.",
        MARINO,
        95,
        (
            (3.5, "reply", "The third one. We look for an Italian manual."),
            (3.6, "solve"),
            (8, "rate", 2, "The manual that came was French again."),
        ),
        channel="web",
    ),
    Story(
        "French manual, for the third time",
        "I asked for Italian in spring, and in September. Is anybody reading this?",
        MARINO,
        2.6,
        ((0.1, "complaint"),),
    ),
    # New ones
    Story(
        "Where do I find my invoices?",
        "I ordered last week for the first time.",
        PAPADAKIS,
        30,
        (
            (1, "reply", "On the portal, under Invoices. Here is your access."),
            (1.1, "solve"),
            (4, "rate", 3, "Found it, but nobody had told me."),
        ),
        agent="agent2",
    ),
    Story(
        "Is delivery to a neighbour possible?",
        "I am at work when the van comes.",
        ELAMRANI,
        2.1,
        channel="web",
        agent="",
    ),
    # Shops, with and without a contract
    Story(
        "Oven stops in the middle of baking",
        "The bread for the whole quarter is in it.",
        BRUNI,
        400,
        (
            (0.2, "reply", "Turn the main switch off and on; I stay on the line."),
            (2, "solve"),
            (30, "rate", 5, "Somebody answered at once. Bread was on time."),
        ),
        priority="3",
        hours="standby",
        channel="phone",
    ),
    Story(
        "Till prints two receipts",
        "Since the update of last week.",
        BRUNI,
        6,
        (
            (0.6, "reply", "A setting. We change it tonight from here."),
            (0.7, "work"),
            (4.5, "customer", "And today it prints none at all."),
        ),
        priority="2",
        agent="agent2",
    ),
    Story(
        "Scales show pounds",
        "Nobody here knows what a pound is.",
        JANSSENS,
        130,
        (
            (3, "reply", "Hold both arrows for three seconds."),
            (3.1, "solve"),
            (5, "rate", 4, ""),
        ),
    ),
    Story(
        "Till drawer jams",
        "Third time this year. The queue was out in the street.",
        JANSSENS,
        24,
        (
            (1, "reply", "We bring another drawer this week."),
            (1.1, "work"),
            (9, "sign"),
            (20, "customer", "It came, thank you. It jams, too, but less."),
        ),
        agent="agent2",
    ),
    Story(
        "Card reader loses its connection",
        "Rang on Saturday, the fullest day.",
        DELVAUX,
        60,
        ((0.1, "work"), (16, "solve"), (20, "rate", 3, "Good, but a day too late.")),
        channel="phone",
        hours="hotline",
    ),
    Story(
        "Card reader, again",
        "The same as last week.",
        DELVAUX,
        4.6,
        priority="2",
        agent="agent2",
    ),
    Story(
        "Labels for medicine must not fade",
        "After a month in the window nobody can read the price.",
        ALEXIOU,
        45,
        (
            (0.8, "reply", "We ask the maker for other paper."),
            (0.9, "supplier"),
            (26, "work"),
            (26.5, "reply", "Two rolls to try are on their way."),
        ),
    ),
]

#: Told after the team began to share out its tickets: they are given to who is there
#: and has the least work.
SHARED = [
    Story(
        "Factuur met het oude adres",
        "We zijn in september verhuisd, graag een nieuwe factuur.",
        JANSSENS,
        3,
        agent="",
    ),
    Story(
        "Two scanners for the new shop",
        "When could somebody bring and set them up?",
        DELVAUX,
        2,
        agent="",
    ),
]


def fill(env):
    """Create the tickets. Called once, when the demo data is installed."""
    # The hook that does this at installation runs after the demo data.
    env["helpdesk.ticket.stage"]._csp_set_shipped_meanings()
    env["helpdesk.ticket.channel"]._csp_setup()
    company = Company(env)
    policies = Policies(company)
    escalation.begin(env)
    policies.begin()
    company.publish_policies(policies)
    policies.sign()
    told = [company.tell(story).id for story in STORIES]
    company.begin_sharing()
    told += [company.tell(story).id for story in SHARED]
    pilot, cases = policies.try_faster()
    told += cases.ids
    quality = Quality(company)
    contacts = quality.tell_contacts()
    told += contacts.ids
    tickets = env["helpdesk.ticket"].browse(told)
    env.flush_all()
    # What the database itself dates: the tickets were not all made today.
    env.cr.execute(
        SQL(
            """
            UPDATE helpdesk_ticket
               SET create_date = csp_received_at,
                   last_stage_update = LEAST(
                       COALESCE(csp_closed_at, csp_first_response_at, csp_received_at),
                       last_stage_update
                   )
             WHERE id = ANY(%s)
            """,
            tickets.ids,
        )
    )
    tickets.invalidate_recordset()
    escalation.tell(env)
    policies.propose()
    policies.announce()
    policies.let_a_review_be_due()
    policies.look_back(pilot)
    quality.review()
    quality.coach()
    quality.compare(contacts)


@contextmanager
def _at(moment):
    """Let everything that asks for the time believe that it is `moment`."""
    with (
        patch.object(fields.Datetime, "now", lambda *_args: moment),
        patch.object(fields.Date, "today", lambda *_args: moment.date()),
        patch.object(fields.Date, "context_today", lambda *_args: moment.date()),
    ):
        yield


class Company:
    def __init__(self, env):
        quiet = {
            "tracking_disable": True,
            "mail_create_nosubscribe": True,
            "mail_create_nolog": True,
            "mail_notify_force_send": False,
            "mail_auto_subscribe_no_notify": True,
        }
        self.env = env(user=SUPERUSER_ID, context={**env.context, **quiet})
        self.now = fields.Datetime.now()

    def ref(self, name, module=MODULE):
        return self.env.ref(f"{module}.{name}")

    at = staticmethod(_at)

    def user(self, login):
        return self.ref(f"res_users_{login}_demo")

    def publish_policies(self, policies):
        since = self.now - POLICY_AGE
        for name, reason in REASONS.items():
            version = self.ref(f"csp_policy_{name}_demo").version_ids
            with _at(since):
                policies.approve(version)
                version.with_user(self.user("manager")).action_publish(reason=reason)
                version.with_context(
                    csp_by_addon=BY_ADDON
                ).effective_date = since.date()

    def begin_sharing(self):
        self.ref("helpdesk_ticket_team_service_demo").write(
            {"csp_distribution": "least_loaded", "csp_ticket_ceiling": 40}
        )

    def tell(self, story):
        timeline = self.ref(f"csp_hours_{story.hours}_demo")._timeline()
        received_at = self._ago(timeline, story.age * HOUR)
        with _at(from_epoch(received_at)):
            ticket = self._create(story)
        for after, act, *details in story.steps:
            moment = from_epoch(timeline.plan_deadline(received_at, int(after * HOUR)))
            self.sweep(ticket, moment)
            with _at(moment):
                getattr(self, act)(ticket, *details)
        self.sweep(ticket, self.now)
        return ticket

    def sweep(self, ticket, until):
        """Notice what is missed, and escalate it, up to a moment, each at its time."""
        Concern = self.env["csp.escalation.concern"]
        concerns = Concern.search([("ticket_id", "=", ticket.id)])
        for _round in range(MOST_SWEEPS):
            planned = [
                moment
                for rows in (ticket.csp_commitment_ids, concerns)
                for moment in rows.mapped("next_step_at")
                if moment and moment < until
            ]
            if not planned:
                return
            with _at(min(planned) + timedelta(seconds=1)):
                self.env["csp.commitment"]._bring_up_to_date(ticket.ids)

    def _ago(self, timeline, seconds):
        """The latest moment since which so much opening time has passed."""
        now = to_epoch(self.now)
        low, high = now - LONGEST_AGE, now
        while high - low > 1:
            middle = (low + high) // 2
            if timeline.open_seconds(middle, now) >= seconds:
                low = middle
            else:
                high = middle
        return low

    def _create(self, story):
        customer = self.env.ref(story.customer)
        module = MODULE if story.channel in OWN_CHANNELS else "helpdesk_mgmt"
        channel = self.ref(f"helpdesk_ticket_channel_{story.channel}", module)
        agent = self.user(story.agent) if story.agent else self.env["res.users"]
        return self.take_in(
            story.name, story.text, customer, agent, channel, story.priority
        )

    def take_in(self, name, text, customer, agent, channel, priority="1"):
        """A request as it comes in now, over a channel."""
        tickets = self.env["helpdesk.ticket"]
        if channel.csp_live:
            tickets = tickets.with_user(agent)
        ticket = tickets.create(
            {
                "name": name,
                "description": f"<p>{text}</p>",
                "partner_id": customer.id,
                "partner_name": customer.name,
                "partner_email": customer.email,
                "channel_id": channel.id,
                "priority": priority,
                "team_id": self.ref("helpdesk_ticket_team_service_demo").id,
                "user_id": agent.id,
            }
        )
        return ticket.with_env(self.env)

    def reply(self, ticket, text):
        self._post(ticket.with_user(ticket.user_id), ticket.user_id.partner_id, text)

    def customer(self, ticket, text):
        self._post(ticket, ticket.partner_id, text, "email")

    def _post(self, ticket, author, text, message_type="comment"):
        ticket.message_post(
            author_id=author.id,
            body=text,
            date=fields.Datetime.now(),
            message_type=message_type,
            subtype_xmlid="mail.mt_comment",
        )

    def _stage(self, ticket, name, module="helpdesk_mgmt"):
        stage = self.ref(f"helpdesk_ticket_stage_{name}", module)
        ticket.with_user(ticket.user_id).stage_id = stage

    def work(self, ticket):
        self.tick(ticket, 2)
        self._stage(ticket, "in_progress")

    def wait(self, ticket):
        self._stage(ticket, "awaiting")

    def supplier(self, ticket):
        self._stage(ticket, "supplier_demo", MODULE)

    def solve(self, ticket):
        self.tick(ticket, None)
        self._stage(ticket, "done")

    def tick(self, ticket, count):
        """Tick the first steps of the procedure that are not ticked yet; None: all."""
        agent = ticket.with_user(ticket.user_id)
        steps = agent.csp_procedure_data()["steps"][:count]
        ticks = self.env["csp.ticket.step"].with_user(ticket.user_id)
        ticks._tick([(ticket.id, step["id"]) for step in steps if not step["done"]])

    def cancel(self, ticket):
        self._stage(ticket, "cancelled")

    def complaint(self, ticket):
        ticket.with_user(ticket.user_id).csp_is_complaint = True

    def investigated(self, ticket, finding):
        self._step(ticket, "investigated", finding=finding)

    def decided(self, ticket, outcome, kind, amount, note):
        self._step(
            ticket,
            "decided",
            outcome=outcome,
            remedy_kind=kind or False,
            remedy_amount=amount,
            remedy_note=note,
        )

    def told(self, ticket, way):
        self._step(ticket, "told", told_by=way, told_outside=True)

    def settled(self, ticket):
        self._step(ticket, "closed")

    def _step(self, ticket, step, **values):
        dialog = self.env["csp.complaint.step"].with_user(ticket.user_id)
        dialog.create({"ticket_id": ticket.id, "step": step, **values}).action_confirm()

    def rate(self, ticket, rate, feedback):
        token = ticket._rating_get_access_token()
        ticket.rating_apply(rate, token=token, feedback=feedback)

    def sign(self, ticket):
        """The customer signs a service contract while the ticket is open."""
        contract = self.ref("res_partner_category_contract_demo")
        ticket.partner_id.commercial_partner_id.category_id += contract

    def handover(self, ticket, login):
        ticket.with_user(self.user("manager")).user_id = self.user(login)

    def excuse(self, ticket, reason):
        missed = ticket.csp_commitment_ids.filtered(lambda row: row.state == "missed")
        missed.with_user(self.user("manager")).action_excuse(reason)
