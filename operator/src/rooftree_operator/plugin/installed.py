"""What the operator of this cluster is told, read from its Deployment; and tenants, resolved as it resolves them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from .. import hands, installation, names
from ..adapters.kubernetes import CONFIG, DEPLOYMENT, SECRET, Forbidden, Kubernetes
from ..api.brokerage import BrokerageSpec
from ..api.plan import BrokeragePlanSpec
from ..drift import Object
from ..hands import Hands
from ..names import TenantId
from ..network import Network
from ..plans import Choice
from ..release import Releases
from ..resolving import Resolver
from ..secret_objects import decoded
from ..settings import Settings
from ..tenant import Fit, Platform, Tenant
from . import brokerages as b
from .problems import Problem

BACKENDS = ("postgres", "kafka", "elasticsearch", "redis", "s3")
SpecT = TypeVar("SpecT", BrokerageSpec, BrokeragePlanSpec)
UNKNOWN = "00000000"  # the end of an id that is minted with the apply


@dataclass(frozen=True)
class Installation:
    """The operator's view. `ca` is what tenants' pods trust."""

    platform: Platform
    ca: str
    releases: Releases


async def found(kube: Kubernetes) -> Installation:
    """Reads it. Raises `Problem` if there is no operator, or the reader may not see what it is told."""
    operators = await kube.list(DEPLOYMENT, None, labels={names.LABEL_NAME: names.MANAGER})
    if not operators:
        raise Problem("there is no operator in this cluster: a platform admin must install the chart")
    space, pod = operators[0]["metadata"]["namespace"], operators[0]["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    try:
        secrets = {
            name: decoded(await kube.get(SECRET, volumes[name]["secret"]["secretName"], space))
            for name in BACKENDS
            if name in volumes
        }
        network = await kube.get(CONFIG, volumes["network"]["configMap"]["name"], space)
    except Forbidden as error:
        raise Problem(f"this needs the right to read Secrets and ConfigMaps of {space}: {error}") from error
    if network is None:
        raise Problem(f"the operator's network is unknown: a ConfigMap of {space} is missing")
    platform = installation.platform(
        _settings(pod["containers"][0].get("env", []), space),
        lambda backend, key: secrets[backend].get(key, "").strip(),
        Network.model_validate_json(network["data"]["network.json"]),
        has_s3="s3" in secrets,
    )
    ca = installation.bundle(values.get("ca.crt", "") for values in secrets.values())
    return Installation(platform, ca, Releases(kube, space))


def _settings(env: list[dict[str, Any]], space: str) -> Settings:
    """Every field is given, so that nothing of the reader's own environment gets in."""
    told = {entry["name"]: entry["value"] for entry in env if "value" in entry}
    prefix = Settings.model_config.get("env_prefix", "")
    fields: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        value = told.get(f"{prefix}{name.upper()}")
        # As pydantic reads an environment: what has fields of its own is JSON.
        is_model = isinstance(field.default, BaseModel)
        fields[name] = field.default if value is None else json.loads(value) if is_model else value
    values: Any = {**fields, "namespace": space}
    return Settings(**values)


@dataclass(frozen=True)
class Resolved:
    """A tenant, the plan that it has, and how far the operator may go with it."""

    tenant: Tenant
    choice: Choice
    hands: Hands

    @property
    def refusal(self) -> str:
        """Why the plan that it names is not in force; empty if it is."""
        return "; ".join(report.message for report in self.choice.reports(self.tenant.spec.plan))


async def resolved(kube: Kubernetes, here: Installation, brokerage: Object, plans: Mapping[str, Object]) -> Resolved:
    """What the operator makes of a Brokerage, under the plan in force of `plans`. Raises `Blocked` as it does."""
    status, name = b.status_of(brokerage), b.name_of(brokerage)
    spec = specified(BrokerageSpec, brokerage)

    async def id_(_: Fit) -> TenantId:
        return TenantId(status.get("tenantID") or spec.tenant_id or f"{name}-{UNKNOWN}")

    async def plan(wanted: str) -> Object | None:
        found = plans.get(wanted)
        if found is not None:
            specified(BrokeragePlanSpec, found)
        return found

    tenant, choice = await Resolver(kube, here.releases, here.platform, plan).tenant(brokerage, spec, id_)
    may = hands.of(brokerage)
    if choice.holds:
        may = hands.held_by_plan(may, choice.refusal)
    return Resolved(tenant, choice, may)


def specified(model: type[SpecT], item: Object) -> SpecT:
    """The spec of an object. Raises `Problem` for what the definitions of this version do not take."""
    try:
        return model.model_validate(item["spec"])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Problem(f"{item['kind']} {b.name_of(item)}: spec.{where}: {first['msg']}") from error
