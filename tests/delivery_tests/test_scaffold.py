"""`make new-module`: what it writes passes the checks, and it writes all of that or nothing.

The tests that need backends, browsers or minutes run by `make test-scaffold`.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from scaffold import writing
from scaffold.insertion import AnchorMissing, after, before, ending_list_under, imported, last_in, sorted_into
from scaffold.names import Names, Refused, Text, named, plural, singular
from scaffold.plan import names_for, planned
from scaffold.registries import ENTRIES

ROOT = Path(__file__).resolve().parents[2]
APP_TESTS = "tenant-app/tests/app_tests"
# Names that no real module will have, the second ones as long as they may be; both in one tree.
MADE = (("parcels", None), ("horticulturalism", "flower_bed_allotment"))
# What tells of entries and generated documents that are missing, without a database.
GUARDS = (
    *("access/test_matrix.py", "access/test_policy.py", "manners/test_document.py", "plans/test_operations.py"),
    *("identity/test_permissions.py", "test_openapi.py", "test_problem_pages.py"),
)
# An entry of the second module, and the test that tells that it is missing.
PLANTED = {
    ("access/probes.py", ", *HORTICULTURALISM"): "test_every_operation_is_tried",
    ("manners/repeatable.py", '    "archive_flower_bed_allotment": "If-Match",\n'): "test_what_makes_something_can_be",
}


def copy_of_the_tree(target: Path) -> Path:
    """What is in git or could be, with the packages of this checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() and not (ROOT / name).is_symlink():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    (target / ".venv").symlink_to(ROOT / ".venv")
    (target / "frontend/node_modules").symlink_to(ROOT / "frontend/node_modules")
    (target / ".git").mkdir()
    run(target, "git", "init", "--quiet")
    (target / ".git/info/exclude").write_text("node_modules\n.venv\n")
    run(target, "git", "add", "--all")
    return target


def attempt(tree: Path, *command: str, folder: str = ".") -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(str(tree / name) for name in ("tenant-app/src", "scripts")),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return subprocess.run(
        command, cwd=tree / folder, env=os.environ | environment, capture_output=True, text=True, check=False
    )


def run(tree: Path, *command: str, folder: str = ".") -> str:
    done = attempt(tree, *command, folder=folder)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-8000:]}{done.stderr[-4000:]}"
    return done.stdout


@pytest.mark.timeout(600)  # two modules, each with all of its checks
def test_new_modules_pass_the_checks_and_a_registration_that_is_missing_is_noticed(tmp_path: Path) -> None:
    tree = copy_of_the_tree(tmp_path)
    for module, record in MADE:
        run(tree, sys.executable, "-m", "scaffold", module, *(["--record", record] if record else []))
    made = changed(tree)
    run(tree, "git", "add", "--all")
    with ThreadPoolExecutor(2) as threads:
        for check in [threads.submit(run, tree, *command, folder=folder) for folder, command in checks(made)]:
            check.result()
    for name, entry in PLANTED:
        content = (tree / APP_TESTS / name).read_text()
        assert content.count(entry) == 1, f"{entry!r} is not in {name}"
        (tree / APP_TESTS / name).write_text(content.replace(entry, ""))
    told = attempt(tree, *pytest_on(*GUARDS[:3]))
    failed = [line for line in told.stdout.splitlines() if line.startswith("FAILED")]
    assert {guard for guard in PLANTED.values() if any(f"::{guard}" in line for line in failed)} == {*PLANTED.values()}


def checks(made: list[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What `make check test-unit` asks of what was made, the longest first; each with its folder."""
    python = [name for name in made if name.endswith(".py") and "rooftree_pb" not in name]
    web = [name.removeprefix("frontend/") for name in made if name.startswith("frontend/") and "schema.d" not in name]
    yield ".", pytest_on(*(module for module, _ in MADE), *GUARDS)
    yield ".", (sys.executable, "-m", "pyright", "--warnings", *(name for name in python if "migrations" not in name))
    yield "frontend", ("npm", "run", "--silent", "build")  # types, and what a first visit may fetch
    yield ".", (sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")
    yield ".", (sys.executable, "-m", "rooftree.event_schemas", "--check")
    yield ".", (sys.executable, "scripts/protos.py", "--check")
    yield "frontend", ("node", "scripts/gen.mjs", "--check")
    yield "frontend", ("node", "scripts/boundaries.mjs")
    yield "frontend", ("node_modules/.bin/biome", "check", *web)
    documents = [f"../tenant-app/openapi/{module}.json" for module, _ in MADE]
    yield (
        "frontend",
        ("node_modules/.bin/redocly", "lint", "--config", "../tenant-app/openapi/redocly.yaml", *documents),
    )
    yield ".", (sys.executable, "-m", "ruff", "format", "--check", *python)
    yield ".", (sys.executable, "-m", "ruff", "check", *python)
    yield ".", (sys.executable, "scripts/lint/size.py")


def pytest_on(*places: str) -> tuple[str, ...]:
    flags = ("-q", "-rA", "-p", "no:cacheprovider", "-m", "not integration and not fuzz")
    return (sys.executable, "-m", "pytest", *flags, *(f"{APP_TESTS}/{place}" for place in places))


def changed(tree: Path) -> list[str]:
    """What is new or different."""
    return run(tree, "git", "ls-files", "--modified", "--others", "--exclude-standard").splitlines()


@pytest.mark.parametrize(
    ("module", "record", "why"),
    [
        ("crm", None, "There is a module crm already"),
        ("Scheduling", None, "no name"),
        ("open_houses", None, "no name"),
        ("visits2", None, "no name"),
        ("", None, "no name"),
        ("../visits", None, "no name"),
        ("class", None, "reserved"),
        ("jobs", None, "reserved"),
        ("table", None, "reserved"),
        ("x" * 17, None, "too long"),
        ("visits", "Visit", "no name"),
        ("visits", "visit_", "no name"),
        ("visits", "session", "reserved"),
        ("visits", "interface", "reserved"),
        ("visits", "person", "the policy"),
        ("visits", "photo", "the pages' types"),
    ],
)
def test_a_name_that_cannot_be_is_refused(module: str, record: str | None, why: str) -> None:
    with pytest.raises(Refused, match=why):
        names_for(ROOT, module, record)


def test_a_refusal_says_why_and_changes_nothing(tmp_path: Path) -> None:
    tree = copy_of_the_tree(tmp_path)
    told = attempt(tree, sys.executable, "-m", "scaffold", "crm")
    assert (told.returncode, told.stderr) == (1, "No module is made. There is a module crm already.\n")
    assert changed(tree) == []


def test_what_fails_halfway_leaves_the_tree_as_it_was(tmp_path: Path) -> None:
    tree = copy_of_the_tree(tmp_path)
    plan = planned(tree, names_for(tree, "parcels", None))
    plan["tenant-app/src/rooftree/modules/parcels/routes.py"] = "router = nothing\n"
    with pytest.raises(Refused, match=r"rooftree\.openapi"):
        writing.write(tree, plan)
    assert changed(tree) == []
    assert not (tree / "tenant-app/src/rooftree/modules/parcels").exists()
    assert not (tree / "frontend/src/features/parcels").exists()


@pytest.mark.parametrize("path", sorted({entry.path for entry in ENTRIES}))
def test_a_place_that_is_gone_is_told_by_its_file(tmp_path: Path, path: str) -> None:
    for name in {entry.path for entry in ENTRIES}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    names = named("parcels", None, prefixes=())
    assert path in planned(tmp_path, names)
    (tmp_path / path).write_text("nothing that is known\n")
    if path == "frontend/src/shared/api/types.ts":  # whose end is the place
        assert "Parcel" in planned(tmp_path, names)[path]
        return
    with pytest.raises(Refused, match=path):
        planned(tmp_path, names)


@pytest.mark.parametrize(
    ("many", "one"),
    [
        ("documents", "document"),
        ("properties", "property"),
        ("boxes", "box"),
        ("classes", "class"),
        ("branches", "branch"),
        ("keys", "key"),
        ("houses", "house"),
    ],
)
def test_names_follow_the_words(many: str, one: str) -> None:
    assert (plural(one), singular(many)) == (many, one)


def test_what_is_no_plural_names_its_records_itself() -> None:
    assert [singular(word) for word in ("scheduling", "cma", "status", "access")] == [
        *("scheduling", "cma", "status", "access")
    ]


def test_a_record_of_two_words_is_spelled_as_each_place_wants_it() -> None:
    words = Names("gardening", "open_house", "g").words()
    spelled = "§Module §MODULE §record §Record §records §Records §RECORDS §one §One §Many §kind §path §camel §camels"
    assert Text.render(spelled, words) == (
        "Gardening GARDENING open_house OpenHouse open_houses OpenHouses OPEN_HOUSES an open house An open house"
        " Open houses open-house open-houses openHouse openHouses"
    )
    with pytest.raises(KeyError):
        Text.render("§nothing", words)


def test_migrations_begin_with_what_no_other_module_has() -> None:
    assert named("commissions", None, prefixes={"c", "p"}).prefix == "co"
    assert named("commissions", None, prefixes={"c", "co"}).prefix == "com"
    with pytest.raises(Refused, match="begin with"):
        named("cm", None, prefixes={"c", "cm"})


def test_each_place_is_where_it_says() -> None:
    assert before("b")("a\nb\n", "x\n") == "a\nx\nb\n"
    assert after("a")("a\nb\n", "x\n") == "a\nx\nb\n"
    assert last_in("of = [")("of = [1, [2]]\n", "3") == "of = [1, [2], 3]\n"
    assert last_in("of = {")("of = {\n1,\n}\n", "3") == "of = {\n1,\n3,\n}\n"
    assert sorted_into("| [")("| a |\n| [b] |\n| [d] |\n", "| [c] |\n") == "| a |\n| [b] |\n| [c] |\n| [d] |\n"
    assert sorted_into("| [")("| [b] |\nend\n", "| [c] |\n") == "| [b] |\n| [c] |\nend\n"
    assert ending_list_under("## A\n### B")("## A\n### B\n- 1\n  and\n- 2\n\n## C\n", "- 3\n").endswith(
        "- 2\n- 3\n\n## C\n"
    )
    line = 'import { A, B } from "c";'
    assert imported("c")(line, "D") == 'import { A, B, D } from "c";'
    assert imported("c")(line, "B") == line
    assert imported("c")('import {\n  A,\n  B,\n} from "c";', "D") == 'import { A, B, D } from "c";'


@pytest.mark.parametrize("content", ["", "a\na\n"])
def test_an_anchor_must_be_there_once(content: str) -> None:
    for place in (before("a"), after("a"), last_in("a")):
        with pytest.raises(AnchorMissing):
            place(content, "x")
