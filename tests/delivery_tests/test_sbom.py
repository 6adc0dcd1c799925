"""What the SBOMs say is what the images hold, in the format's own words."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from delivery import archive, licences, sbom
from rooftree_local import sources

STATUS = """\
Package: libssl3
Status: install ok installed
Architecture: amd64
Version: 3.0.17-1~deb12u2
Description: library
 with a second line

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: libgcc-s1
Status: install ok installed
Architecture: amd64
Version: 12.2.0-14
"""
COPYRIGHT = "Format: https://www.debian.org/doc/\n\nFiles: *\nLicense: Apache-2.0\n\nFiles: x\nLicense: GPL-2+\n text\n"
Layer = dict[str, str | tuple[str]]


def tar(files: Layer) -> bytes:
    """A layer; a tuple is a symbolic link to its only member."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as file:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            if isinstance(text, tuple):
                member.type, member.linkname = tarfile.SYMTYPE, text[0]
                file.addfile(member)
            else:
                member.size = len(text.encode())
                file.addfile(member, io.BytesIO(text.encode()))
    return content.getvalue()


def image(path: Path, *layers: Layer) -> Path:
    names = [f"{number}.tar" for number in range(len(layers))]
    with tarfile.open(path, "w") as file:
        for name, content in [
            *((name, tar(layer)) for name, layer in zip(names, layers, strict=True)),
            ("manifest.json", json.dumps([{"Layers": names}]).encode()),
        ]:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return path


def metadata(name: str, version: str, licence: str) -> str:
    return f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\nLicense-Expression: {licence}\n\ntext\n"


BASE: Layer = {
    "./var/lib/dpkg/status": STATUS,
    "./usr/share/doc/libssl3/copyright": COPYRIGHT,
    "./usr/share/doc/gcc-12-base/copyright": "see /usr/share/common-licenses/GPL-3.\n",
    "./usr/share/doc/libgcc-s1": ("gcc-12-base",),
    "./etc/passwd": "root",
}


def installed() -> Layer:
    """The layer that the sample feed's lock file leads to."""
    text = (sbom.ROOT / "requirements" / "mls-feed.txt").read_text()
    layer: Layer = {}
    for one in licences.python_packages(text):
        version = next(iter(one.specifier)).version
        layer[f"app/site-packages/{one.name}-{version}.dist-info/METADATA"] = metadata(one.name, version, "MIT")
    return layer


@pytest.fixture
def feed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the sample feed's image is looked for."""
    path = tmp_path / "feed.tar"
    monkeypatch.setattr(sources.Image, "archive", property(lambda _: path))
    return path


def names(bom: dict[str, Any], layer: str) -> set[str]:
    wanted = {"name": "rooftree:layer", "value": layer}
    return {one["name"] for one in bom["components"] if wanted in one["properties"]}


def test_an_images_packages_are_listed_with_licences_and_hashes_in_the_formats_shape(feed: Path) -> None:
    image(feed, BASE, installed())
    bom = sbom.of_image(sources.MLS_FEED)
    assert sbom.invalid(json.dumps(bom)) is None
    assert names(bom, "base") == {"libssl3", "libgcc-s1"}
    assert {"starlette", "pillow", "uvicorn"} <= names(bom, "own")
    by_name = {one["name"]: one for one in bom["components"]}
    assert by_name["libssl3"]["purl"].startswith("pkg:deb/debian/libssl3@3.0.17-1~deb12u2?arch=amd64")
    assert by_name["libssl3"]["licenses"] == [{"license": {"name": "Apache-2.0"}}, {"license": {"name": "GPL-2+"}}]
    assert by_name["libgcc-s1"]["licenses"] == [{"license": {"name": "GPL-3"}}]
    assert by_name["starlette"]["licenses"] == [{"license": {"id": "MIT"}}]
    assert by_name["starlette"]["externalReferences"][0]["hashes"][0]["alg"] == "SHA-256"
    assert bom["metadata"]["component"]["version"] == sources.MLS_FEED.version
    assert sbom.judged(bom) == []


def test_the_same_image_gives_the_same_text(feed: Path) -> None:
    image(feed, BASE, installed())
    assert sbom.of_image(sources.MLS_FEED) == sbom.of_image(sources.MLS_FEED)


def test_gpl_in_our_own_layer_is_found_and_in_the_base_only_listed(feed: Path) -> None:
    layer = installed()
    path = next(path for path in layer if "starlette" in path)
    layer[path] = str(layer[path]).replace("MIT", "AGPL-3.0-only")
    image(feed, BASE, layer)
    (finding,) = sbom.judged(sbom.of_image(sources.MLS_FEED))
    assert "starlette" in finding
    assert "AGPL-3.0-only" in finding


@pytest.mark.parametrize("change", ["missing", "extra", "other version"])
def test_an_image_that_does_not_hold_what_its_lock_file_says_has_no_sbom(feed: Path, change: str) -> None:
    layer = installed()
    path = next(path for path in layer if "uvicorn" in path)
    if change == "missing":
        del layer[path]
    elif change == "extra":
        layer["app/site-packages/gift-1.dist-info/METADATA"] = metadata("gift", "1", "MIT")
    else:
        layer[path] = metadata("uvicorn", "0.0.1", "MIT")
    image(feed, BASE, layer)
    with pytest.raises(sbom.Mismatch, match="mls-feed"):
        sbom.of_image(sources.MLS_FEED)


def test_an_image_without_debian_has_no_sbom(feed: Path) -> None:
    image(feed, {"etc/passwd": "root"}, installed())
    with pytest.raises(sbom.Mismatch, match="Debian"):
        sbom.of_image(sources.MLS_FEED)


def test_the_bundles_packages_are_those_of_the_lock_file_with_their_licences() -> None:
    found = {one["name"]: one for one in sbom.npm(licences.package_lock())}
    direct = json.loads((sbom.ROOT / "frontend" / "package.json").read_text())
    assert direct["dependencies"].keys() <= found.keys()
    assert not found.keys() & {"vite", "vitest", "typescript"}
    assert found["react"]["licenses"] == [{"license": {"id": "MIT"}}]
    assert all(one["hashes"][0]["alg"] == "SHA-512" for one in found.values())
    assert len(found["react"]["hashes"][0]["content"]) == 128


def test_later_layers_replace_and_remove_what_was_there(tmp_path: Path) -> None:
    path = image(
        tmp_path / "x.tar",
        {"a": "1", "b/c": "1", "b/d": "1", "e/f": "1", "g": "1"},
        {"a": "2", "b/.wh.c": "", "e/.wh..wh..opq": "", "e/h": "2"},
    )
    found = archive.files(path, lambda name: name != "g")
    assert found == {"a": b"2", "b/d": b"1", "e/h": b"2"}


@pytest.mark.parametrize(
    ("licence", "choice"),
    [
        ("MIT", [{"license": {"id": "MIT"}}]),
        ("MIT OR Apache-2.0", [{"expression": "MIT OR Apache-2.0"}]),
        ("as is", [{"license": {"name": "as is"}}]),
        ("", []),
    ],
)
def test_a_licence_is_an_id_an_expression_or_words(licence: str, choice: list[dict[str, Any]]) -> None:
    assert sbom.licence_choice(licence) == choice


def test_what_is_no_cyclonedx_is_told() -> None:
    bom = sbom.document(sources.EDGE, [sbom.component("pkg:x/y@1", "y", "1", [])], [])
    assert sbom.invalid(json.dumps(bom)) is None
    assert sbom.invalid(json.dumps(bom | {"components": [{"name": "y"}]})) is not None


def test_a_go_programs_modules_are_those_that_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "x: go1.26\n\tpath\tmain\n\tmod\tmain\t(devel)\n\tdep\tgolang.org/x/net\tv0.40.0\th1:a=\n"
    said += "\tdep\told\tv1.0.0\n\t=>\tnew\tv1.1.0\th1:b=\n"
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, said, ""))
    assert [one["purl"] for one in sbom.go_modules(b"")] == [
        "pkg:golang/golang.org/x/net@v0.40.0",
        "pkg:golang/new@v1.1.0",
    ]
