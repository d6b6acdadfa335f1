"""Known faults of what we stand on: `python -m tests.audit` fails at one, and says where it cannot ask."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

TIMEOUT_S = 120
OUR_OWN = {"transitmap"}


def main() -> int:
    """1 where an installed package has a known fault; 0 where none has, or nobody could be asked."""
    command = [sys.executable, "-m", "pip_audit", "--local", "--format", "json", "--progress-spinner", "off"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return _not_audited(f"no answer within {TIMEOUT_S} s")
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        return _not_audited(last[:200])
    return judge(packages)


def judge(packages: list[dict[str, Any]]) -> int:
    """1 where one of these has a known fault; which and what mends it is said."""
    faults = [(package, fault) for package in packages for fault in package.get("vulns", ())]
    packages = [one for one in packages if one["name"] not in OUR_OWN]
    skipped = [one["name"] for one in packages if "skip_reason" in one]
    if len(skipped) == len(packages):
        return _not_audited(f"it knows none of {len(skipped)} packages")
    for package, fault in faults:
        mended = ", ".join(fault["fix_versions"]) or "no version yet"
        _say(f"{package['name']} {package['version']}: {fault['id']}, mended in {mended}")
    if skipped:
        _say(f"NOT AUDITED, unknown to the service: {', '.join(map(str, skipped))}")
    _say(f"{len(packages) - len(skipped)} packages audited, {len(faults)} known faults")
    return 1 if faults else 0


def _not_audited(why: str) -> int:
    _say(f"NOT AUDITED: the advisory service tells nothing here ({why}). Run `make audit` elsewhere.")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"transitmap audit: {line}\n")


if __name__ == "__main__":
    raise SystemExit(main())
