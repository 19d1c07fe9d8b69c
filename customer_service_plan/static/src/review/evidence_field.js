import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {deserializeDateTime} from "@web/core/l10n/dates";
import {formatFloat, formatInteger} from "@web/views/fields/formatters";
import {formatSeconds} from "../duration/duration";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useService} from "@web/core/utils/hooks";

const {DateTime} = luxon;
/** More promises than these, and each kind is folded to its sum at first. */
const UNFOLDED = 12;
/** Figures of which more is worse. */
const WORSE = "text-danger";
const BETTER = "text-success";

const percent = (value) => `${formatFloat(value, {digits: [0, 0]})} %`;
const bounds = (low, high) => `${formatFloat(low, {digits: [0, 0]})}–${percent(high)}`;
const day = (text) => DateTime.fromISO(text).toLocaleString(DateTime.DATE_MED);
const moment = (text) => deserializeDateTime(text).toLocaleString(DateTime.DATE_MED);

/**
 * What happened to a policy or a plan since it was looked at last: a page of figures,
 * each with the way to the records behind it.
 */
export class ReviewEvidence extends Component {
    static template = "customer_service_plan.ReviewEvidence";
    static props = {...standardFieldProps};

    setup() {
        this.action = useService("action");
    }

    get data() {
        return this.props.record.data[this.props.name] || null;
    }

    get isDecided() {
        return this.props.record.data.state === "done";
    }

    get isPlan() {
        return this.data.of === "csp.plan";
    }

    get period() {
        const {from, to} = this.data;
        return this.isDecided
            ? _t("%(from)s to %(to)s, as it was at the decision", {
                  from: moment(from),
                  to: moment(to),
              })
            : _t("Since %s", moment(from));
    }

    get comparedWith() {
        const {before, from} = this.data;
        return _t(
            "Compared with the time of the same length before: %(from)s to %(to)s.",
            {
                from: moment(before),
                to: moment(from),
            }
        );
    }

    // === Cards ===

    get cards() {
        const {tickets, escalations, opinions} = this.data;
        return [
            {
                key: "tickets",
                label: _t("Requests"),
                value: formatInteger(tickets.count),
                note: this.before(tickets.count, tickets.before.count),
                extra: tickets.reopened
                    ? _t("%s reopened", formatInteger(tickets.reopened))
                    : "",
                open: tickets.count && (() => this.openTickets()),
            },
            {
                key: "complaints",
                label: _t("Complaints"),
                value: formatInteger(tickets.complaints),
                note: this.before(tickets.complaints, tickets.before.complaints),
                tone: this.tone(tickets.complaints, tickets.before.complaints),
                extra: tickets.justified
                    ? _t("%s justified", formatInteger(tickets.justified))
                    : "",
                open: tickets.complaints && (() => this.openComplaints()),
            },
            {
                key: "escalations",
                label: _t("Escalations"),
                value: formatInteger(escalations.count),
                note: this.before(escalations.count, escalations.before),
                tone: this.tone(escalations.count, escalations.before),
                extra: escalations.by
                    .slice(0, 2)
                    .map((each) => `${each.label}: ${formatInteger(each.count)}`)
                    .join(" · "),
                open: escalations.count && (() => this.openEscalations()),
            },
            {
                key: "opinions",
                label: _t("Happy customers"),
                value: opinions.answers ? percent(opinions.percent) : "–",
                note: opinions.answers
                    ? _t("of %(count)s answers (%(bounds)s)", {
                          count: formatInteger(opinions.answers),
                          bounds: bounds(opinions.low, opinions.high),
                      })
                    : _t("Nobody was asked, or nobody answered"),
                extra: opinions.before.answers
                    ? _t("before: %(percent)s of %(count)s", {
                          percent: percent(opinions.before.percent),
                          count: formatInteger(opinions.before.answers),
                      })
                    : "",
                open: opinions.answers && (() => this.openOpinions()),
            },
        ];
    }

    before(now, then) {
        return then || now ? _t("before: %s", formatInteger(then)) : "";
    }

    tone(now, then) {
        // Of a handful nothing can be said.
        if (now + then < 10 || now === then) {
            return "";
        }
        return now > then ? WORSE : BETTER;
    }

    // === Promises ===

    get kinds() {
        const labels = {
            first_response: _t("First reply"),
            next_response: _t("Further replies"),
            resolution: _t("Solution"),
        };
        const {promises} = this.data;
        return promises
            .filter((row) => !row.part)
            .map((total) => {
                const parts = promises.filter(
                    (row) => row.part && row.kind === total.kind
                );
                return {
                    kind: total.kind,
                    label: labels[total.kind],
                    open: promises.length <= UNFOLDED,
                    total: this.promise(total),
                    // One promise alone is its own sum
                    parts:
                        parts.length > 1 || this.isPlan
                            ? parts.map((row) => this.promise(row))
                            : [],
                    only:
                        parts.length === 1 && !this.isPlan
                            ? this.promise(parts[0])
                            : null,
                };
            });
    }

    promise(row) {
        const verdicts = {
            reached: {text: _t("goal reached"), tone: BETTER},
            missed: {text: _t("below the goal"), tone: WORSE},
            unsure: {text: _t("close to the goal"), tone: "text-muted"},
            too_few: {text: _t("too few to tell"), tone: "text-muted"},
        };
        const part = row.part || {};
        const target = part.target ? formatSeconds(part.target) : "";
        const goal = part.goal ? percent(part.goal) : "";
        return {
            ...row,
            key: `${row.kind}-${part.id || "all"}`,
            name: part.version
                ? _t("%(name)s (version %(version)s)", {
                      name: part.name,
                      version: part.version,
                  })
                : part.name,
            promised:
                target && goal
                    ? _t("%(goal)s within %(target)s", {goal, target})
                    : target,
            goalAt: part.goal || 0,
            verdict: verdicts[row.verdict] || null,
            kept: row.cases ? percent(row.percent) : "–",
            bounds: row.cases ? bounds(row.low, row.high) : "",
            kept_count: row.kept,
            share: _t("%(kept)s of %(cases)s", {
                kept: formatInteger(row.kept),
                cases: formatInteger(row.cases),
            }),
            width: row.percent || 0,
            from: row.low,
            span: row.high - row.low,
            change: this.change(row),
            times:
                row.median === null || row.median === undefined
                    ? ""
                    : _t("half within %(median)s, nine of ten within %(p90)s", {
                          median: formatSeconds(row.median),
                          p90: formatSeconds(row.p90),
                      }),
            timesBefore:
                row.before && row.before.median !== null
                    ? _t("before: %(median)s and %(p90)s", {
                          median: formatSeconds(row.before.median),
                          p90: formatSeconds(row.before.p90),
                      })
                    : "",
            missedCount: row.missed && {
                text: _t("%s missed", formatInteger(row.missed)),
                late: row.open_late
                    ? _t("(%s still open)", formatInteger(row.open_late))
                    : "",
            },
            excusedCount: row.excused && _t("%s excused", formatInteger(row.excused)),
        };
    }

    change(row) {
        if (!row.change) {
            return null;
        }
        const {value, sure} = row.change;
        const points = formatFloat(Math.abs(value), {digits: [0, 0]});
        if (!sure) {
            return {text: _t("no clear change"), tone: "text-muted", icon: "fa-minus"};
        }
        return value > 0
            ? {text: _t("%s points better", points), tone: BETTER, icon: "fa-arrow-up"}
            : {text: _t("%s points worse", points), tone: WORSE, icon: "fa-arrow-down"};
    }

    // === What people said, what changed ===

    get quotes() {
        const ratings = {
            top: {icon: "fa-smile-o", tone: BETTER, title: _t("Happy")},
            ok: {icon: "fa-meh-o", tone: "text-warning", title: _t("Fair")},
            ko: {icon: "fa-frown-o", tone: WORSE, title: _t("Unhappy")},
        };
        return this.data.opinions.quotes.map((quote) => ({
            ...quote,
            ...(ratings[quote.rating] || ratings.ok),
            date: moment(quote.at),
        }));
    }

    get comments() {
        return this.data.comments.latest.map((comment) => ({
            ...comment,
            date: moment(comment.at),
        }));
    }

    get moreComments() {
        const {count, latest} = this.data.comments;
        return count > latest.length
            ? _t("and %s more", formatInteger(count - latest.length))
            : "";
    }

    get changes() {
        const versions = this.data.changes.map((change) => ({
            key: `${change.what}-${change.id}`,
            icon: change.what === "published" ? "fa-check-circle-o" : "fa-archive",
            date: moment(change.at),
            at: change.at,
            text:
                change.what === "published"
                    ? _t("%(version)s was published by %(who)s.", {
                          version: change.name,
                          who: change.who,
                      })
                    : _t("%s went out of force.", change.name),
            note: change.summary,
            warning: change.in_spite
                ? _t("In spite of findings, because: %s", change.in_spite)
                : "",
            open: () => this.openRecord("csp.policy.version", change.id),
        }));
        const hours = this.data.hours.map((table) => ({
            key: `hours-${table.id}`,
            icon: "fa-clock-o",
            date: moment(table.at),
            at: table.at,
            text: table.is_new
                ? _t("The hours “%s” are new.", table.name)
                : _t("The hours “%s” were changed.", table.name),
            note: [
                table.week && !table.is_new ? _t("Other times of the week.") : "",
                ...table.exceptions.map((each) => this.exception(each)),
            ]
                .filter(Boolean)
                .join(" "),
            open: () => this.openRecord("csp.hours", table.id),
        }));
        return [...versions, ...hours].sort((one, other) =>
            other.at.localeCompare(one.at)
        );
    }

    exception(each) {
        const days =
            each.from === each.to
                ? day(each.from)
                : `${day(each.from)} – ${day(each.to)}`;
        const what = each.kind === "open" ? _t("open") : _t("closed");
        return each.name ? `${days} ${what} (${each.name}).` : `${days} ${what}.`;
    }

    // === The present text on past tickets ===

    get backtest() {
        const {backtest} = this.data;
        if (!backtest) {
            return null;
        }
        const kinds = {
            first_response: _t("First reply"),
            next_response: _t("Further replies"),
            resolution: _t("Solution"),
        };
        const verdicts = {
            supported: {text: _t("can be kept"), tone: BETTER},
            unsupported: {text: _t("cannot be kept"), tone: WORSE},
            unsure: {text: _t("cannot be told for sure"), tone: "text-muted"},
            too_few: {text: _t("too few to tell"), tone: "text-muted"},
        };
        return {
            ...backtest,
            intro: backtest.id
                ? _t("%(version)s on %(tickets)s tickets (%(period)s):", {
                      version: backtest.version,
                      tickets: formatInteger(backtest.tickets),
                      period: backtest.period,
                  })
                : "",
            rows: backtest.lines.map((line, index) => ({
                key: index,
                name: line.name,
                kind: kinds[line.kind],
                text: line.cases
                    ? _t("%(kept)s kept of %(cases)s (%(bounds)s), goal %(goal)s", {
                          kept: percent(line.kept_percent),
                          cases: formatInteger(line.cases),
                          bounds: bounds(line.low, line.high),
                          goal: percent(line.goal),
                      })
                    : _t("no case"),
                verdict: (line.cases && verdicts[line.verdict]) || null,
            })),
        };
    }

    get signatures() {
        const {signatures} = this.data;
        if (!signatures) {
            return null;
        }
        return {
            text: _t("%(signed)s of %(asked)s have read and signed what is in force.", {
                signed: formatInteger(signatures.signed),
                asked: formatInteger(signatures.asked),
            }),
            overdue: signatures.overdue
                ? _t("%s are overdue.", formatInteger(signatures.overdue))
                : "",
        };
    }

    // === The records behind ===

    open(name, model, domain, context = {}) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            name,
            res_model: model,
            domain,
            context: {active_test: false, ...context},
            views: [
                [false, "list"],
                [false, "form"],
            ],
        });
    }

    openFinding(finding) {
        return finding.action
            ? this.action.doAction(finding.action)
            : this.openRecord(finding.model, finding.id);
    }

    openRecord(model, id) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: model,
            res_id: id,
            views: [[false, "form"]],
        });
    }

    within(field) {
        return [
            [field, ">=", this.data.from],
            [field, "<", this.data.to],
        ];
    }

    openTickets() {
        return this.open(_t("Requests"), "helpdesk.ticket", [
            ["csp_policy_version_id", "in", this.data.versions],
            ...this.within("csp_received_at"),
        ]);
    }

    openComplaints() {
        return this.open(_t("Complaints"), "helpdesk.ticket", [
            ["csp_policy_version_id", "in", this.data.versions],
            ["csp_is_complaint", "=", true],
            "|",
            "&",
            ...this.within("csp_complaint_at"),
            "&",
            "&",
            ["csp_complaint_at", "=", false],
            ...this.within("csp_received_at"),
        ]);
    }

    openEscalations() {
        return this.open(_t("Escalations"), "csp.escalation", [
            ["ticket_id.csp_policy_version_id", "in", this.data.versions],
            ["joined_into_id", "=", false],
            ...this.within("at"),
        ]);
    }

    openOpinions() {
        return this.open(_t("Opinions"), "helpdesk.ticket", [
            ["csp_policy_version_id", "in", this.data.versions],
            ["rating_ids.consumed", "=", true],
            ["rating_ids.write_date", ">=", this.data.from],
        ]);
    }

    openPromises(row, state) {
        const domain = [
            ["kind", "=", row.kind],
            ["state", "=", state],
            ...this.within(state === "met" ? "ended_at" : "missed_at"),
        ];
        if (row.part && row.part.id && !this.isPlan) {
            domain.push(["policy_line_id", "=", row.part.id]);
        } else if (row.part && row.part.id) {
            domain.push(["policy_version_id.policy_id", "=", row.part.id]);
        } else {
            domain.push(["policy_version_id", "in", this.data.versions]);
        }
        return this.open(_t("Promises"), "csp.commitment", domain);
    }

    openSignatures() {
        return this.open(_t("Read and signed"), "csp.acknowledgement", [
            ["version_id", "in", this.data.signatures.versions],
            ["state", "!=", "released"],
        ]);
    }
}

registry.category("fields").add("csp_review_evidence", {
    component: ReviewEvidence,
    displayName: _t("What happened since the last review"),
    supportedTypes: ["json"],
    isEmpty: () => false,
});
