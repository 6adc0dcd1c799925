"""What is asked of Kafka, and told to it, for several tenants in one request, by the client's synchronous admin.

Each function answers its entries in their order: with what was found or None, or with the error of that entry alone.
What it raises holds for all. Kafka describes the ACLs and quotas of one user a request; those requests go out together.
"""

# The library has no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportPrivateUsage=false
# pyright: reportAttributeAccessIssue=false, reportUnknownParameterType=false

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kafka import errors as kafka_errors
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResource,
    ConfigResourceType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.protocol.admin import AlterUserScramCredentialsRequest, CreateAclsRequest, DescribeAclsRequest

from .. import effects, keys, scram
from ..scram import Salted
from . import kafka_quotas
from .kafka_requests import answered, send, send_together

SHA_512 = 2  # the mechanism's number in the protocol
# A Kafka that starts forgets all users if one that was deleted comes first among them (ADR 0012). Java's hash of this
# name is 0, so it comes first. Nobody has its password, and it has no rights.
GUARD = "rooftree.guard.bctaftyx"


@dataclass(frozen=True, order=True)
class Grant:
    """One ACL that allows something to one principal."""

    resource: str  # topic, group, transactional_id, cluster, …
    name: str
    pattern: str  # literal or prefixed
    operation: str  # read, write, describe, …
    permission: str = "allow"
    host: str = "*"


@dataclass(frozen=True)
class AccessSeen:
    """What there is of a user and its topics."""

    iterations: int | None  # of its SCRAM-SHA-512 credential; None: there is none
    topics: Mapping[str, Mapping[str, str]]  # by name: the settings that were set for the topic itself
    grants: frozenset[Grant]
    quotas: Mapping[str, float]


@dataclass(frozen=True)
class Looked:
    """What somebody wants to know."""

    user: str
    topics: tuple[str, ...]


@dataclass(frozen=True)
class Credential:
    """A user's SCRAM-SHA-512 credential; None: it shall have none."""

    user: str
    salted: Salted | None = field(repr=False)


@dataclass(frozen=True)
class NewTopic:
    """A topic of one partition with the cluster's replication."""

    name: str
    settings: Mapping[str, str]


@dataclass(frozen=True)
class Rights:
    """ACLs of one user that shall be there, or shall not."""

    user: str
    grants: tuple[Grant, ...]


@dataclass(frozen=True)
class Quotas:
    """Quotas of one user to set, and those that are None to remove."""

    user: str
    values: Mapping[str, float | None]


Result = Exception | None


def access(admin: Any, asked: Sequence[Looked]) -> list[AccessSeen | Exception]:
    """What there is of these users and topics: three requests, and two more for each user."""
    users = [one.user for one in asked]
    wanted = sorted({topic for one in asked for topic in one.topics})
    iterations = _iterations(admin, users)
    present = [] if not wanted else [t["name"] for t in admin.describe_topics(wanted) if not t["error_code"]]
    settings: dict[str, Any] = {}
    if present:
        settings = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in present])["topic"]
    rights = send_together(admin, [*map(_acls_of, users), *map(kafka_quotas.question, users)])
    found: list[AccessSeen | Exception] = []
    for one, acls, quotas in zip(asked, rights[: len(users)], rights[len(users) :], strict=True):
        topics = {
            name: {key: entry["value"] for key, entry in settings.get(name, {}).items()}
            for name in one.topics
            if name in present
        }
        try:
            grants = _grants(admin, answered(acls))
            limits = kafka_quotas.described(answered(quotas))
        except kafka_errors.KafkaError as error:
            found.append(error)
        else:
            found.append(AccessSeen(iterations.get(one.user), topics, grants, limits))
    return found


def _iterations(admin: Any, users: Iterable[str]) -> dict[str, int]:
    """Of the SCRAM-SHA-512 credentials of those who have one."""
    described = admin.describe_user_scram_credentials(list(users))
    return {
        user: info["iterations"]
        for user, one in described.items()
        for info in one["credential_infos"]
        if int(info["mechanism"]) == SHA_512
    }


def set_credentials(admin: Any, wanted: Sequence[Credential]) -> list[Result]:
    """Makes, replaces and deletes credentials. The guard is there before anybody else comes or goes."""
    if GUARD not in _iterations(admin, [GUARD]):
        with effects.sending("kafka", "upsert", "guard"):
            (problem,) = _alter(admin, [Credential(GUARD, scram.salted(keys.password()))])
        if problem is not None:
            raise problem
    return _alter(admin, wanted)


def _alter(admin: Any, wanted: Sequence[Credential]) -> list[Result]:
    request = AlterUserScramCredentialsRequest(
        deletions=[(one.user, SHA_512) for one in wanted if one.salted is None],
        upsertions=[
            (one.user, SHA_512, one.salted.iterations, one.salted.salt, one.salted.password)
            for one in wanted
            if one.salted is not None
        ],
    )
    # The public method takes a clear password only, and hides the errors' codes.
    answer = send(admin, request)
    results = {result.user: _error(result.error_code, result.error_message) for result in answer.results}
    return [results[one.user] for one in wanted]


def create_topics(admin: Any, wanted: Sequence[NewTopic], timeout_ms: int) -> list[Result]:
    """Makes topics; one that exists is fine."""
    topics = {
        one.name: {"num_partitions": 1, "replication_factor": -1, "configs": dict(one.settings)} for one in wanted
    }
    answer = admin.create_topics(topics, timeout_ms=timeout_ms, raise_errors=False)
    fine = kafka_errors.TopicAlreadyExistsError
    results = {
        topic["name"]: _error(topic["error_code"], topic.get("error_message"), fine) for topic in answer["topics"]
    }
    return [results[one.name] for one in wanted]


def allow(admin: Any, wanted: Sequence[Rights]) -> list[Result]:
    """Makes ACLs; those that are there are fine."""
    acls = [
        ACL(_principal(one.user), grant.host, *rule(grant), ResourcePattern(*resource(grant)))
        for one in wanted
        for grant in one.grants
    ]
    creations = [admin._convert_create_acls_resource_request(acl) for acl in acls]
    # The public method does not tell whose ACL was refused.
    answer = send(admin, CreateAclsRequest(creations=creations))
    return _each(wanted, [_error(result.error_code, result.error_message) for result in answer.results])


def disallow(admin: Any, unwanted: Sequence[Rights]) -> list[Result]:
    """Takes ACLs away; those that are gone are fine."""
    filters = [
        ACLFilter(_principal(one.user), grant.host, *rule(grant), ResourcePatternFilter(*resource(grant)))
        for one in unwanted
        for grant in one.grants
    ]
    results = [
        None if error is kafka_errors.NoError else error("an ACL was not deleted")
        for _, _, error in admin.delete_acls(filters)
    ]
    return _each(unwanted, results)


def _each(asked: Sequence[Rights], results: Sequence[Result]) -> list[Result]:
    """The first error of each who asked for several ACLs."""
    left = iter(results)
    own = [[next(left) for _ in one.grants] for one in asked]
    return [next((result for result in some if result is not None), None) for some in own]


def set_quotas(admin: Any, wanted: Sequence[Quotas]) -> list[Result]:
    """Sets and removes quotas."""
    return kafka_quotas.alter(admin, {one.user: one.values for one in wanted})


def _error(code: int, message: str | None, *fine: type[Exception]) -> Result:
    error = kafka_errors.for_code(code)
    return None if error in (kafka_errors.NoError, *fine) else error(message)


def _principal(user: str) -> str:
    return f"User:{user}"


def _acls_of(user: str) -> Any:
    return DescribeAclsRequest(
        resource_type_filter=ResourceType.ANY,
        resource_name_filter=None,
        pattern_type_filter=ACLResourcePatternType.ANY,
        principal_filter=_principal(user),
        host_filter=None,
        operation=ACLOperation.ANY,
        permission_type=ACLPermissionType.ANY,
    )


def _grants(admin: Any, answer: Any) -> frozenset[Grant]:
    acls, _ = admin._convert_describe_acls_response_to_acls(answer)
    return frozenset(_seen(acl) for acl in acls)


def rule(grant: Grant) -> tuple[ACLOperation, ACLPermissionType]:
    return ACLOperation[grant.operation.upper()], ACLPermissionType[grant.permission.upper()]


def resource(grant: Grant) -> tuple[ResourceType, str, ACLResourcePatternType]:
    return ResourceType[grant.resource.upper()], grant.name, ACLResourcePatternType[grant.pattern.upper()]


def _seen(acl: Any) -> Grant:
    pattern = acl.resource_pattern
    return Grant(
        resource=pattern.resource_type.name.lower(),
        name=pattern.resource_name,
        pattern=pattern.pattern_type.name.lower(),
        operation=acl.operation.name.lower(),
        permission=acl.permission_type.name.lower(),
        host=acl.host,
    )
