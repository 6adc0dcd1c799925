"""Whom a tenant's pods may reach: the rules for feeds, for what the plan grants, and that nothing else slips in."""

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from rooftree_operator.adapters.kubernetes import DEPLOYMENT, POLICY
from rooftree_operator.api.brokerage import BrokerageSpec
from rooftree_operator.api.plan import BrokeragePlanSpec
from rooftree_operator.conditions import State
from rooftree_operator.network import Network
from rooftree_operator.outbound import feed_rules
from rooftree_operator.provisioners import policies
from rooftree_operator.provisioners.policies import Policies, Remove, Seen, build_app, build_default
from rooftree_operator.tenant import Tenant

from .test_plans import TENANT
from .world import NETWORK, World, brokerage, plan

NOBODY: Any = None


def tenant(*urls: str, outbound: list[dict[str, Any]] | None = None, **network: Any) -> Tenant:
    """A tenant with a feed for each URL."""
    feeds = [
        {"name": f"f{i}", "url": url, "tokenURL": url, "credentialsSecretRef": {"name": "s"}}
        for i, url in enumerate(urls)
    ]
    spec = {"displayName": "Acme", "owner": {"email": "o@acme.example"}, "mls": feeds}
    granted = {"displayName": "Starter", "network": {"outbound": outbound or []}}
    return replace(
        TENANT,
        spec=BrokerageSpec.model_validate(spec),
        plan=BrokeragePlanSpec.model_validate(granted),
        platform=replace(TENANT.platform, network=NETWORK.model_copy(update=network)),
    )


def admits(rules: list[dict[str, Any]], address: str, port: int) -> bool:
    """Whether a policy with these egress rules lets a TCP connection to this address through."""
    for rule in rules:
        wanted = any(p.get("port") in (None, port) and p.get("protocol", "TCP") == "TCP" for p in rule["ports"])
        for block in (peer["ipBlock"] for peer in rule["to"] if "ipBlock" in peer):
            inside = ip_address(address) in ip_network(block["cidr"])
            if wanted and inside and not any(ip_address(address) in ip_network(x) for x in block.get("except", [])):
                return True
    return False


@pytest.mark.parametrize(
    ("address", "port", "allowed"),
    [
        ("93.184.216.34", 443, True),
        ("93.184.216.34", 80, False),
        ("93.184.216.34", 22, False),
        ("10.0.0.5", 443, False),
        ("10.200.0.1", 443, False),
        ("10.96.0.1", 443, False),
        ("172.16.3.4", 443, False),
        ("192.168.1.1", 443, False),
        ("100.64.0.1", 443, False),
        ("127.0.0.1", 443, False),
        ("169.254.169.254", 443, False),
        ("224.0.0.1", 443, False),
        ("255.255.255.255", 443, False),
        ("0.0.0.0", 443, False),
        ("20.1.2.3", 443, False),
    ],
)
def test_a_public_feed_opens_its_port_to_public_addresses_only(address: str, port: int, allowed: bool) -> None:
    rules, refusals = feed_rules(tenant("https://mls.example.com/odata", cluster_ranges=["20.1.0.0/16"]))
    assert refusals == []
    assert admits(rules, address, port) is allowed


def test_a_feed_in_the_cluster_opens_its_namespace_and_no_address() -> None:
    rules, refusals = feed_rules(tenant("http://mls-feed.mls-feed.svc.cluster.local:8080/odata"))
    assert refusals == []
    selector = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "mls-feed"}}}
    assert rules == [{"to": [selector], "ports": [{"protocol": "TCP"}]}]


def test_feeds_at_the_same_place_need_one_rule() -> None:
    rules, _ = feed_rules(tenant("https://a.example.com/x", "https://b.example.com/y", "http://feed.ns.svc:1/z"))
    assert len(rules) == 2


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9200/",
        "http://10.200.0.1:9200/",
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://[fd00::1]/",
        "http://localhost:8080/",
        "http://app/",
        "http://rooftree-operator.rooftree-system.svc.cluster.local/",
        "http://app.tenant-other-0a1b2c3d.svc:8080/",
        "http://kubernetes.default.svc/",
        "http://kube-dns.kube-system.svc./",
        "http://x.UPPER_case!.svc/",
        "http://mls.example.com:99999/",
        "http://20.1.2.3/",
    ],
)
def test_a_feed_at_a_private_place_gets_no_rule_and_is_said(url: str) -> None:
    place = tenant(url, cluster_ranges=["20.1.0.0/16"])
    rules, refusals = feed_rules(place)
    assert rules == []
    assert len(refusals) == 1
    made = Policies(NOBODY).plan(place, Seen(None, None))
    (report,) = made.also
    assert (report.condition, report.state, report.reason) == ("OutboundReady", State.BLOCKED, "FeedHostRefused")
    assert made.verdict.state is State.DONE, "the tenant goes on without this feed"


def test_a_private_feed_is_reached_when_the_plan_grants_its_address_and_port() -> None:
    granted = [{"cidr": "10.50.0.0/24", "ports": [8443]}]
    place = tenant("https://10.50.0.7:8443/odata", outbound=granted)
    assert feed_rules(place)[1] == []
    rules = build_app(place, feed_rules(place)[0])["spec"]["egress"]
    assert admits(rules, "10.50.0.7", 8443)
    assert not admits(rules, "10.50.0.7", 22)
    assert feed_rules(tenant("https://10.50.0.7:9999/odata", outbound=granted))[1] != []


def test_a_grant_of_everything_covers_nothing_private() -> None:
    rules = policies.plan_rules(tenant(outbound=[{"cidr": "0.0.0.0/0", "ports": [443]}]))
    assert admits(rules, "93.184.216.34", 443)
    assert [a for a in ("10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.0.1") if admits(rules, a, 443)] == []


def test_a_grant_of_a_private_block_covers_nothing_of_the_cluster_inside_it() -> None:
    place = tenant(outbound=[{"cidr": "10.0.0.0/8", "ports": [443]}], cluster_ranges=["10.96.0.0/16", "20.1.0.0/16"])
    rules = policies.plan_rules(place)
    assert admits(rules, "10.50.0.7", 443)
    assert not admits(rules, "10.96.0.1", 443)


@pytest.mark.parametrize(
    ("granted", "url"),
    [("0.0.0.0/0", "https://10.50.0.7/"), ("0.0.0.0/0", "https://20.1.2.3/"), ("10.0.0.0/8", "https://10.96.0.1/")],
)
def test_a_feed_at_an_address_that_a_wide_grant_leaves_out_is_refused(granted: str, url: str) -> None:
    ranges = ["10.96.0.0/16", "20.1.0.0/16"]
    rules, refusals = feed_rules(tenant(url, outbound=[{"cidr": granted, "ports": [443]}], cluster_ranges=ranges))
    assert rules == []
    assert len(refusals) == 1


def test_every_pod_reaches_names_and_the_database_and_only_the_app_the_rest() -> None:
    default, app = build_default(TENANT)["spec"], build_app(TENANT, [])["spec"]
    assert (default["podSelector"], app["podSelector"]) == ({}, {"matchLabels": {"app.kubernetes.io/name": "app"}})
    assert default["policyTypes"] == app["policyTypes"] == ["Ingress", "Egress"]
    assert default["ingress"] == []

    def ports(spec: dict[str, Any]) -> list[int]:
        return [port["port"] for rule in spec["egress"] for port in rule["ports"]]

    assert ports(default) == [53, 5432]
    assert ports(app) == [9200, 9092, 6379, 7070, 4318]


ACTIVATOR = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "rooftree-system"}},
    "podSelector": {"matchLabels": {"app.kubernetes.io/name": "rooftree-activator"}},
}


def test_requests_come_from_the_edge_and_the_activator_and_metrics_go_to_monitoring_only() -> None:
    place = tenant()
    edge, monitoring = [{"ipBlock": {"cidr": "10.0.0.1/32"}}], [{"podSelector": {"matchLabels": {"app": "prometheus"}}}]
    network = NETWORK.model_copy(update={"edge": edge, "monitoring": monitoring})
    place = replace(
        place,
        platform=replace(place.platform, network=network),
        release=replace(place.release, metrics_port=9464),
    )
    ingress = build_app(place, [])["spec"]["ingress"]
    assert [(rule["from"], [port["port"] for port in rule["ports"]]) for rule in ingress] == [
        ([*edge, ACTIVATOR], [8080]),
        (monitoring, [9464]),
    ]


def test_without_peers_there_is_no_rule_that_would_mean_everybody() -> None:
    place = tenant(edge=[], monitoring=[])
    (rule,) = build_app(place, [])["spec"]["ingress"]
    assert rule["from"] == [ACTIVATOR]


def test_policies_of_an_installation_that_makes_none_any_more_are_removed() -> None:
    place = replace(TENANT, platform=replace(TENANT.platform, network=Network()))
    made = Policies(NOBODY).plan(place, Seen(build_default(TENANT), None))
    assert (made.verdict.reason, made.actions, made.objects) == ("Disabled", (Remove("default"),), ())


async def test_no_pod_starts_before_the_policies_and_none_outlives_them() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    applied = [write for write in world.kube.writes if write.startswith("apply")]
    first = applied.index("apply Deployment app")
    assert max(applied.index("apply NetworkPolicy default"), applied.index("apply NetworkPolicy app")) < first
    world.delete("acme")
    await world.converge("acme")
    assert not any(write.startswith("delete NetworkPolicy") for write in world.kube.writes)


async def test_a_policy_that_somebody_removed_comes_back() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    del world.kube.objects["NetworkPolicy", f"tenant-{world.tenant('acme')}", "default"]
    await world.converge("acme")
    assert world.child("acme", POLICY, "default") is not None
    assert world.condition("acme", "NetworkReady") == ("True", "Provisioned")


async def test_a_refused_feed_shows_in_ready_while_the_app_runs() -> None:
    world = World()
    await world.release("1.0.0")
    feed = {
        "name": "f",
        "url": "http://10.0.0.1/",
        "tokenURL": "http://10.0.0.1/",
        "credentialsSecretRef": {"name": "s"},
    }
    world.kube.put(brokerage("acme", mls=[feed]))
    await world.converge("acme")
    assert world.condition("acme", "OutboundReady") == ("False", "FeedHostRefused")
    assert world.condition("acme", "WorkloadReady")[0] == "True"
    assert world.child("acme", DEPLOYMENT, "app") is not None


async def test_a_new_grant_of_the_plan_reaches_the_policy() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    world.kube.put(plan("starter", network={"outbound": [{"cidr": "198.51.100.0/24", "ports": [443]}]}))
    await world.converge("acme")
    policy = world.child("acme", POLICY, "app")
    assert policy is not None
    assert {"ipBlock": {"cidr": "198.51.100.0/24"}} in [rule["to"][0] for rule in policy["spec"]["egress"]]
