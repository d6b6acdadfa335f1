"""What the tests need of their machine: installed at once, or one by one, or told loudly as missing."""

from __future__ import annotations

import subprocess

import pytest

from tests import machine


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What apt-get is asked for on a machine of root's; `strace` is not offered, nothing gets in."""
    commands: list[list[str]] = []

    def run(command: list[str], **more: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        stdout = "libfuse2t64\n" if command[-1] == "libfuse2t64" else ""
        return subprocess.CompletedProcess(command, int("strace" in command), stdout, "")

    monkeypatch.setattr(machine.subprocess, "run", run)
    monkeypatch.setattr(machine.os, "geteuid", lambda: 0)
    monkeypatch.setattr(machine.shutil, "which", lambda name: name if name == "apt-get" else None)
    monkeypatch.setattr(machine, "find_library", lambda name: None)
    return commands


def test_one_that_is_not_offered_does_not_cost_the_others(asked, capsys) -> None:
    assert machine.main() == 0
    installs = [command[4:] for command in asked if command[1] == "install"]
    everything = ["strace", "nginx", "faketime", "iproute2", "openssl", "chromium", "libfuse2t64"]
    assert installs == [everything, *([one] for one in everything)]
    told = capsys.readouterr().err
    assert "NO STRACE" in told
    assert "WILL BE SKIPPED" in told


def test_where_not_root_it_is_only_told(asked, monkeypatch, capsys) -> None:
    monkeypatch.setattr(machine.os, "geteuid", lambda: 1000)
    assert machine.main() == 0
    assert asked == []
    assert "NO BROWSER" in capsys.readouterr().err
