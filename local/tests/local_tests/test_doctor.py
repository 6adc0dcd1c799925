"""Every finding of the doctor comes with a remedy."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from rooftree_local import doctor, paths
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
    only(monkeypatch, "_port")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(doctor, "EDGE_PORT", port)
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
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "apt-get install --yes --no-install-recommends one two" in result.output
