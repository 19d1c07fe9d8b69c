"""The addon as a wheel, and copied into a folder of --addons-path."""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from .common import ADDON, ROOT, ProcessCase, databases


def git_files(*options):
    """Files of the addon as Git lists them, without those that are gone."""
    listed = subprocess.run(
        ["git", "ls-files", *options, "."],
        cwd=databases.ADDON,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return {name for name in listed if (databases.ADDON / name).exists()}


class TestWheel(ProcessCase):
    installed = False

    def pip(self, *arguments):
        done = subprocess.run(
            [sys.executable, "-m", "pip", "-q", *map(str, arguments)],
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def build(self, folder):
        self.pip(
            *("wheel", "--no-deps", "--no-build-isolation", "-w", folder),
            databases.ADDON,
        )
        (wheel,) = Path(folder).glob("*.whl")
        return wheel

    def test_wheel_installs_in_odoo(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        unknown = git_files("--others", "--exclude-standard")
        self.assertEqual(unknown, set(), "whool leaves out what Git does not know")
        wheel = self.build(folder)
        self.assertIn(databases.manifest()["version"], wheel.name)
        with zipfile.ZipFile(wheel) as archive:
            prefix = f"odoo/addons/{ADDON}/"
            packed = {
                name.removeprefix(prefix)
                for name in archive.namelist()
                if name.startswith(prefix)
            }
        self.assertEqual(git_files() - packed, {"pyproject.toml"})
        self.pip("install", "--no-deps", "--target", folder / "site", wheel)
        self.install_from(folder / "site" / "odoo" / "addons")

    def test_copy_installs_in_odoo(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        shutil.copytree(databases.ADDON, folder / ADDON)
        self.install_from(folder)

    def install_from(self, addons):
        """Install with `addons` in place of the checkout, and see that it was used."""
        config = addons / "odoo.conf"
        lines = (ROOT / ".odoo" / "odoo.conf").read_text().splitlines()
        own = [line for line in lines if line.startswith("addons_path")]
        path = own[0].partition("=")[2].strip().split(",")
        path = [folder for folder in path if folder != str(ROOT)]
        lines = [line for line in lines if not line.startswith("addons_path")]
        lines.append(f"addons_path = {','.join([*path, str(addons)])}")
        config.write_text("\n".join(lines) + "\n")
        self.odoo("-c", config, "-i", ADDON)
        used = self.odoo(
            *("-c", config),
            program=("-m", "odoo", "shell"),
            script="import odoo.addons.customer_service_plan as m; print(m.__file__)",
        )
        self.assertIn(str(addons), used)
