"""Every finding of the doctor comes with a remedy."""

from __future__ import annotations

import socket
import subprocess
from typing import TYPE_CHECKING

import pytest
from rooftree_local import doctor, jdk, packages, paths
from rooftree_local.cli import app
from typer.testing import CliRunner

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _empty_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "repository", lambda: tmp_path)
    monkeypatch.setenv("ROOFTREE_CACHE", str(tmp_path / "not" / "there" / "yet"))


def only(monkeypatch: pytest.MonkeyPatch, look: str) -> None:
    monkeypatch.setattr(doctor, "LOOKS", (getattr(doctor, look),))


def test_a_full_disk_is_told_with_the_way_to_use_another(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "_disk")
    monkeypatch.setattr(doctor, "DISK_NEEDED", 1 << 60)
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "ROOFTREE_CACHE" in result.output


def test_a_port_that_is_taken_is_told_with_the_way_to_find_by_whom(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "_ports")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(doctor.forward, "DOORS", {port: ("127.0.0.1", port)})
        result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert f"ss -ltnp 'sport = :{port}'" in result.output
    assert CliRunner().invoke(app, ["doctor"]).exit_code == 0


def test_names_that_lead_elsewhere_are_told_with_the_package_that_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "_names")
    monkeypatch.setattr(doctor, "EDGE_DOMAIN", "invalid")
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "apt-get install --yes --no-install-recommends libnss-myhostname" in result.output


def test_missing_packages_are_told_in_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "_packages")
    monkeypatch.setattr(doctor.packages, "NODE", {"one": "/no/such/file", "two": "no-such-program"})
    monkeypatch.setattr(doctor.packages, "BACKENDS", {})
    monkeypatch.setattr(doctor.packages, "MONITORING", {})
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "apt-get install --yes --no-install-recommends one two" in result.output


def installed(folder: Path, name: str, version: str, *, compiler: bool = True) -> Path:
    home = folder / name
    (home / "bin").mkdir(parents=True)
    (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    if compiler:
        (home / "bin" / "javac").touch()
    return home


def test_the_newest_jdk_is_taken_that_has_a_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jdk, "FOLDERS", tmp_path)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    installed(tmp_path, "java-17", "17.0.15")
    installed(tmp_path, "jre-26", "26", compiler=False)
    wanted = installed(tmp_path, "temurin-25", "25.0.3")
    assert jdk.find() == wanted
    monkeypatch.setenv("JAVA_HOME", str(installed(tmp_path / "own", "jdk", "21.0.1")))
    assert jdk.find() == tmp_path / "own" / "jdk"


def test_a_missing_jdk_is_told_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "_java")
    monkeypatch.setattr(jdk, "FOLDERS", tmp_path)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    installed(tmp_path, "java-17", "17.0.15")
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "JAVA_HOME" in result.output


def test_packages_start_no_servers_of_the_machines_own(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    with packages.no_services(policy):
        assert subprocess.run([str(policy)], check=False).returncode == 101
    assert not policy.exists()


def test_a_policy_that_the_machine_has_stays(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("theirs")
    with packages.no_services(policy):
        assert policy.read_text() == "theirs"
    assert policy.read_text() == "theirs"
