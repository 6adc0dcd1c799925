"""The licences of all that ships in our images, by their lock files, and the gate: nothing GPL or AGPL.

Python: requirements/<image>.txt, with the metadata of the packages as they are installed here. npm: what the web app's
bundle is made of, by frontend/package-lock.json. The Debian base is listed in the SBOMs, not judged here.
A package that offers a choice is good when one of its licences is. One without a licence that can be read is a finding,
until requirements/licences.toml says what a person has found. LGPL is neither GPL nor AGPL.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from license_expression import AND, OR, ExpressionError, get_spdx_licensing
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rooftree_local import sources

from delivery import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from email.message import Message

REVIEWED = ROOT / "requirements" / "licences.toml"
PACKAGE_LOCK = ROOT / "frontend" / "package-lock.json"
FORBIDDEN = re.compile(r"\bA?GPL\b|(?<!lesser )(?<!library )\bgeneral public licen[cs]e\b", re.I)
SPDX = get_spdx_licensing()
# Python's classifiers that are not the name of their SPDX licence.
CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
}
# What authors write in the field that is free text.
FREE_TEXT = {
    "Apache 2": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "MIT License": "MIT",
    "3-Clause BSD License": "BSD-3-Clause",
}


@dataclass(frozen=True, order=True)
class Package:
    """One package that ships, with its licence as an SPDX expression, as its author's words, or empty."""

    ecosystem: str
    name: str
    version: str
    licence: str


def python_packages(requirements: str) -> list[Requirement]:
    """The pinned packages of a compiled requirements file that are for our images' Python and system."""
    lines = re.findall(r"^([A-Za-z0-9][^\\#\n]*?==[^\\#\n]*?)\s*\\?$", requirements, re.M)
    pinned = [Requirement(line) for line in lines]
    return [one for one in pinned if one.marker is None or one.marker.evaluate({"python_version": "3.11"})]


def of_metadata(metadata: Message | Any) -> str:
    """The licence that a Python package's metadata tells: its expression, free text that is one, or its classifiers."""
    expression = metadata.get("License-Expression") or ""
    text = (metadata.get("License") or "").strip()
    text = FREE_TEXT.get(text, text)
    if expression or is_expression(text):
        return expression or text
    names = [
        line.rpartition(" :: ")[2]
        for line in metadata.get_all("Classifier") or []
        if line.startswith("License :: ") and not line.endswith("OSI Approved")
    ]
    # Several classifiers may mean a choice, or that all hold: the stricter reading.
    return " AND ".join(sorted(CLASSIFIERS.get(name, name) for name in names))


def is_expression(text: str) -> bool:
    """Whether the text is an SPDX expression of known licences."""
    try:
        return bool(text) and not SPDX.validate(text).errors
    except ExpressionError:
        return False


def is_forbidden(licence: str) -> bool:
    """Whether the licence leaves nothing but GPL or AGPL; words that are no expression are searched for their names."""
    return _is_forbidden(SPDX.parse(licence)) if is_expression(licence) else bool(FORBIDDEN.search(licence))


def _is_forbidden(expression: Any) -> bool:
    if isinstance(expression, OR):
        return all(_is_forbidden(one) for one in expression.args)
    if isinstance(expression, AND):
        return any(_is_forbidden(one) for one in expression.args)
    # "GPL-2.0-or-later WITH Classpath-exception-2.0" too: whether an exception is enough is for a person to say.
    return bool(re.match(r"A?GPL", str(expression)))


def of_python(requirements: str) -> list[Package]:
    """The packages of a requirements file; a licence is known only of the very version that is installed here."""
    found = []
    for requirement in python_packages(requirements):
        version = next(iter(requirement.specifier)).version
        try:
            metadata = importlib.metadata.metadata(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            metadata = None
        known = metadata is not None and metadata["Version"] == version
        found.append(
            Package("pypi", canonicalize_name(requirement.name), version, of_metadata(metadata) if known else "")
        )
    return found


def of_npm(lock: dict[str, Any]) -> list[Package]:
    """What the bundle is made of: the packages of a lock file that are not for development only."""
    return [
        Package("npm", path.rpartition("node_modules/")[2], package["version"], package.get("license", ""))
        for path, package in lock["packages"].items()
        if is_bundled(path, package)
    ]


def is_bundled(path: str, package: dict[str, Any]) -> bool:
    """Whether an entry of the lock file is a package that may come into the bundle."""
    return bool(path) and not package.get("dev")


def package_lock() -> dict[str, Any]:
    """The web app's lock file."""
    return json.loads(PACKAGE_LOCK.read_text())


def shipped() -> list[Package]:
    """All packages of all images, once each."""
    files = sorted({image.requirements for image in sources.IMAGES})
    python = [one for file in files for one in of_python((ROOT / "requirements" / f"{file}.txt").read_text())]
    return sorted({*python, *of_npm(package_lock())})


def reviewed() -> dict[tuple[str, str], dict[str, str]]:
    """What persons have found, by ecosystem and name."""
    return {(one["ecosystem"], one["name"]): one for one in tomllib.loads(REVIEWED.read_text()).get("package", [])}


def findings(packages: Iterable[Package], exceptions: dict[tuple[str, str], dict[str, str]]) -> list[str]:
    """Packages that may not ship, or of which nobody knows."""
    found = []
    for package in packages:
        name = f"{package.ecosystem} {package.name} {package.version}"
        if (package.ecosystem, package.name) in exceptions or is_good(package.licence):
            continue
        if is_forbidden(package.licence):
            found.append(f"{name} is under {package.licence}: nothing GPL or AGPL ships")
        else:
            told = package.licence or "nothing"
            found.append(f"{name}: no licence that can be read ({told}); look, and say it in {REVIEWED.name}")
    return found


def is_good(licence: str) -> bool:
    """Whether a licence can be read and lets us ship the package."""
    return is_expression(licence) and not is_forbidden(licence)


def unneeded(packages: Iterable[Package], exceptions: dict[tuple[str, str], dict[str, str]]) -> list[str]:
    """Exceptions that nothing needs: they would let through what comes later under the name."""
    needed = {(one.ecosystem, one.name) for one in packages if not is_good(one.licence)}
    return [f"{REVIEWED.name}: {ecosystem} {name} needs no exception" for ecosystem, name in exceptions.keys() - needed]


def main() -> int:
    """Prints how many packages are under which licence, and every finding; 1 when there is one."""
    packages, exceptions = shipped(), reviewed()
    told = [exceptions.get((one.ecosystem, one.name), {}).get("licence", one.licence) or "unknown" for one in packages]
    for licence, count in Counter(told).most_common():
        print(f"{count:5}  {licence}")
    found = [*findings(packages, exceptions), *unneeded(packages, exceptions)]
    print("\n".join(found) or f"{len(packages)} packages ship; none is under GPL or AGPL")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
