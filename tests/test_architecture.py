"""The house keeps its shape: imports one way, one door a library, short functions, folders show the flow."""

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(p for top in ("transitmap", "webapp") for p in (ROOT / top).rglob("*.py"))
NAMES = [p.relative_to(ROOT).as_posix() for p in SOURCES]
ENGINE = [name for name in NAMES if name.startswith("transitmap/")]
MAX_LINES = 50
MEDIAN_LINES = 10

DOORS = {
    "sqlalchemy": ("transitmap/store/", "transitmap/migrations/"),
    "alembic": ("transitmap/store/", "transitmap/migrations/"),
    "partridge": ("transitmap/gtfs/read.py",),
    "gtfs_validator": ("transitmap/gtfs/validate/canonical.py",),
    "gtfs_analyzer": ("transitmap/gtfs/validate/analyzer.py",),
    "pandas": ("transitmap/gtfs/read.py",),
    "networkx": ("transitmap/infer/", "transitmap/simulate/"),
    "sklearn": ("transitmap/infer/",),
    "gpxpy": ("transitmap/simulate/", "transitmap/own_data.py", "transitmap/gtfs/export/gpx.py"),
    "fastkml": ("transitmap/gtfs/export/kml.py",),
    "fitdecode": ("transitmap/collect/formats/fit.py",),
    "orjson": ("transitmap/collect/formats/json_text.py",),
    "jinja2": ("transitmap/gtfs/export/timetable.py", "transitmap/campaigns/report.py"),
    "pyarrow": ("transitmap/gtfs/export/geoparquet.py",),
    "pyogrio": ("transitmap/gtfs/export/geopackage.py",),
    "zstandard": ("transitmap/archive.py",),
    "werkzeug": ("webapp/", "transitmap/collect/clients/decode.py"),
    "fsspec": ("transitmap/archive.py",),
    "argon2": ("transitmap/passwords.py",),
    "zxcvbn": ("transitmap/passwords.py",),
    "cryptography": ("transitmap/campaigns/signing.py",),
    "typst": ("transitmap/campaigns/report.py", "transitmap/card.py"),
    "tzfpy": ("transitmap/infer/times/clock.py",),
    "osmium": ("transitmap/streets.py",),
    "joblib": ("transitmap/build.py",),
    "click": ("transitmap/cli/",),
    "rich": ("transitmap/cli/progress.py",),
    "flask": ("webapp/",),
    "itsdangerous": ("webapp/phone_keys.py",),
    "segno": ("webapp/qr.py",),
    "waitress": ("webapp/serve.py",),
}
"""Who may import a library: everybody else goes through the door."""

HEAVY = ("sklearn", "pandas", "partridge", "networkx", "scipy")
"""Imported inside functions only: `transitmap --help` must not wait for them."""

BASE = {"model", "errors", "geo", "config", "svg", "cells", "chain", "strict_toml"}
LAYERS = {
    "transitmap.model": set(),
    "transitmap.errors": set(),
    "transitmap.chain": set(),
    "transitmap.geo": {"model"},
    "transitmap.svg": {"model"},
    "transitmap.config": {"errors"},
    "transitmap.strict_toml": {"errors"},
    "transitmap.archive": BASE,
    "transitmap.store": BASE,
    "transitmap.collect": BASE,
    "transitmap.infer": BASE,
    "transitmap.gtfs": BASE,
    "transitmap.points": BASE,
    "transitmap.simulate": BASE,
    "transitmap.pipeline": BASE | {"collect", "infer", "gtfs"},
    "transitmap.report": BASE | {"gtfs"},
    "transitmap.evaluate": BASE | {"gtfs"},
}
"""What a part may import of the rest of transitmap. Parts not named here stand above all of these."""

STAGES = {
    "transitmap/infer": (
        "areas copies labels legs lines patterns patterns_known routes sayings shapes sightings sketches "
        "stops strays stretches times traffic trips vehicles witnesses"
    ),
    "transitmap/gtfs": "admit carry_ids claim_ids diff evidence export feed pack read validate",
    "transitmap/points": (
        "campaigns equity evidence forecast labels levels missions prizes review rules score "
        "settle standings suspicion voices"
    ),
}
"""Folders whose listing is the flow."""


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path) -> list[tuple[str, bool]]:
    """(module, is it imported when the file is) of every import of a file outside TYPE_CHECKING."""
    tree = parse(path)
    skipped = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
    at_top = {id(node) for node in tree.body}
    found = []
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in at_top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import in line {node.lineno}"
            assert all(alias.name != "*" for alias in node.names), (
                f"{path.name}: import * in line {node.lineno}"
            )
            found += [(f"{node.module}.{alias.name}", id(node) in at_top) for alias in node.names]
    return found


@cache
def functions(path: Path) -> list[tuple[str, int]]:
    return [
        (node.name, (node.end_lineno or 0) - node.lineno)
        for node in ast.walk(parse(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def test_a_file_says_its_job_in_its_first_line():
    told = {name: (ast.get_docstring(parse(ROOT / name)) or "").partition("\n")[0] for name in NAMES}
    assert [name for name, line in told.items() if not line.endswith(".")] == []


def test_no_function_is_too_long():
    long = [(name, *one) for name in NAMES for one in functions(ROOT / name) if one[1] > MAX_LINES]
    assert long == []


def test_the_median_function_is_short():
    lengths = sorted(lines for path in SOURCES for _, lines in functions(path))
    assert lengths[len(lengths) // 2] < MEDIAN_LINES


def test_libraries_come_through_their_door():
    wrong = [
        f"{name} imports {module}"
        for name in NAMES
        for module, _ in imports(ROOT / name)
        if not name.startswith(DOORS.get(module.split(".")[0], name))
    ]
    assert wrong == []


def test_heavy_libraries_are_imported_where_they_are_used():
    heavy = [
        f"{name} imports {module} at the top"
        for name in ENGINE
        for module, at_top in imports(ROOT / name)
        if at_top and module.split(".")[0] in HEAVY
    ]
    assert heavy == []


def test_the_engine_knows_no_web():
    web = [
        (name, module)
        for name in ENGINE
        for module, _ in imports(ROOT / name)
        if module.split(".")[0] in ("webapp", "flask")
    ]
    assert web == [("transitmap/cli/service.py", "webapp.serve.serve")]


def test_imports_go_one_way():
    wrong = [f"{name} imports {imported}" for name in ENGINE for imported in against_the_way(name)]
    assert wrong == []


def against_the_way(name: str) -> list[str]:
    """What a file imports of transitmap that its layer may not."""
    module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    layer = next((part for part in LAYERS if module == part or module.startswith(part + ".")), None)
    if layer is None:
        return []
    allowed = LAYERS[layer] | {layer.split(".")[1]}
    ours = [imported for imported, _ in imports(ROOT / name) if imported.startswith("transitmap.")]
    return [imported for imported in ours if imported.split(".")[1] not in allowed]


@pytest.mark.parametrize("folder", STAGES)
def test_a_stage_imports_no_other_stage(folder):
    stages = STAGES[folder].split()
    package = folder.replace("/", ".")
    for path in (ROOT / folder).rglob("*.py"):
        own = path.relative_to(ROOT / folder).parts[0].removesuffix(".py")
        for imported, _ in imports(path):
            for stage in stages:
                target = f"{package}.{stage}"
                is_stage = imported == target or imported.startswith(target + ".")
                assert not is_stage or stage == own, f"{path.name} ({own}) imports stage {stage}"


@pytest.mark.parametrize("folder", STAGES)
def test_listing_a_folder_shows_the_flow(folder):
    stages = STAGES[folder].split()
    assert stages == sorted(stages)
    there = {p.name.removesuffix(".py") for p in (ROOT / folder).iterdir() if p.suffix == ".py" or p.is_dir()}
    there -= {"__init__", "__pycache__"}
    assert there == set(stages), f"{folder} holds {sorted(there)}"


ALONE = """
import importlib, json, os, sys, warnings
import alembic, click, flask, flask_babel, flask_login, flask_smorest, flask_wtf, numpy.typing, sqlalchemy.orm
import concurrent.futures.thread, multiprocessing, sqlalchemy.dialects.sqlite, statistics, waitress.server
import xml.dom.minidom, xml.etree.ElementTree, xml.parsers.expat, zstandard
warnings.simplefilter("error")
behind = json.loads(sys.argv[1])

def try_all(first):
    for module in behind.get(first, []):
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            continue
        try:
            assert module not in sys.modules or module.startswith(f"{first}."), f"{first} imports it"
            importlib.import_module(module)
            try_all(module)
        except BaseException as error:
            print(module, repr(error), flush=True)
        os._exit(0)

try_all("")
"""


def test_every_module_can_be_imported_alone_and_does_nothing(tmp_path):
    """Each in a process that holds nothing of ours: no order is needed, nothing printed, no file made.

    Or holds what the module itself imports first, which comes to the same and is imported once for all of
    those modules.
    """
    modules = [name for name in NAMES if not name.startswith("transitmap/migrations/")]
    behind = {}
    for name in modules:
        behind.setdefault(first_of_ours(name), []).append(module_of(name))
    done = subprocess.run(
        [sys.executable, "-c", ALONE, json.dumps(behind)], capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
    assert sum(map(len, behind.values())) == len(modules) and set(behind) <= {"", *map(module_of, modules)}


def module_of(name: str) -> str:
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def first_of_ours(name: str) -> str:
    """The module of ours that importing this one imports first: its folder's, or one it names; or none."""
    path = ROOT / name
    folder = path.parent / "__init__.py"
    if path != folder and own_imports(folder):
        return module_of(folder.relative_to(ROOT).as_posix())
    return next(iter(own_imports(path)), "")


def own_imports(path: Path) -> list[str]:
    """Modules of ours that a file names at its top, in order."""
    named = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            named += [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            within = [f"{node.module}.{one.name}" for one in node.names]
            named += [one for one in within if one in MODULES] or [node.module]
    return [one for one in named if one in MODULES]


MODULES = {module_of(name) for name in NAMES}


def test_help_needs_no_heavy_library():
    code = (
        "import sys; from transitmap.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        f"print([m for m in {HEAVY + ('numpy', 'flask', 'sqlalchemy')!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
