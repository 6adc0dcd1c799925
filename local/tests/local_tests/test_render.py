"""Configurations as committed files, and the rules that they must keep."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
import yaml
from rooftree_local import components, postgres, render

if TYPE_CHECKING:
    from collections.abc import Callable

TOOLS = {"kubelite": "/tools/kubelite", "coredns": "/tools/coredns", "postgres": "/tools/postgres"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("audit-policy.yaml", render.audit_policy()),
        ("cni.json", render.cni()),
        ("containerd.toml", render.containerd()),
        ("coredns-access.yaml", render.coredns_access()),
        ("Corefile", render.corefile()),
        ("encryption.yaml", render.encryption(bytes(32))),
        ("kube-proxy.yaml", render.kube_proxy()),
        ("kubelet.yaml", render.kubelet("rooftree-dev")),
        ("pg_hba.conf", postgres.ACCESS),
        ("postgresql.conf", postgres.SETTINGS),
        ("node.json", json.dumps([c.as_json() for c in components.node(TOOLS)], indent=1)),
        ("backends.json", json.dumps([c.as_json() for c in components.backends(TOOLS)], indent=1)),
    ],
)
def test_rendered_configuration_is_as_committed(
    name: str, text: str, assert_golden: Callable[[str, str], None]
) -> None:
    assert_golden(name, text)


def test_secrets_are_written_encrypted_first_and_only_read_in_the_clear() -> None:
    (rule,) = yaml.safe_load(render.encryption(bytes(32)))["resources"]
    assert rule["resources"] == ["secrets"]
    assert [next(iter(provider)) for provider in rule["providers"]] == ["secretbox", "identity"]


def test_postgres_lets_nobody_in_from_outside_without_tls() -> None:
    rules = [line.split() for line in postgres.ACCESS.splitlines() if line and not line.startswith("#")]
    plain = [rule for rule in rules if rule[0] != "hostssl"]
    assert [rule[3] for rule in plain] == ["127.0.0.1/32"]
    assert all(rule[4] == "scram-sha-256" for rule in rules)


def test_a_pod_in_the_hosts_network_cannot_read_etcd_without_a_certificate() -> None:
    assert "--client-cert-auth" in components.ETCD_FLAGS
    assert f"--trusted-ca-file={components.PKI}/etcd-ca.crt" in components.ETCD_FLAGS


def test_the_scram_verifier_is_that_of_the_standards_example() -> None:
    # RFC 7677, section 3: password `pencil`; the proof of its exchange fits exactly these two keys.
    salt = "W22ZaJ0SNY7soEsUEjb6gQ=="
    stored, server = "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=", "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    verifier = postgres.scram_verifier("pencil", base64.b64decode(salt))
    assert verifier == f"SCRAM-SHA-256$4096:{salt}${stored}:{server}"
