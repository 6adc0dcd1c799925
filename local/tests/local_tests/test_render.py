"""Configurations as committed files, and the rules that they must keep."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
import yaml
from rooftree_local import (
    access,
    backends,
    components,
    elasticsearch,
    kafka,
    monitoring,
    postgres,
    redis,
    render,
    services,
    standby,
)

if TYPE_CHECKING:
    from collections.abc import Callable

TOOLS = {
    name: f"/tools/{name}"
    for name in (
        "kubelite",
        "kwok",
        "coredns",
        "kube-router",
        "metrics-server",
        "postgres",
        "java",
        "kafka",
        "elasticsearch",
        "python",
        "versitygw",
        "jaeger",
    )
}
LISTED = {
    "node": components.node(TOOLS),
    "simulated": components.simulated(TOOLS),
    "backends": backends.backends(TOOLS),
    "services": services.components(TOOLS),
    "monitoring": monitoring.components(TOOLS),
}
ACCESS = access.manifests("CERTIFICATE")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("audit-policy.yaml", render.audit_policy()),
        ("cni.json", render.cni()),
        ("containerd.toml", render.containerd()),
        ("Corefile", render.corefile()),
        ("encryption.yaml", render.encryption(bytes(32))),
        ("kube-proxy.yaml", render.kube_proxy()),
        ("kubelet.yaml", render.kubelet("rooftree-dev")),
        ("pg_hba.conf", postgres.ACCESS),
        ("postgresql.conf", postgres.SETTINGS),
        ("standby.conf", standby.SETTINGS),
        ("kafka.properties", kafka.settings("PASSWORD")),
        ("elasticsearch.yml", elasticsearch.SETTINGS),
        ("redis.conf", redis.SETTINGS),
        ("users.acl", redis.users("PASSWORD")),
        ("prometheus.yaml", monitoring.prometheus()),
        ("alertmanager.yaml", monitoring.alertmanager()),
        *((f"access/{name}", text) for name, text in ACCESS.items()),
        *((f"{name}.json", json.dumps([one.as_json() for one in listed], indent=1)) for name, listed in LISTED.items()),
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
    assert {rule[3] for rule in plain} == {"127.0.0.1/32"}
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


@pytest.mark.parametrize("absent", ["node", "simulated"])
def test_every_component_comes_after_some_that_exist(absent: str) -> None:
    listed = [one for name, group in LISTED.items() for one in group if name not in {absent, "monitoring"}]
    listed += LISTED["monitoring"] if absent == "simulated" else []
    names = {one.name for one in listed}
    assert {name for one in listed for name in one.after} <= names
    assert len(names) == len(listed)


def test_servers_do_not_run_as_root_and_no_command_line_holds_a_password() -> None:
    for one in LISTED["backends"]:
        assert one.argv[0] == "setpriv"
        assert "password" not in " ".join(one.argv).lower().replace("superuser-password", "")


def test_helpers_of_the_node_may_only_look_and_never_at_secrets() -> None:
    roles = [one for text in ACCESS.values() for one in yaml.safe_load_all(text) if one["kind"] == "ClusterRole"]
    rules = [rule for role in roles for rule in role["rules"]]
    assert len(roles) == len(ACCESS)
    assert not [rule for rule in rules if {"secrets", "*"} & set(rule["resources"])]
    writing = {
        resource
        for rule in rules
        if not set(rule["verbs"]) <= {"get", "list", "watch"}
        for resource in rule["resources"]
    }
    assert writing == {"tokenreviews", "subjectaccessreviews"}


def test_the_metrics_api_is_trusted_by_its_certificate() -> None:
    (service,) = [one for one in yaml.safe_load_all(ACCESS["metrics-server.yaml"]) if one["kind"] == "APIService"]
    assert base64.b64decode(service["spec"]["caBundle"]) == b"CERTIFICATE"
    assert "insecureSkipTLSVerify" not in service["spec"]


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
