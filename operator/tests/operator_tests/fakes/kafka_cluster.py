"""A Kafka behind the real admin client: it keeps state and answers the protocol's own messages as the real one does.

One that refuses an entry of a request still does the others. `requests` lists what came, by kind.
"""

# The library has no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false, reportPrivateUsage=false

import re
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import RequestTimedOutError
from kafka.future import Future
from kafka.protocol import admin as messages
from kafka.protocol.metadata import MetadataResponse

UNKNOWN_TOPIC, INVALID_TOPIC, EXISTS, INVALID_REQUEST, DUPLICATE, NO_SUCH = 3, 17, 36, 42, 92, 91
DYNAMIC = 1  # source of a setting: the topic itself


class Cluster:
    """One cluster. A name in `refused` has each entry about it refused; `silent` answers nothing any more."""

    broker_version = (4, 0)

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.iterations: dict[str, int] = {}
        self.topics: dict[str, dict[str, str]] = {}
        self.acls: dict[str, set[tuple[Any, ...]]] = {}
        self.quotas: dict[str, dict[str, float]] = {}
        self.refused: set[str] = set()
        self.operations: set[int] = set()  # on topics, that whoever asks may do
        self.silent = False
        self.hold: threading.Event | None = None  # requests wait for it
        self._lock = threading.Lock()

    def admin(self) -> Any:
        """The library's own admin client, connected to this cluster."""
        client = KafkaAdminClient.__new__(KafkaAdminClient)
        client.config = dict(KafkaAdminClient.DEFAULT_CONFIG)
        client._manager = self
        client._controller_id = 1
        return client

    def run(self, work: Callable[..., Any], *values: Any) -> Any:
        """As the library's: from any thread, until it is done."""
        found = work(*values)
        if isinstance(found, Coroutine):
            try:
                found.send(None)
            except StopIteration as end:
                return end.value
            raise AssertionError("all answers of this cluster are there at once")
        if found.exception:
            raise found.exception
        return found.value

    def send(self, request: Any, node_id: int | None = None) -> Future:
        del node_id
        if self.hold is not None:
            assert self.hold.wait(10)
        kind = type(request).__name__.removesuffix("Request")
        with self._lock:
            self.requests.append(kind)
            if self.silent:
                return Future().failure(RequestTimedOutError())
            return Future().success(getattr(self, f"_{_snake(kind)}")(request))

    def _judged(self, name: str, otherwise: int = 0) -> int:
        return INVALID_REQUEST if name in self.refused else otherwise

    def _describe_user_scram_credentials(self, request: Any) -> Any:
        kind = messages.DescribeUserScramCredentialsResponse.DescribeUserScramCredentialsResult
        results = []
        for (user,) in request.users:
            count = self.iterations.get(user)
            infos = [] if count is None else [kind.CredentialInfo(mechanism=2, iterations=count)]
            code = NO_SUCH if count is None else 0
            results.append(kind(user=user, error_code=code, error_message=None, credential_infos=infos))
        return messages.DescribeUserScramCredentialsResponse(error_code=0, error_message=None, results=results)

    def _alter_user_scram_credentials(self, request: Any) -> Any:
        kind = messages.AlterUserScramCredentialsResponse.AlterUserScramCredentialsResult
        changes: list[tuple[str, int | None]] = [(name, None) for name, _ in request.deletions]
        changes += [(name, count) for name, _, count, _, _ in request.upsertions]
        names, results = [name for name, _ in changes], []
        for name, count in changes:
            code = DUPLICATE if names.count(name) > 1 else self._judged(name)
            if not code and count is None:
                code = 0 if self.iterations.pop(name, None) else NO_SUCH
            elif not code and count is not None:
                self.iterations[name] = count
            results.append(kind(user=name, error_code=code, error_message=None))
        return messages.AlterUserScramCredentialsResponse(results=results)

    def _metadata(self, request: Any) -> Any:
        found = [
            MetadataResponse.MetadataResponseTopic(
                name=one.name,
                error_code=0 if one.name in self.topics else UNKNOWN_TOPIC,
                partitions=[],
                authorized_operations=self.operations,
            )
            for one in request.topics
        ]
        return MetadataResponse(brokers=[], cluster_id="c", controller_id=1, topics=found)

    def _describe_cluster(self, request: Any) -> Any:
        del request
        return messages.DescribeClusterResponse(
            error_code=0, error_message=None, cluster_id="c", controller_id=1, brokers=[]
        )

    def _create_topics(self, request: Any) -> Any:
        kind, results = messages.CreateTopicsResponse.CreatableTopicResult, []
        names = [one.name for one in request.topics]
        for one in request.topics:
            code = self._judged(one.name, EXISTS if one.name in self.topics else 0)
            if names.count(one.name) > 1:
                code = INVALID_REQUEST
            if not code:
                self.topics[one.name] = {config.name: config.value for config in one.configs}
            results.append(kind(name=one.name, error_code=code, error_message=None, configs=[]))
        return messages.CreateTopicsResponse(topics=results)

    def _describe_configs(self, request: Any) -> Any:
        kind, results = messages.DescribeConfigsResponse.DescribeConfigsResult, []
        for resource, name, _ in request.resources:
            entries = [
                kind.DescribeConfigsResourceResult(name=key, value=value, config_source=DYNAMIC, read_only=False)
                for key, value in self.topics[name].items()
            ]
            results.append(
                kind(
                    error_code=0,
                    error_message=None,
                    resource_type=resource,
                    resource_name=name,
                    configs=entries,
                )
            )
        return messages.DescribeConfigsResponse(results=results)

    def _describe_acls(self, request: Any) -> Any:
        kind, name = messages.DescribeAclsResponse.DescribeAclsResource, request.principal_filter
        resources = [
            kind(
                resource_type=resource,
                resource_name=at,
                pattern_type=pattern,
                acls=[kind.AclDescription(principal=name, host=host, operation=operation, permission_type=permission)],
            )
            for resource, at, pattern, host, operation, permission in self.acls.get(name, ())
        ]
        code = self._judged(name.removeprefix("User:"))
        return messages.DescribeAclsResponse(error_code=code, error_message=None, resources=resources)

    def _create_acls(self, request: Any) -> Any:
        kind, results = messages.CreateAclsResponse.AclCreationResult, []
        for one in request.creations:
            code = self._judged(one.principal.removeprefix("User:"))
            if not code:
                self.acls.setdefault(one.principal, set()).add(_acl(one, ""))
            results.append(kind(error_code=code, error_message=None))
        return messages.CreateAclsResponse(results=results)

    def _delete_acls(self, request: Any) -> Any:
        kind, results = messages.DeleteAclsResponse.DeleteAclsFilterResult, []
        for one in request.filters:
            code = self._judged(one.principal_filter.removeprefix("User:"))
            if not code:
                self.acls.get(one.principal_filter, set()).discard(_acl(one, "_filter"))
            results.append(kind(error_code=code, error_message=None, matching_acls=[]))
        return messages.DeleteAclsResponse(filter_results=results)

    def _describe_client_quotas(self, request: Any) -> Any:
        kind = messages.DescribeClientQuotasResponse.EntryData
        name = request.components[0].match
        values = [kind.ValueData(key=key, value=value) for key, value in self.quotas.get(name, {}).items()]
        entity = [kind.EntityData(entity_type="user", entity_name=name)]
        entries = [kind(entity=entity, values=values)] if values else []
        return messages.DescribeClientQuotasResponse(error_code=0, error_message=None, entries=entries)

    def _alter_client_quotas(self, request: Any) -> Any:
        kind, results = messages.AlterClientQuotasResponse.EntryData, []
        for one in request.entries:
            name = one.entity[0].entity_name
            code = self._judged(name)
            for op in one.ops if not code else ():
                held = self.quotas.setdefault(name, {})
                held.pop(op.key, None)
                if not op.remove:
                    held[op.key] = op.value
            entity = [kind.EntityData(entity_type="user", entity_name=name)]
            results.append(kind(error_code=code, error_message=None, entity=entity))
        return messages.AlterClientQuotasResponse(entries=results)


def _snake(kind: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower()


def _acl(one: Any, suffix: str) -> tuple[Any, ...]:
    pattern = one.pattern_type_filter if suffix else one.resource_pattern_type
    return (
        one.resource_type_filter if suffix else one.resource_type,
        getattr(one, f"resource_name{suffix}"),
        pattern,
        getattr(one, f"host{suffix}"),
        one.operation,
        one.permission_type,
    )
