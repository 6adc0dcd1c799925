"""The tenant's Secrets, each value made once a generation, the copied feed credentials, and the CAs of the backends.

A Brokerage that claims a kept tenant gets the values that were kept; none of them is made anew.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from .. import generations, kept, keys, names, pods
from ..adapters.kubernetes import CONFIG, SECRET, Kubernetes
from ..conditions import Report, State
from ..drift import Object, differences, pending
from ..generations import Record
from ..names import Slot, TenantId
from ..provisioner import Action, Plan, Verdict, blocked, done
from ..secret_objects import decoded, secret_object
from ..tenant import Tenant

CONDITION_FEEDS = "FeedsReady"
FEEDS = "feeds.json"
FEED_RETRY = 5.0  # seconds; Secrets are not watched

# Made once and never again: what hangs on each of them would break. Passwords are made once a generation.
LASTING: Mapping[str, Mapping[str, Callable[[], str]]] = {
    pods.APP_SECRET: {"owner_seed": keys.password, generations.SIGNING_KEYS: keys.signing_keys},
    pods.MIGRATOR_SECRET: {},
}


@dataclass(frozen=True)
class Feed:
    """A feed of the spec with its credentials as found; `problem` says why there are none, yet if `awaited`."""

    name: str
    problem: str = ""
    awaited: bool = False
    client_id: str = field(default="", repr=False)
    client_secret: str = field(default="", repr=False)


@dataclass(frozen=True)
class Seen:
    """What is there now."""

    secrets: dict[str, Object | None] = field(repr=False)
    ca: Object | None
    feeds: tuple[Feed, ...]
    kept: Object | None = field(default=None, repr=False)  # looked for only where a claimed tenant lacks a value


@dataclass(frozen=True)
class WriteSecret(Action):
    """Write this Secret with `values`, and generate those that are `missing`."""

    name: str
    missing: tuple[str, ...]
    values: dict[str, str] = field(repr=False)
    upkeep = True

    def words(self, tenant: TenantId) -> str:
        if not any(key in self.values for key in generated(self.name, tuple(Slot))):
            return f"Secret {self.name}: missing"
        return f"Secret {self.name}: {', '.join(self.missing) or 'other keys or labels than its own'}"


@dataclass(frozen=True)
class TurnSecret(WriteSecret):
    """While credentials are rotated: the values of the generation that comes or goes."""

    drift = False


@dataclass(frozen=True)
class WriteFeeds(WriteSecret):
    """Only the feeds differ: credentials that somebody renewed in the Secret that they are copied from."""

    drift = False
    upkeep = False

    def words(self, tenant: TenantId) -> str:
        return f"Secret {self.name}: {FEEDS}"


class Credentials:
    """Secrets `app` and `migrator`, ConfigMap `backends-ca`."""

    name = "credentials"
    needs = ("namespace",)
    condition = None

    def __init__(self, kube: Kubernetes, ca: str) -> None:
        self._kube = kube
        self._ca = ca

    async def observe(self, tenant: Tenant) -> Seen:
        app, migrator, ca, *feeds = await asyncio.gather(
            self._kube.get(SECRET, pods.APP_SECRET, tenant.namespace),
            self._kube.get(SECRET, pods.MIGRATOR_SECRET, tenant.namespace),
            self._kube.get(CONFIG, pods.CA_CONFIG, tenant.namespace),
            *(
                self._kube.get(SECRET, feed.credentials_secret_ref.name, tenant.platform.namespace)
                for feed in tenant.spec.mls
            ),
        )
        found = tuple(
            _feed(tenant, feed.name, feed.credentials_secret_ref.name, secret)
            for feed, secret in zip(tenant.spec.mls, feeds, strict=True)
        )
        secrets = {pods.APP_SECRET: app, pods.MIGRATOR_SECRET: migrator}
        kept_secret = None
        if tenant.spec.tenant_id and _is_incomplete(secrets):
            kept_secret = await self._kube.get(SECRET, names.kept_secret(tenant.id), tenant.platform.namespace)
        return Seen(secrets, ca, found, kept_secret)

    def plan(self, tenant: Tenant, seen: Seen) -> Plan:
        record = generations.record_of(_have(seen, pods.APP_SECRET))
        wanted = {pods.APP_SECRET: {FEEDS: _feeds_json(tenant, seen)}, pods.MIGRATOR_SECRET: {}}
        actions = [_write(tenant, name, seen, record, own) for name, own in wanted.items()]
        if tenant.is_returning and (lost := _lost(actions, record)):
            return Plan(_not_kept(tenant, lost))
        return Plan(
            done("Provisioned", "Secrets are in place."),
            objects=pending([_ca(tenant, self._ca)], [seen.ca]),
            actions=tuple(action for action in actions if action),
            status={"rotation": record.as_status()} if record.generation > 1 else None,
            also=_feeds_ready(seen.feeds),
        )

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        for action in plan.actions:
            if isinstance(action, WriteSecret):
                made = {name: generated(action.name, tuple(Slot))[name]() for name in action.missing}
                await self._kube.apply(secret_object(tenant, action.name, {**action.values, **made}))
        for wanted in plan.objects:
            await self._kube.apply(wanted)

    async def revoke(self, tenant: TenantId) -> None:
        """The backends close their logins themselves."""

    async def delete(self, tenant: TenantId) -> None:
        """Secrets go with the namespace."""


def generated(name: str, slots: Iterable[Slot]) -> dict[str, Callable[[], str]]:
    """What is made in the Secret for logins of these slots, and how."""
    own = {key: keys.password for slot in slots for key in generations.keys_of(name, slot)}
    return {**own, **LASTING[name]}


def _missing(name: str, have: Mapping[str, str], slots: Iterable[Slot]) -> tuple[str, ...]:
    return tuple(key for key in generated(name, slots) if not have.get(key))


def _is_incomplete(secrets: Mapping[str, Object | None]) -> bool:
    accepted = generations.record_of(decoded(secrets[pods.APP_SECRET])).accepted
    return any(_missing(name, decoded(secret), accepted) for name, secret in secrets.items())


def _have(seen: Seen, name: str) -> dict[str, str]:
    """The values that there are, or were kept."""
    return {**decoded(kept.given_back(seen.kept, name)), **decoded(seen.secrets[name])}


def _write(tenant: Tenant, name: str, seen: Seen, record: Record, own: dict[str, str]) -> WriteSecret | None:
    have = _have(seen, name)
    missing = _missing(name, have, record.accepted)
    lasting = (*generated(name, record.accepted), generations.RECORD)
    values = {**{key: have[key] for key in lasting if key in have}, **own}
    if not missing and not pending_secret(tenant, name, values, seen.secrets[name]):
        return None
    as_if = {**values, FEEDS: have[FEEDS]} if FEEDS in own and FEEDS in have else values
    if not missing and not pending_secret(tenant, name, as_if, seen.secrets[name]):
        return WriteFeeds(name, missing, values)
    return (TurnSecret if record.is_running else WriteSecret)(name, missing, values)


def _lost(actions: Iterable[WriteSecret | None], record: Record) -> list[str]:
    """What a kept tenant cannot be without: not the passwords of a generation that no pod had yet, or has any more."""
    found = [(action.name, key) for action in actions if action for key in action.missing]
    return [f"{name}.{key}" for name, key in found if key in generated(name, (record.in_use,))]


def _not_kept(tenant: Tenant, lost: list[str]) -> Verdict:
    """Why a kept tenant cannot come back. Nothing is made in place of what is lost: the data hangs on it."""
    secret = f"{tenant.platform.namespace}/{names.kept_secret(tenant.id)}"
    advice = (
        f"a platform admin must put the Secret back, for example from a backup of the cluster, with {', '.join(lost)}"
    )
    return blocked(
        "KeptSecretMissing", f"Secret {secret} does not exist or lacks what brings the tenant back: {advice}"
    )


def pending_secret(tenant: Tenant, name: str, values: dict[str, str], seen: Object | None) -> bool:
    """Whether the Secret holds anything else. No hash of it is kept: an annotation is not the place for one."""
    wanted = secret_object(tenant, name, values)
    if seen is None:
        return True
    return bool(differences(wanted["metadata"], seen["metadata"])) or seen.get("data") != wanted["data"]


def _feed(tenant: Tenant, name: str, secret_name: str, secret: Object | None) -> Feed:
    where = f"Secret {tenant.platform.namespace}/{secret_name} for feed {name!r}"
    if secret is None:
        return Feed(name, f"{where} does not exist", awaited=True)
    if differences({"labels": {names.LABEL_BROKERAGE: tenant.slug}}, secret["metadata"]):
        return Feed(name, f"{where} lacks the label {names.LABEL_BROKERAGE}={tenant.slug}")
    values = decoded(secret)
    if not values.get("client_id") or not values.get("client_secret"):
        return Feed(name, f"{where} lacks client_id or client_secret")
    return Feed(name, client_id=values["client_id"], client_secret=values["client_secret"])


def _feeds_ready(feeds: tuple[Feed, ...]) -> tuple[Report, ...]:
    """A condition of the feeds, if there are any. What is awaited first, because that is looked at again soon."""
    wrong = sorted((feed for feed in feeds if feed.problem), key=lambda feed: not feed.awaited)
    if wrong:
        state, retry_in = (State.WAITING, FEED_RETRY) if wrong[0].awaited else (State.BLOCKED, None)
        message = f"{wrong[0].problem}: a platform admin must provide it; all else goes on without this feed"
        return (Report(CONDITION_FEEDS, state, "FeedCredentialsMissing", message, retry_in),)
    return (Report(CONDITION_FEEDS, State.DONE, "Provisioned", "All feeds have their credentials."),) if feeds else ()


def _feeds_json(tenant: Tenant, seen: Seen) -> str:
    """The feeds that have credentials: one without stops neither the others nor the tenant."""
    entries = [
        {
            "name": feed.name,
            "url": feed.url,
            "token_url": feed.token_url,
            "client_id": found.client_id,
            "client_secret": found.client_secret,
        }
        for feed, found in zip(tenant.spec.mls, seen.feeds, strict=True)
        if not found.problem
    ]
    return json.dumps(entries, indent=1)


def _ca(tenant: Tenant, ca: str) -> Object:
    metadata = {"name": pods.CA_CONFIG, "namespace": tenant.namespace, "labels": names.labels(tenant.id)}
    return pods.ca_config(metadata, ca)
