"""What a new module changes: the content of every file, by its path. Reads the tree and writes nothing."""

import json
import re
from pathlib import Path

from scaffold.insertion import AnchorMissing
from scaffold.names import Names, Refused, Text, named
from scaffold.registries import ENTRIES

TEMPLATES = Path(__file__).parent / "templates"
_REVISION = re.compile(r"([a-z]+)\d{4}_")
# By the path below the tree's root.
Plan = dict[str, str]


def names_for(root: Path, module: str, record: str | None) -> Names:
    """Raises `Refused` for what is no name, or means something already."""
    revisions = (root / "tenant-app/src/rooftree").glob("**/migrations/versions/*.py")
    prefixes = {found[1] for file in revisions if (found := _REVISION.match(file.name))}
    names = named(module, record, prefixes=prefixes)
    if (root / "tenant-app/src/rooftree/modules" / module).exists():
        raise Refused(f"There is a module {module} already.")
    _require_new(root, names)
    return names


def _require_new(root: Path, names: Names) -> None:
    words = names.words()
    described = json.loads((root / "tenant-app/openapi/openapi.json").read_text())
    paths = {path.removeprefix("/api/v1/").split("/")[0] for path in described["paths"]}
    known = {
        "the policy": bool(re.search(rf"^{names.record}[.:]", _read(root, "contracts/access/policy.py"), re.M)),
        "the API's paths": words["path"] in paths,
        "the API's schemas": words["Record"] in described["components"]["schemas"],
        "the pages": f'path: "{words["path"]}' in (root / "frontend/src/app/router.tsx").read_text(),
        "the pages' types": bool(
            re.search(rf"\btype {words['Record']}\b", (root / "frontend/src/shared/api/types.ts").read_text())
        ),
    }
    if taken := [where for where, is_known in known.items() if is_known]:
        raise Refused(f"RECORD={names.record} is known to {', '.join(taken)} already.")


def _read(root: Path, name: str) -> str:
    return (root / "tenant-app/src/rooftree" / name).read_text()


def planned(root: Path, names: Names) -> Plan:
    """Templates with the module's words, and files in which it is registered. Raises `Refused`."""
    words, plan = names.words(), Plan()
    for template in sorted(TEMPLATES.rglob("*.tmpl")):
        path = names.path(template.relative_to(TEMPLATES).as_posix())
        if (root / path).exists():
            raise Refused(f"{path} is there already.")
        plan[path] = Text.render(template.read_text(), words)
    for entry in ENTRIES:
        content = plan.get(entry.path) or (root / entry.path).read_text()
        try:
            plan[entry.path] = entry.place(content, Text.render(entry.text, words))
        except AnchorMissing as error:
            raise Refused(f"{entry.path} has changed: {error}. Mend scripts/scaffold/registries.py.") from error
    return plan
