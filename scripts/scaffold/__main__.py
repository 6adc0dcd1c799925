"""`make new-module NAME=scheduling RECORD=appointment`: see the package."""

import argparse
import sys
from pathlib import Path

from scaffold.names import Refused
from scaffold.plan import names_for, planned
from scaffold.writing import write

_ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(prog="scaffold", description="Write a new module of the app.")
    parser.add_argument("name", help="the module: one word of lower-case letters, such as scheduling")
    parser.add_argument("--record", help="what it keeps, such as appointment; else the singular of the name")
    parser.add_argument("--root", type=Path, default=_ROOT, help="another tree than this one")
    arguments = parser.parse_args()
    root: Path = arguments.root.resolve()
    try:
        names = names_for(root, arguments.name, arguments.record)
        write(root, plan := planned(root, names))
    except Refused as error:
        sys.stderr.write(f"No module is made. {error}\n")
        return 1
    words = names.words()
    print(f"The module {names.module} keeps {words['many']}: {len(plan)} files written or changed, and generated ones.")
    print("Look at them by `git status` and `git diff`, then: git add -A && make check test-unit test-web")
    print(f"Its page is /{words['path']}, its API /api/v1/{words['path']}; CONTRIBUTING.md says how it gets a field.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
