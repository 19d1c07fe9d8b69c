"""What dev/history does inside Odoo's shell, which gives `env`."""

import os
import sys
import time
from pathlib import Path


def fail(text):
    sys.stdout.flush()
    print(f"\nFailed: {text}", file=sys.stderr, flush=True)
    os._exit(1)


def show_progress(done, total):
    end = "\n" if done == total else ""
    print(f"\r{done:,} of {total:,} cases", end=end, flush=True)


def show_import(batch, seconds):
    print(
        f"{batch.row_count:,} rows, {batch.case_count:,} cases: {batch.understood_as}"
    )
    if batch.template_id:
        print(f"Read with the mapping “{batch.template_id.name}”")
    print(f"{batch.ticket_count:,} tickets imported in {seconds:.1f} s")
    if batch.existing_count:
        print(f"{batch.existing_count:,} cases were here already")
    if batch.note_text:
        print(batch.note_text)
    if batch.rejected_row_count:
        print(
            f"{batch.rejected_row_count:,} rows of {batch.rejected_case_count:,} cases "
            f"rejected (the list is in the import of the screens):"
        )
        print(batch.rejected_text)


def run_import(path):
    Import = env["csp.history.import"]
    if os.environ.get("REMOVE"):
        for batch in Import.search(
            [("filename", "=", path.name), ("ticket_ids", "!=", False)]
        ):
            batch.write({"state": "removing"})
            batch._work(env["ir.cron"]._commit_progress)
            print(f"Removed the import of {batch.started_at}")
    mapping = env["csp.history.mapping"]
    if name := os.environ.get("MAPPING"):
        mapping = mapping.search([("is_saved", "=", True), ("name", "ilike", name)])
        if len(mapping) != 1:
            fail(f"{len(mapping)} saved mappings are called {name}.")
    began = time.monotonic()
    batch = Import._import_file(
        path.name, path.read_bytes(), mapping, report=show_progress
    )
    if batch.state == "mapping":
        missing = ", ".join(batch.mapping_id._missing_roles())
        unknown = ", ".join(
            activity.name for activity in batch.activity_ids if not activity.event
        )
        env.cr.commit()
        fail(
            f"Only you can tell what this file means. In Odoo, under “Import past "
            f"tickets”, go on with {path.name}.\n"
            + (f"Columns missing: {missing}\n" if missing else "")
            + (f"Activities without a meaning: {unknown}" if unknown else "")
        )
    show_import(batch, time.monotonic() - began)
    return batch


def example_version(batch):
    """8 h to the first reply, 40 h to the solution, in Italian office hours."""
    zone = batch.tz
    hours = env["csp.hours"].create(
        {
            "name": f"Mon–Fri 9–18 ({zone})",
            "tz": zone,
            "line_ids": [
                (0, 0, {"weekday": str(day), "minute_from": 540, "minute_to": 1080})
                for day in range(5)
            ],
        }
    )
    if zone == "Europe/Rome":
        wizard = env["csp.hours.holiday"].create(
            {
                "hours_id": hours.id,
                "country_id": env.ref("base.it").id,
                "year_from": min(batch.ticket_ids.mapped("csp_received_at")).year,
                "year_to": time.gmtime().tm_year,
            }
        )
        wizard.action_apply()
    # Before the others, so that the backtest looks at all tickets under it, too.
    policy = env["csp.policy"].create(
        {"name": "Example for past tickets", "sequence": -1}
    )
    version = policy.draft_version_id
    version.line_ids = [
        (
            0,
            0,
            {
                "match_all": True,
                "hours_id": hours.id,
                "first_response_minutes": 8 * 60,
                "resolution_minutes": 40 * 60,
                "goal_percent": 90,
            },
        )
    ]
    version.action_publish()
    # Only for the past: the requests of today are not promised anything by it.
    version.action_retire()
    return version


def try_on_past(batch, version):
    """The same figures by a backtest, which writes nothing on the tickets."""
    test = env["csp.backtest"].create(
        {
            "version_id": version.id,
            "import_id": batch.id,
            "company_id": batch.company_id.id,
        }
    )
    began = time.monotonic()
    test.action_run()
    env.cr.commit()
    print(f"\nBacktest of {test.display_name}, in {time.monotonic() - began:.1f} s")
    print(test.summary)
    for line in test.line_ids:
        print(f"  {line.title}\n    {line.summary}\n    {line.times_text}")


def apply_policy(batch, name):
    if name == "example":
        version = example_version(batch)
    else:
        version = env["csp.policy.version"].search(
            [("policy_id.name", "ilike", name), ("published_at", "!=", False)],
            order="published_at desc",
            limit=1,
        )
        if not version:
            fail(f"No published version of a policy called {name}.")
    try_on_past(batch, version)
    wizard = env["csp.promise.apply"].create(
        {"import_id": batch.id, "version_id": version.id}
    )
    began = time.monotonic()
    if wizard.candidate_count:
        wizard.action_apply()
        while wizard.action_run_chunk():
            env.cr.commit()
    else:
        wizard.action_show()
    env.cr.commit()
    print(f"\n{version.display_name}, in {time.monotonic() - began:.1f} s")
    labels = dict(wizard.line_ids._fields["kind"]._description_selection(env))
    print(
        f"{'promise':<15}{'cases':>7}{'kept':>7}{'missed':>8}{'cancelled':>11}"
        f"{'kept %':>9}{'goal %':>8}{'median h':>10}{'90 % h':>9}  for"
    )
    for line in wizard.line_ids:
        print(
            f"{labels[line.kind]:<15}{line.case_count:>7,}{line.kept_count:>7,}"
            f"{line.missed_count:>8,}{line.cancelled_count:>11,}"
            f"{line.kept_percent:>9.1f}{line.goal_percent:>8.1f}"
            f"{line.median_hours:>10.2f}{line.p90_hours:>9.2f}"
            f"  {line.policy_line_id.display_name}"
        )


def job():
    batch = run_import(Path(os.environ["FILE"]))
    if not batch.ticket_count:
        # Nothing new: the figures are those of the import that brought the cases in.
        source = batch.source
        batch.unlink()
        batch = env["csp.history.import"].search(
            [("source", "=", source), ("ticket_ids", "!=", False)], limit=1
        )
    if os.environ.get("POLICY") and batch:
        apply_policy(batch, os.environ["POLICY"])
    env.cr.commit()


job()
