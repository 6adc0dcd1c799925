"""Configurations as committed files, and the rules that they must keep."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
import yaml
from rooftree_local import backends, components, elasticsearch, kafka, postgres, redis, render

if TYPE_CHECKING:
    from collections.abc import Callable

TOOLS = {name: f"/tools/{name}" for name in ("kubelite", "coredns", "postgres", "java", "kafka", "elasticsearch")}


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
        ("kafka.properties", kafka.settings("PASSWORD")),
        ("elasticsearch.yml", elasticsearch.SETTINGS),
        ("redis.conf", redis.SETTINGS),
        ("users.acl", redis.users("PASSWORD")),
        ("node.json", json.dumps([c.as_json() for c in components.node(TOOLS)], indent=1)),
        ("backends.json", json.dumps([c.as_json() for c in backends.backends(TOOLS)], indent=1)),
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


def test_every_component_comes_after_some_that_exist() -> None:
    listed = [*components.node(TOOLS), *backends.backends(TOOLS)]
    names = {one.name for one in listed}
    assert {name for one in listed for name in one.after} <= names
    assert len(names) == len(listed)


def test_servers_do_not_run_as_root_and_no_command_line_holds_a_password() -> None:
    for one in backends.backends(TOOLS):
        assert one.argv[0] == "setpriv"
        assert "password=" not in " ".join(one.argv).lower()


def properties(text: str) -> dict[str, str]:
    lines = [line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#")]
    return {key.strip(): value.strip() for key, value in lines}


def test_kafka_has_no_way_in_without_tls_and_a_name_and_gives_nothing_unasked() -> None:
    found = properties(kafka.settings("PASSWORD"))
    listeners = {one.split(":")[0] for one in found["listeners"].split(",")}
    protocols = dict(one.split(":") for one in found["listener.security.protocol.map"].split(","))
    assert listeners == protocols.keys()
    assert set(protocols.values()) == {"SASL_SSL"}
    assert found["super.users"] == f"User:{kafka.ADMIN}"
    assert found["allow.everyone.if.no.acl.found"] == "false"
    assert found["auto.create.topics.enable"] == "false"


def test_redis_speaks_tls_only_and_keeps_no_password() -> None:
    lines = dict(line.split(" ", 1) for line in redis.SETTINGS.splitlines() if not line.startswith("#"))
    assert lines["port"] == "0"
    default, admin = redis.users("PASSWORD").splitlines()
    assert default.split()[2] == "off"
    assert "PASSWORD" not in admin


def test_elasticsearch_has_security_and_tls_on_both_ports() -> None:
    found = yaml.safe_load(elasticsearch.SETTINGS)
    for switch in ("enabled", "http.ssl.enabled", "transport.ssl.enabled"):
        assert found[f"xpack.security.{switch}"] is True
    assert found["transport.host"] == "127.0.0.1"


def test_elasticsearch_keeps_a_slow_hash_of_the_administrators_password() -> None:
    scheme, salt, key = elasticsearch.password_hash("PASSWORD", bytes(32)).split("$")
    assert scheme == "{PBKDF2}10000"
    assert base64.b64decode(salt) == bytes(32)
    assert len(base64.b64decode(key)) == 32
