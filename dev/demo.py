"""The database `demo`, with the addon and its demo data."""

import databases
import odoolog
from common import MODULE, STATE, Failed, digest, say

DATABASE = "demo"
STAMP = STATE / "demo-sources"


def company_key():
    """Changes with the demo company itself, which an update does not make anew."""
    files = sorted((databases.ADDON / "demo").glob("*.*"))
    return digest(*(part for path in files for part in (path.name, path.read_bytes())))


def prepare():
    """Make or update the demo database; an unfinished one is made anew."""
    key, company = databases.sources_key(demo=True), company_key()
    made = databases.exists(DATABASE) and STAMP.exists()
    stamp = STAMP.read_text().split() if made else []
    if stamp[:1] == [key]:
        return
    arguments = ["--stop-after-init", "--no-http"]
    if made:
        say("The addon has changed: updating the demo database")
        arguments += ["-u", MODULE]
        if stamp[1:] != [company]:
            say(f"Its company has changed, too: `dev/env dropdb {DATABASE}` renews it")
            company = "older"
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
    STAMP.write_text(f"{key} {company}")
