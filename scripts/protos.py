"""`python scripts/protos.py [--check]`: write `rooftree_pb` from the protos; `--check` fails on a difference."""

import argparse
import sys
import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[1]
PROTOS = ROOT / "tenant-app" / "proto"
PACKAGE = ROOT / "tenant-app" / "src" / "rooftree_pb"
_MARK = '"""Generated from `tenant-app/proto` by `make gen`: do not edit."""\n'


def generated(protos: Path = PROTOS) -> dict[str, str]:
    """File name → content of the whole package."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["protoc", f"-I{PACKAGE.name}={protos}", f"-I{resources.files('grpc_tools') / '_proto'}"]
        command += [f"--python_out={folder}", f"--pyi_out={folder}", *map(str, sorted(protos.glob("*.proto")))]
        if protoc.main(command) != 0:
            raise SystemExit("protoc refuses the protos; it has said why.")
        written = {file.name: file.read_text() for file in (Path(folder) / PACKAGE.name).iterdir()}
    return {"__init__.py": _MARK, **written}


def present(package: Path = PACKAGE) -> dict[str, str]:
    return {file.name: file.read_text() for file in package.glob("*.py*") if file.is_file()}


def main() -> int:
    parser = argparse.ArgumentParser(description="Write or check the modules that are generated from protos.")
    parser.add_argument("--check", action="store_true")
    wanted, found = generated(), present()
    if parser.parse_args().check:
        differing = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        if differing:
            sys.stderr.write(f"Differs from the protos: {', '.join(differing)}. Run `make gen`.\n")
        return 1 if differing else 0
    PACKAGE.mkdir(exist_ok=True)
    for name in found.keys() - wanted.keys():
        (PACKAGE / name).unlink()
    for name, content in wanted.items():
        (PACKAGE / name).write_text(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
