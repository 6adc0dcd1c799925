"""What is in each of our images, as CycloneDX 1.6: `python -m delivery.sbom` writes .local/sbom/<image>.cdx.json.

Each image is read as it was built: the Debian packages of its base, the Python packages of our own layer with the
hashes of the lock file, and for the tenant app the npm packages that the web app's bundle is made of. The edge is one
program from a wheel: its Go modules are told by the program itself, their licences by nobody.
The same image gives the same text. Licences of what lies in our own layers are judged as `delivery.licences` does.
"""

from __future__ import annotations

import base64
import email.message
import json
import re
import subprocess
import sys
import tempfile
import uuid
import zipfile
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.utils import canonicalize_name
from rooftree_local import sources, wheels

from delivery import ROOT, archive, licences

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rooftree_local.sources import Image

Component = dict[str, Any]
FOLDER = ROOT / ".local" / "sbom"
DISTRIBUTION = "debian-12"
STATUS = "var/lib/dpkg/status"
COPYRIGHT = re.compile(r"usr/share/doc/([^/]+)/copyright")
METADATA = re.compile(r"app/site-packages/[^/]+\.dist-info/METADATA")
PROGRAM = "usr/local/bin/traefik"


class Mismatch(Exception):
    """What an image holds is not what its lock file says."""


def licence_choice(licence: str) -> list[dict[str, Any]]:
    """A licence as CycloneDX writes it: an id, an expression, or words."""
    if not licence:
        return []
    if not licences.is_expression(licence):
        return [{"license": {"name": licence}}]
    if re.search(r"[\s()]", licence):
        return [{"expression": licence}]
    return [{"license": {"id": licence}}]


def component(purl: str, name: str, version: str, choices: list[dict[str, Any]], **more: Any) -> Component:
    """One package; its purl is also the name by which others refer to it."""
    found = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl, **more}
    return found | ({"licenses": choices} if choices else {})


def debian(files: dict[str, bytes]) -> list[Component]:
    """The installed packages that dpkg knows of, with the licences that their copyright files name."""
    found = []
    for block in files.get(STATUS, b"").decode().split("\n\n"):
        fields = email.message_from_string(block)
        if not fields["Package"] or fields["Status"] != "install ok installed":
            continue
        name, version = fields["Package"], fields["Version"]
        purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={fields['Architecture']}&distro={DISTRIBUTION}"
        text = files.get(f"usr/share/doc/{name}/copyright", b"").decode(errors="replace")
        found.append(component(purl, name, version, [{"license": {"name": one}} for one in debian_licences(text)]))
    return found


def debian_licences(text: str) -> list[str]:
    """The licences of a copyright file: its `License` fields, or the common licences that free text leads to."""
    fields = re.findall(r"^License:[ \t]*(\S.*?)\s*$", text, re.M)
    return sorted({*fields} or {*re.findall(r"/usr/share/common-licenses/([A-Za-z0-9.-]*[A-Za-z0-9])", text)})


def python(image: Image, files: dict[str, bytes]) -> list[Component]:
    """The packages of the image's lock file with their hashes; Mismatch unless the image holds exactly these."""
    installed = [email.message_from_bytes(content) for path, content in files.items() if METADATA.fullmatch(path)]
    # The edge's wheel is unpacked while it is built; what is left is its program.
    told = installed or [_of_wheel(wheel) for wheel in sorted(wheels.house(image.requirements).glob("*.whl"))]
    by_name = {canonicalize_name(one["Name"]): one for one in told}
    locked = {one["name"]: one for one in _locked(image.requirements)}
    wanted = {name: one["version"] for name, one in locked.items()}
    if wanted != {name: one["Version"] for name, one in by_name.items()}:
        differing = sorted(wanted.keys() ^ by_name.keys()) or "versions"
        raise Mismatch(f"{image.name} does not hold what requirements/{image.requirements}.txt says: {differing}")
    return [
        component(
            f"pkg:pypi/{name}@{wanted[name]}",
            name,
            wanted[name],
            licence_choice(licences.of_metadata(by_name[name])),
            externalReferences=one["externalReferences"],
        )
        for name, one in sorted(locked.items())
    ]


def _of_wheel(path: Path) -> email.message.Message:
    with zipfile.ZipFile(path) as wheel:
        (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA") and name.count("/") == 1]
        return email.message_from_bytes(wheel.read(name))


@cache
def _locked(requirements: str) -> list[Component]:
    """The lock file by cyclonedx-py, without what is for other systems."""
    path = ROOT / "requirements" / f"{requirements}.txt"
    words = [
        sys.executable,
        "-m",
        "cyclonedx_py",
        "requirements",
        str(path),
        "--output-format=JSON",
        "--spec-version=1.6",
    ]
    done = subprocess.run([*words, "--output-reproducible"], capture_output=True, text=True, check=True)
    ours = {canonicalize_name(one.name) for one in licences.python_packages(path.read_text())}
    found = json.loads(done.stdout)["components"]
    return [one | {"name": canonicalize_name(one["name"])} for one in found if canonicalize_name(one["name"]) in ours]


def npm(lock: dict[str, Any]) -> list[Component]:
    """The packages of the web app's bundle with their hashes, by its lock file.

    Not by `npm sbom --omit=dev`: of npm 11 it leaves out what development packages need as well, React among it.
    """
    components = {}
    for path, package in lock["packages"].items():
        if licences.is_bundled(path, package):
            name, version = path.rpartition("node_modules/")[2], package["version"]
            purl = f"pkg:npm/{quote(name)}@{version}"
            algorithm, _, content = package["integrity"].partition("-")
            told = {"alg": algorithm.upper().replace("SHA", "SHA-"), "content": base64.b64decode(content).hex()}
            choices = licence_choice(package.get("license", ""))
            components[purl] = component(purl, name, version, choices, hashes=[told])
    return list(components.values())


def go_modules(program: bytes) -> list[Component]:
    """The modules that a Go program says it was built from."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(program)
        file.flush()
        told = subprocess.run(["go", "version", "-m", file.name], capture_output=True, text=True, check=True).stdout
    # A module that is replaced is followed by what replaces it.
    dependency = r"^\tdep\t(\S+)\t(v\S+).*(?:\n\t=>\t(\S+)\t(v\S+))?"
    modules = {
        (instead or name, other or version) for name, version, instead, other in re.findall(dependency, told, re.M)
    }
    return [component(f"pkg:golang/{name}@{version}", name, version, []) for name, version in sorted(modules)]


def document(image: Image, own: Iterable[Component], base: Iterable[Component]) -> dict[str, Any]:
    """The SBOM of an image: `own` is what our layers add to its base."""
    purl = f"pkg:oci/rooftree-{image.name}?tag={image.version}"
    kinds = [*(("own", one) for one in own), *(("base", one) for one in base)]
    components = {
        one["bom-ref"]: one | {"properties": [{"name": "rooftree:layer", "value": kind}]} for kind, one in kinds
    }
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, purl)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "container",
                "bom-ref": purl,
                "name": f"rooftree-{image.name}",
                "version": image.version,
                "description": image.description,
                "purl": purl,
            }
        },
        "components": list(components.values()),
        "dependencies": [{"ref": purl, "dependsOn": list(components)}],
    }


def invalid(text: str) -> str | None:
    """Why a text is no CycloneDX 1.6, if so."""
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    return None if error is None else str(error)


def of_image(image: Image) -> dict[str, Any]:
    """Reads an image and gives its SBOM."""

    def wanted(path: str) -> bool:
        return path in {STATUS, PROGRAM} or bool(COPYRIGHT.fullmatch(path) or METADATA.fullmatch(path))

    files = archive.files(image.archive, wanted)
    if STATUS not in files:
        raise Mismatch(f"{image.name} has no {STATUS}: its base is none of Debian's")
    own = [*python(image, files), *(npm(licences.package_lock()) if image.has_frontend else [])]
    own += go_modules(files[PROGRAM]) if PROGRAM in files else []
    return document(image, own, debian(files))


def judged(bom: dict[str, Any]) -> list[str]:
    """What the licence gate says of the Python and npm packages in our own layers."""
    packages = [
        licences.Package(ecosystem, one["name"], one["version"], _licence(one))
        for one in bom["components"]
        if {"name": "rooftree:layer", "value": "own"} in one["properties"]
        for ecosystem in [one["purl"].removeprefix("pkg:").partition("/")[0]]
        if ecosystem in {"pypi", "npm"}
    ]
    return licences.findings(packages, licences.reviewed())


def _licence(one: Component) -> str:
    return " AND ".join(
        choice.get("expression") or choice["license"].get("id") or choice["license"]["name"]
        for choice in one.get("licenses", [])
    )


def main() -> int:
    """Writes one file for each image; 1 when one is no CycloneDX or holds what may not ship."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = []
    for image in sources.IMAGES:
        bom = of_image(image)
        text = json.dumps(bom, indent=1, sort_keys=True) + "\n"
        path = FOLDER / f"{image.name}.cdx.json"
        path.write_text(text)
        found += [f"{image.name}: {finding}" for finding in [*judged(bom), *filter(None, [invalid(text)])]]
        print(f"{path.relative_to(ROOT)}: {len(bom['components'])} components")
    print("\n".join(found) or "licences of what lies in our own layers are good")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
