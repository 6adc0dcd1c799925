"""Certificates of a stack."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
import yaml
from cryptography import x509
from rooftree_local import pki, render

if TYPE_CHECKING:
    from pathlib import Path

NOW = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)


def certificate(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "pki"
    pki.ensure(path, now=NOW)
    return path


def test_nobody_else_can_read_keys(folder: Path) -> None:
    assert folder.stat().st_mode & 0o077 == 0
    assert [path.name for path in folder.iterdir() if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("leaf", pki.LEAVES, ids=lambda leaf: leaf.file)
def test_every_leaf_is_signed_by_its_authority(folder: Path, leaf: pki.Leaf) -> None:
    certificate(folder, leaf.file).verify_directly_issued_by(certificate(folder, leaf.authority))


def test_no_certificate_of_the_cluster_opens_etcd(folder: Path) -> None:
    with pytest.raises(ValueError, match="Issuer"):
        certificate(folder, "admin").verify_directly_issued_by(certificate(folder, "etcd-ca"))


def test_the_edges_certificate_covers_every_brokerage(folder: Path) -> None:
    names = certificate(folder, "edge").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {"rooftree.localhost", "*.rooftree.localhost"}


def test_a_second_run_changes_nothing(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    pki.ensure(folder, now=NOW + dt.timedelta(days=1))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_leaf_near_its_end_is_renewed_and_the_authority_stays(tmp_path: Path) -> None:
    pki.ensure(tmp_path, now=NOW)
    authority, edge = certificate(tmp_path, "ca"), certificate(tmp_path, "edge")
    pki.ensure(tmp_path, now=NOW + dt.timedelta(days=pki.LEAF_DAYS - 10))
    assert certificate(tmp_path, "ca") == authority
    assert certificate(tmp_path, "edge").not_valid_after_utc > edge.not_valid_after_utc


def test_a_leaf_of_another_authority_is_replaced(tmp_path: Path, folder: Path) -> None:
    pki.ensure(tmp_path, now=NOW)
    for suffix in ("crt", "key"):
        (tmp_path / f"edge.{suffix}").write_bytes((folder / f"edge.{suffix}").read_bytes())
    pki.ensure(tmp_path, now=NOW)
    certificate(tmp_path, "edge").verify_directly_issued_by(certificate(tmp_path, "ca"))


def test_a_kubeconfig_works_wherever_it_is_read(folder: Path) -> None:
    text = render.kubeconfig(folder, "admin")
    config = yaml.safe_load(text)
    assert str(folder) not in text
    assert config["clusters"][0]["cluster"]["server"] == "https://10.200.0.1:6443"
    assert set(config["users"][0]["user"]) == {"client-certificate-data", "client-key-data"}
