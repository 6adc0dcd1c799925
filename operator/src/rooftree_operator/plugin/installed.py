"""What the operator of this cluster is told, read from its Deployment; and tenants, resolved as it resolves them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from .. import conditions, installation, names, upgrade
from ..adapters.kubernetes import CONFIG, DEPLOYMENT, SECRET, Forbidden, Kubernetes
from ..api.brokerage import BrokerageSpec
from ..api.plan import BrokeragePlanSpec
from ..drift import Object
from ..errors import Blocked
from ..names import TenantId
from ..network import Network
from ..release import Releases
from ..secret_objects import decoded
from ..settings import Settings
from ..tenant import Platform, Tenant
from . import brokerages as b
from .acting import MODULE_LABEL
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
    operators = await kube.list(DEPLOYMENT, None, labels={MODULE_LABEL: names.MANAGER})
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
    fields = {name: told.get(f"{prefix}{name.upper()}", field.default) for name, field in Settings.model_fields.items()}
    values: Any = {**fields, "namespace": space}
    return Settings(**values)


async def tenant(here: Installation, brokerage: Object, plans: Mapping[str, Object]) -> Tenant:
    """The tenant that the operator makes of a Brokerage. Raises `Blocked` as it does."""
    metadata, status, name = brokerage["metadata"], b.status_of(brokerage), b.name_of(brokerage)
    spec = specified(BrokerageSpec, brokerage)
    plan = plans.get(spec.plan)
    if plan is None:
        raise Blocked("PlanUnknown", f"there is no BrokeragePlan {spec.plan!r}")
    limits = specified(BrokeragePlanSpec, plan)
    release = await here.releases.find(spec.version, limits.channel)
    retry = upgrade.retry_of(metadata)
    failed = upgrade.given_up(status, release.version, retry)
    if failed:
        release = await here.releases.find(failed.instead, limits.channel)
    return Tenant(
        id=TenantId(status.get("tenantID") or spec.tenant_id or f"{name}-{UNKNOWN}"),
        uid=metadata.get("uid", ""),
        generation=metadata.get("generation", 1),
        spec=spec,
        plan=limits,
        release=release,
        platform=here.platform,
        bucket=status.get("bucket"),
        running=status.get("version"),
        failed=failed,
        retry=retry,
        was_suspended=conditions.was_suspended(status),
    )


def specified(model: type[SpecT], item: Object) -> SpecT:
    """The spec of an object. Raises `Problem` for what the definitions of this version do not take."""
    try:
        return model.model_validate(item["spec"])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Problem(f"{item['kind']} {b.name_of(item)}: spec.{where}: {first['msg']}") from error
