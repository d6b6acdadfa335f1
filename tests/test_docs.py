"""The words about the project are true of the code."""

import re
from pathlib import Path

import click
import pytest

from transitmap.campaigns.settings import read_settings
from transitmap.cli import main
from transitmap.config import load_config
from transitmap.points.rules import published_text

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands(group, words=("transitmap",)):
    for name, command in group.commands.items():
        yield (*words, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))


@pytest.mark.parametrize(
    ("words", "command"), list(commands(main)), ids=lambda x: " ".join(x) if isinstance(x, tuple) else ""
)
def test_every_verb_is_in_the_readme_and_helps(words, command):
    assert f"transitmap {words[1]}" in README
    assert words[-1] in README
    assert command.help and command.help.endswith(".")
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{' '.join(words)} {option.name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    for target in links(page):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_there_are_links_to_follow():
    """Or the test above would say nothing: most pages have none."""
    assert {"CONTRIBUTING.md", "docs/figures.md"} <= {target for page in PAGES for target in links(page)}


def links(page):
    """Links of a page to other files of the project."""
    return re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_pages_name_exist(page):
    text = page.read_text(encoding="utf-8")
    for module in re.findall(r"python -m ((?:benchmarks|tests|webapp)\.\w+)", text):
        assert (ROOT / f"{module.replace('.', '/')}.py").exists(), f"{page.name} names {module}"
    for path in re.findall(r"(?:python|pytest|`) ?((?:benchmarks|tests)/[\w/]+(?:\.py)?)", text):
        assert (ROOT / path).exists(), f"{page.name} names {path}"
    for verb, then in re.findall(r"`transitmap ([a-z]+) ?([a-z]*)", text):
        command = main.commands.get(verb)
        assert command is not None, f"{page.name} names transitmap {verb}"
        is_known = not isinstance(command, click.Group) or not then or then in command.commands
        assert is_known, f"{page.name} names transitmap {verb} {then}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_that_pages_name_exist(page):
    for line in told_commands(page):
        command, words = main, line.split("#")[0].split()[1:]
        while isinstance(command, click.Group) and words and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        known = {name for option in command.params for name in option.opts} | {"--help"}
        assert {word for word in words if word.startswith("--")} <= known, f"{page.name}: {line}"


def test_there_are_options_to_look_for():
    assert sum(line.count(" --") for page in PAGES for line in told_commands(page)) > 40


def told_commands(page):
    """What a page says to type, in a line of its own or between two marks."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r"(?:^|`)(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?(transitmap [^`\n]*)", text, re.MULTILINE)


def test_the_settings_that_pages_show_are_taken(tmp_path):
    (settings,) = blocks("operating.md")
    (tmp_path / "settings.toml").write_text(settings, encoding="utf-8")
    assert load_config(tmp_path / "settings.toml").feed.agency_name == "Rutas de Xalapa"
    (campaign,) = blocks("campaigns.md")
    assert read_settings(campaign, "America/Mexico_City", "", "", published_text()).slug == "rutas-2027"


def blocks(name):
    """What a page shows as TOML."""
    return re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / name).read_text(encoding="utf-8"), re.DOTALL)


def test_every_environment_variable_is_explained():
    read = set()
    for folder in ("transitmap", "webapp"):
        for path in (ROOT / folder).rglob("*.py"):
            read |= set(re.findall(r"TRANSITMAP_[A-Z_]+", path.read_text(encoding="utf-8")))
    assert read and all(name in README for name in read), read
