"""The database `demo`, with the addon and its demo data."""

import databases
import odoolog
from common import MODULE, STATE, Failed, say

DATABASE = "demo"
STAMP = STATE / "demo-sources"


def prepare():
    """Make or update the demo database; an unfinished one is made anew."""
    key = databases.sources_key(demo=True)
    made = databases.exists(DATABASE) and STAMP.exists()
    if made and STAMP.read_text() == key:
        return
    arguments = ["--stop-after-init", "--no-http"]
    if made:
        say("The addon has changed: updating the demo database")
        arguments += ["-u", MODULE]
    else:
        say("Making a database with demo data (about two minutes)")
        STAMP.unlink(missing_ok=True)
        databases.drop(DATABASE)
        arguments += ["-i", MODULE, "--with-demo"]
    code, text = databases.odoo(DATABASE, *arguments, log="demo", show=True)
    bad = [r for r in odoolog.complaints(text) if r.level != "WARNING"]
    if code or bad or "Modules loaded." not in text:
        raise Failed(
            f"The demo database could not be prepared; the whole log: "
            f"{databases.LOGS}/demo.log. `dev/env dropdb {DATABASE}` starts over."
        )
    STAMP.write_text(key)
