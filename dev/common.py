"""What every command in dev/ shares: the private Odoo, Python and PostgreSQL.

Everything lives below .odoo/ in the checkout; `make clean` removes it. The system
gets nothing but Debian packages (PostgreSQL, Chromium, wkhtmltopdf), and only those
that are missing. Standard library only: this runs before anything is installed.
"""

import contextlib
import fcntl
import hashlib
import os
import pwd
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".odoo"
DEV = ROOT / "dev"
MODULE = "customer_service_plan"
VENV = STATE / "venv"
PYTHON = VENV / "bin" / "python"
CONFIG = STATE / "odoo.conf"
PG_USER = "odoo"  # Odoo refuses to work as the role "postgres"

# Debian's odoo-19 has its fonts and scripts as links into these packages. The last two
# come from bookworm because sid's no longer have the files.
ODOO_PACKAGES = [
    "odoo-19/sid",
    "libjs-jquery/sid",
    "libjs-jquery-form/sid",
    "libjs-underscore/sid",
    "fonts-montserrat/sid",
    "fonts-roboto-unhinted/sid",
    "fonts-ocr-b/sid",
    "fonts-glyphicons-halflings/sid",
    "fonts-font-awesome/bookworm",
    "fonts-inconsolata/bookworm",
]
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# Left out of Debian's build as not free in source; an empty file is enough for Odoo's
# browser unit tests to start.
ABSENT_FILES = [
    "addons/mail/static/lib/selfie_segmentation/selfie_segmentation.js",
]


class Failed(Exception):
    """A step that cannot go on; the text tells the reader what to do."""


def say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


def run(command, *, step=None, **options):
    """Run a command quietly; show its output only if it fails."""
    if step:
        say(step)
    done = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **options,
    )
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-25:])
        raise Failed(
            f"{step or 'A command'} failed "
            f"({shlex.join(str(part) for part in command)}):\n{tail}"
        )
    return done.stdout


def main(function):
    """Entry point of every script here: plain messages instead of tracebacks."""
    # So that a polite kill, too, leaves nothing behind.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        sys.exit(function(sys.argv[1:]))
    except Failed as error:
        print(f"\nFailed: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


@contextlib.contextmanager
def locked(name):
    """One at a time: two commands started together must not set up twice."""
    STATE.mkdir(exist_ok=True)
    with open(STATE / f"{name}.lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def digest(*parts):
    total = hashlib.sha256()
    for part in parts:
        total.update(part if isinstance(part, bytes) else str(part).encode())
        total.update(b"\0")
    return total.hexdigest()[:12]


def made_from(stamp, key):
    return stamp.exists() and stamp.read_text() == key


# -- Debian packages -----------------------------------------------------------------


def find_postgres():
    """The newest PostgreSQL server on this machine, as its folder of programs."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda path: int(path.parts[4]),
    )
    if found:
        return found[-1].parent
    program = shutil.which("postgres")
    return Path(program).resolve().parent if program else None


def has_venv():
    try:
        import ensurepip  # noqa: F401  (Debian splits it off into python3-venv)

        return True
    except ImportError:
        return False


def missing_packages(purpose=None):
    wanted = []
    if not has_venv():
        wanted += ["python3-venv"]
    if purpose == "lint":
        return wanted
    if not find_postgres():
        wanted += ["postgresql"]
    if not (shutil.which("chromium") or shutil.which("google-chrome")):
        wanted += ["chromium", "fonts-dejavu-core"]
    if not shutil.which("wkhtmltopdf"):
        wanted += ["wkhtmltopdf"]
    if not KEYRING.exists() and not os.environ.get("ODOO_HOME"):
        wanted += ["debian-archive-keyring"]
    # python-magic and Odoo's mail attachments need the library.
    if not list(Path("/usr/lib").glob("*/libmagic.so.1")):
        wanted += ["libmagic1"]
    return wanted


def install_packages(purpose=None):
    wanted = missing_packages(purpose)
    if not wanted:
        return
    by_hand = f"apt-get install {' '.join(wanted)}"
    if not shutil.which("apt-get"):
        raise Failed(
            "These programs are missing and this is no Debian: install what Debian "
            f"calls {' '.join(wanted)}."
        )
    sudo = []
    if os.geteuid():
        if not shutil.which("sudo"):
            raise Failed(f"Root rights are needed once. As root: {by_hand}")
        sudo = ["sudo"]
        if subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode:
            say(f"sudo is about to ask for your password, for: {by_hand}")
            if subprocess.run(["sudo", "-v"]).returncode:
                raise Failed(f"sudo did not let us in. As root: {by_hand}")
    apt = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    run([*apt, "update"], step="Reading Debian's package lists")
    install = [*apt, "install", "-y", "--no-install-recommends"]
    if "postgresql" in wanted:
        # PostgreSQL's package would start a server of its own, which nobody asked for.
        run([*install, "postgresql-common"], step="Installing postgresql-common")
        folder = "/etc/postgresql-common/createcluster.d"
        drop_in = f"{folder}/no-main-cluster.conf"
        write = 'mkdir -p "$1" && echo create_main_cluster=false >"$2"'
        run([*sudo, "sh", "-c", write, "sh", folder, drop_in])
        try:
            run([*install, "postgresql"], step="Installing postgresql")
        finally:
            clean = 'rm -f "$2"; rmdir --ignore-fail-on-non-empty "$1"'
            run([*sudo, "sh", "-c", clean, "sh", folder, drop_in])
        wanted.remove("postgresql")
    if wanted:
        run([*install, *wanted], step=f"Installing {' '.join(wanted)}")
    if missing_packages(purpose):
        raise Failed(f"Still missing after the installation; try: {by_hand}")


# -- Odoo ----------------------------------------------------------------------------


def odoo_home():
    """The folder that holds Odoo's `odoo` package."""
    if given := os.environ.get("ODOO_HOME"):
        home = Path(given).expanduser().resolve()
        if not (home / "odoo" / "release.py").exists():
            raise Failed(f"ODOO_HOME={home} has no odoo/release.py in it.")
        if "version_info = (19, 0" not in (home / "odoo" / "release.py").read_text():
            raise Failed(f"ODOO_HOME={home} is not Odoo 19.0.")
        return home
    return STATE / "odoo" / "usr" / "lib" / "python3" / "dist-packages"


def debian_mirror():
    """The Debian mirror that this machine uses already."""
    system = Path("/etc/os-release")
    if system.exists() and "\nID=debian\n" in "\n" + system.read_text():
        targets = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI) $(TARGET_OF)"],
            capture_output=True,
            text=True,
        ).stdout
        for line in targets.splitlines():
            uri = line.split()[0].rstrip("/")
            if uri.endswith("/debian"):
                return uri
    raise Failed(
        "apt-get knows no Debian mirror here. Name one in /etc/apt/sources.list, or "
        "set ODOO_HOME to an Odoo 19 source tree."
    )


def fetch_odoo():
    """Unpack Debian's Odoo 19 below .odoo/, without touching the system's own apt."""
    home = odoo_home()
    if os.environ.get("ODOO_HOME") or (home / "odoo" / "release.py").exists():
        return
    hint = "Set ODOO_HOME to an Odoo 19 source tree to use that instead."
    target = STATE / "odoo"
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        work = Path(folder)
        (work / "lists" / "partial").mkdir(parents=True)
        (work / "debs").mkdir()
        mirror = debian_mirror()
        (work / "sources.list").write_text(
            "".join(
                f'deb [signed-by="{KEYRING}"] {mirror} {suite} main\n'
                for suite in ("sid", "bookworm")
            )
        )
        (work / "apt.conf").write_text(
            f'Dir::Etc::sourcelist "{work}/sources.list";\n'
            'Dir::Etc::sourceparts "-";\n'
            f'Dir::State::lists "{work}/lists";\n'
            f'Dir::Cache "{work}/cache";\n'
            'APT::Sandbox::User "root";\n'
            'Acquire::Languages "none";\n'
        )
        env = {**os.environ, "APT_CONFIG": str(work / "apt.conf")}
        try:
            run(["apt-get", "update"], step="Finding Odoo 19 in Debian", env=env)
            run(
                ["apt-get", "download", *ODOO_PACKAGES],
                step="Downloading Odoo 19 (130 MB)",
                env=env,
                cwd=work / "debs",
            )
        except Failed as error:
            raise Failed(f"{error}\n{hint}") from error
        say("Unpacking Odoo 19")
        for package in sorted((work / "debs").glob("*.deb")):
            run(["dpkg-deb", "-x", package, work / "root"])
        for name in ABSENT_FILES:
            path = work / "root/usr/lib/python3/dist-packages/odoo" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        shutil.rmtree(target, ignore_errors=True)
        (work / "root").rename(target)


def addon_folders():
    """Odoo's --addons-path: ours, those of ADDONS, and a source tree's own."""
    extra = [Path(p).expanduser() for p in os.environ.get("ADDONS", "").split(",") if p]
    for folder in extra:
        if not folder.is_dir():
            raise Failed(f"ADDONS names a folder that is not there: {folder}")
    home = odoo_home()
    own = [home / "addons"] if (home / "addons/mail/__manifest__.py").exists() else []
    return [*own, *(p.resolve() for p in extra), ROOT]


def install_python():
    """A virtual environment with pinned requirements that also finds Odoo."""
    requirements = DEV / "requirements.txt"
    addons = DEV / "requirements-addons.txt"
    stamp = VENV / ".made-from"
    key = digest(requirements.read_bytes(), addons.read_bytes(), sys.version)
    if not made_from(stamp, key):
        if not made_from(VENV / ".python", sys.version):
            run(
                [sys.executable, "-m", "venv", "--clear", VENV],
                step="Making a Python environment",
            )
            (VENV / ".python").write_text(sys.version)
        pip = [PYTHON, "-m", "pip", "install", "-q", "--no-deps", "--prefer-binary"]
        run(
            [*pip, "-r", requirements],
            step="Installing Odoo's Python requirements (about a minute)",
        )
        run([*pip, "-r", addons], step="Installing the OCA helpdesk addons")
        stamp.write_text(key)
    site = next((VENV / "lib").glob("python3.*/site-packages"))
    link = site / "odoo-source.pth"
    if not link.exists() or link.read_text() != f"{odoo_home()}\n":
        link.write_text(f"{odoo_home()}\n")


def write_config():
    text = (
        "[options]\n"
        f"addons_path = {','.join(map(str, addon_folders()))}\n"
        f"data_dir = {STATE / 'data'}\n"
        f"db_user = {PG_USER}\n"
        f"db_host = {Cluster().socket}\n"
        "http_interface = 127.0.0.1\n"
        # Copies of one database must not see each other's.
        "list_db = False\n"
        # The demo talks to itself; nothing leaves this machine by mail.
        "smtp_server = localhost\n"
    )
    if not CONFIG.exists() or CONFIG.read_text() != text:
        CONFIG.write_text(text)


# -- PostgreSQL ----------------------------------------------------------------------


class Cluster:
    """A private PostgreSQL that runs for as long as one of our commands does.

    Each command holds a shared lock; the last to leave stops the server. A killed
    command's lock vanishes with it, and the next one to end cleans up.
    """

    def __init__(self):
        # PostgreSQL refuses to run as root; Debian's package brings this user.
        self.owner = "postgres" if os.geteuid() == 0 else None
        place = digest(STATE)
        self.home = STATE / "pg"
        if self.owner and not self._may_enter(STATE.parent):
            # For instance a checkout below /root.
            self.home = Path("/var/lib") / f"{MODULE}-dev" / place
        self.data = self.home / "data"
        self.socket = self.home / "socket"
        if len(str(self.socket)) > 85 or set(str(self.socket)) & set(",'\"\\"):
            # The kernel's limit for a socket's path is 107 characters.
            self.socket = Path(tempfile.gettempdir()) / f"csp-{os.geteuid()}-{place}"
        self._lock = None

    def _may_enter(self, folder):
        try:
            pwd.getpwnam(self.owner)
        except KeyError as error:
            raise Failed(
                "There is no user 'postgres' to run PostgreSQL as (it must not run as "
                "root). Install Debian's postgresql-common, or use another user."
            ) from error
        test = subprocess.run(["test", "-x", folder], **self._identity(), cwd="/")
        return test.returncode == 0

    def _identity(self):
        if not self.owner:
            return {}
        user = pwd.getpwnam(self.owner)
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def _pg(self, program, *arguments, **options):
        return run(
            [find_postgres() / program, *arguments],
            cwd=self.home,
            **self._identity(),
            **options,
        )

    def _own_folder(self, path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.owner:
            shutil.chown(path, self.owner, self._identity()["group"])
        expected = self._identity().get("user", os.geteuid())
        if path.is_symlink() or path.stat().st_uid != expected:
            raise Failed(f"{path} belongs to somebody else; remove it and try again.")
        path.chmod(0o700)

    def create(self):
        if (self.data / "PG_VERSION").exists():
            return
        self._own_folder(self.home)
        shutil.rmtree(self.data, ignore_errors=True)
        self._pg(
            "initdb",
            *("-D", self.data, "-U", PG_USER, "--auth=trust", "--encoding=UTF8"),
            *("--locale=C.UTF-8", "--no-sync"),
            step="Creating a private PostgreSQL",
        )
        with open(self.data / "postgresql.conf", "a") as conf:
            conf.write("include_if_exists = 'private.conf'\n")

    def _configure(self):
        # Nothing here is worth the wait for a disk: it can all be made again.
        (self.data / "private.conf").write_text(
            "listen_addresses = ''\n"
            f"unix_socket_directories = '\"{self.socket}\"'\n"
            "fsync = off\nfull_page_writes = off\nsynchronous_commit = off\n"
            "shared_buffers = 512MB\nwork_mem = 16MB\nmaintenance_work_mem = 256MB\n"
            "max_wal_size = 2GB\nmax_connections = 200\nrandom_page_cost = 1.1\n"
            "jit = off\n"
        )
        if self.owner:
            shutil.chown(self.data / "private.conf", self.owner)

    def running(self):
        control = subprocess.run(
            [find_postgres() / "pg_ctl", "-D", self.data, "status"],
            capture_output=True,
            cwd="/",
            **self._identity(),
        )
        return control.returncode == 0

    def enter(self):
        with locked("postgres"):
            self._lock = open(STATE / "postgres.users", "w")
            fcntl.flock(self._lock, fcntl.LOCK_SH)
            self.create()
            if self.running():
                return
            self._own_folder(self.socket)
            self._configure()
            try:
                # Its own log file: a pipe would keep us waiting for the server's end.
                self._pg(
                    "pg_ctl",
                    *("-D", self.data, "-l", self.home / "log", "-w", "start"),
                )
            except Failed as error:
                log = self.home / "log"
                tail = log.read_text()[-2000:] if log.exists() else ""
                raise Failed(f"PostgreSQL does not start.\n{error}\n{tail}") from error

    def leave(self):
        with locked("postgres"):
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # somebody else still needs it
            if self.running():
                self._pg("pg_ctl", "-D", self.data, "-m", "fast", "-w", "stop")
            self._lock.close()

    def remove(self):
        with locked("postgres"):
            if (self.data / "PG_VERSION").exists() and self.running():
                self._pg("pg_ctl", "-D", self.data, "-m", "fast", "-w", "stop")
            shutil.rmtree(self.home, ignore_errors=True)
            shutil.rmtree(self.socket, ignore_errors=True)
            if self.home.parent != STATE:
                with contextlib.suppress(OSError):  # another checkout's is in it
                    self.home.parent.rmdir()


# -- The environment as a whole ------------------------------------------------------


def setup():
    """Make what is missing; a call with nothing to do takes milliseconds."""
    if sys.version_info < (3, 11):
        raise Failed("Python 3.11 or newer is needed, as in Debian 12.")
    with locked("setup"):
        install_packages()
        fetch_odoo()
        install_python()
        write_config()


@contextlib.contextmanager
def environment():
    """Set up, start PostgreSQL, and stop it again if nobody else needs it.

    Programs started inside find PostgreSQL and Odoo's settings in the environment.
    """
    setup()
    cluster = Cluster()
    cluster.enter()
    os.environ["PATH"] = f"{VENV / 'bin'}:{find_postgres()}:{os.environ['PATH']}"
    os.environ["PGHOST"] = str(cluster.socket)
    os.environ["PGPORT"] = "5432"
    os.environ["PGUSER"] = PG_USER
    os.environ["ODOO_RC"] = str(CONFIG)
    try:
        yield
    finally:
        cluster.leave()


def pass_through(command, **options):
    """Run a command in the foreground and hand signals on to it.

    Ctrl-C reaches the command by the terminal; we only have to outlive it.
    """
    with subprocess.Popen([str(part) for part in command], **options) as process:

        def forward(number, _frame):
            process.send_signal(number)

        before = {
            number: signal.signal(number, forward)
            for number in (signal.SIGTERM, signal.SIGHUP)
        }
        before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            return process.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def free_port(first=8069):
    """The first port from `first` on that nobody listens on."""
    for port in range(first, first + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Failed(f"No free port between {first} and {first + 99}.")
