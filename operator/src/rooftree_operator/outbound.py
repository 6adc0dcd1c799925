"""Where a tenant's pods may connect to beside the backends: its feeds, and what its plan grants. Pure."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address
from urllib.parse import urlsplit

from .api.plan import OutboundRule
from .drift import Object
from .tenant import Tenant

EVERYWHERE = IPv4Network("0.0.0.0/0")
# Private, shared, loopback, link-local, documentation, multicast and reserved addresses (the IANA registry).
NOT_PUBLIC = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Target:
    """Host and port of a feed's URL."""

    feed: str
    host: str
    port: int


class Refused(Exception):
    """A feed's host is one that no tenant may reach."""


def feed_rules(tenant: Tenant) -> tuple[list[Object], list[str]]:
    """Egress rules for the hosts of the feeds, and why some get none."""
    rules: dict[str, Object] = {}
    public: set[int] = set()
    refusals: list[str] = []
    for feed in tenant.spec.mls:
        for url in (feed.url, feed.token_url):
            try:
                target = _target(feed.name, url)
                if namespace := _namespace(tenant, target):
                    selector = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
                    # Without a port: a Service's port is not its pods'.
                    rules[f"namespace {namespace}"] = {"to": [selector], "ports": [{"protocol": "TCP"}]}
                elif address := _address(tenant, target):
                    rules[f"address {address} {target.port}"] = _rule(f"{address}/{address.max_prefixlen}", target.port)
                else:
                    public.add(target.port)
            except Refused as refusal:
                refusals.append(str(refusal))
    found = [rules[key] for key in sorted(rules)]
    if public:
        found.append(_open(tenant, EVERYWHERE, sorted(public)))
    return found, sorted(set(refusals))


def plan_rules(tenant: Tenant) -> list[Object]:
    """Egress rules for what the plan grants."""
    granted = tenant.plan.network.outbound
    return [_open(tenant, IPv4Network(rule.cidr, strict=False), rule.ports) for rule in granted]


def _target(feed: str, url: str) -> Target:
    parts = urlsplit(url)
    try:
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except ValueError as error:
        raise Refused(f"feed {feed!r} has an impossible port") from error
    return Target(feed, (parts.hostname or "").rstrip("."), port)


def _namespace(tenant: Tenant, target: Target) -> str | None:
    """The namespace of a Service of this cluster; None if the host is not one. Raises `Refused`."""
    labels = target.host.removesuffix(".cluster.local").split(".")
    if len(labels) < 3 or labels[-1] != "svc":
        return None
    namespace = labels[-2]
    ours = namespace in (tenant.platform.namespace, "default") or namespace.startswith(("kube-", "tenant-"))
    if ours or not _LABEL.fullmatch(namespace):
        raise Refused(f"feed {target.feed!r} is in namespace {namespace!r}, which no tenant may reach")
    return namespace


def _address(tenant: Tenant, target: Target) -> IPv4Address | IPv6Address | None:
    """The address that the host is, public or granted by the plan; None if it is a name. Raises `Refused`."""
    try:
        address = ip_address(target.host)
    except ValueError:
        if "." not in target.host:
            raise Refused(f"feed {target.feed!r}: {target.host!r} is not a full host name") from None
        return None
    closed = not address.is_global or any(address in block for block in closed_ranges(tenant))
    if closed and not any(_covers(tenant, rule, address, target.port) for rule in tenant.plan.network.outbound):
        raise Refused(f"feed {target.feed!r} is at {address}, a private address that the plan does not grant")
    return address


def closed_ranges(tenant: Tenant) -> list[IPv4Network]:
    """What no grant of a wider block covers."""
    return [*NOT_PUBLIC, *(IPv4Network(block, strict=False) for block in tenant.platform.network.cluster_ranges)]


def _closed_in(tenant: Tenant, block: IPv4Network) -> list[IPv4Network]:
    """What lies closed in a granted `block`, each address once."""
    inner = [closed for closed in closed_ranges(tenant) if closed != block and closed.subnet_of(block)]
    return [closed for closed in inner if not any(closed != other and closed.subnet_of(other) for other in inner)]


def _covers(tenant: Tenant, rule: OutboundRule, address: IPv4Address | IPv6Address, port: int) -> bool:
    """Whether a grant of the plan opens this place."""
    block = IPv4Network(rule.cidr, strict=False)
    left_out = any(address in closed for closed in _closed_in(tenant, block))
    return port in rule.ports and address in block and not left_out


def _open(tenant: Tenant, block: IPv4Network, ports: list[int]) -> Object:
    """A rule for `block` without what lies closed in it."""
    peer: Object = {"cidr": str(block)}
    if closed := [str(inner) for inner in _closed_in(tenant, block)]:
        peer["except"] = closed
    return {"to": [{"ipBlock": peer}], "ports": [{"protocol": "TCP", "port": port} for port in ports]}


def _rule(cidr: str, port: int) -> Object:
    return {"to": [{"ipBlock": {"cidr": cidr}}], "ports": [{"protocol": "TCP", "port": port}]}
