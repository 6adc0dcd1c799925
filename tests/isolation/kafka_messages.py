"""Requests that the library does not know, as Kafka describes them; of answers as much as holds the error."""

from __future__ import annotations

from .kafka_wire import Message, described

_ERROR = [("ErrorCode", "int16")]
_THROTTLED = [("ThrottleTimeMs", "int32"), *_ERROR]
_GROUPS = [("ThrottleTimeMs", "int32"), ("Groups", _ERROR)]
_STATES = [("Results", [("TopicId", "uuid"), ("Partitions", [("Partition", "int32"), *_ERROR])])]
_TELLING = [("GroupIds", "[]string", "groupId"), ("IncludeAuthorizedOperations", "bool")]
_OWNER = [("PrincipalType", "string?"), ("PrincipalName", "string?")]
_GROUP = ("GroupId", "string", "groupId")
_TOPIC = ("TopicName", "string", "topicName")
_BATCHES = [("FirstOffset", "int64"), ("LastOffset", "int64"), ("DeliveryState", "int8"), ("DeliveryCount", "int16")]
_MEMBER = [_GROUP, ("MemberId", "string"), ("MemberEpoch", "int32")]
_TASKS = [("SubtopologyId", "string"), ("Partitions", "[]int32")]
_OFFSETS = [("SubtopologyId", "string"), ("Partition", "int32"), ("Offset", "int64")]
_ACKNOWLEDGED = [
    ("TopicId", "uuid"),
    (
        "Partitions",
        [
            ("PartitionIndex", "int32"),
            (
                "AcknowledgementBatches",
                [("FirstOffset", "int64"), ("LastOffset", "int64"), ("AcknowledgeTypes", "[]int8")],
            ),
        ],
    ),
]
_SHARING = [("GroupId", "string?", "groupId"), ("MemberId", "string?"), ("ShareSessionEpoch", "int32")]


def _state(*more: tuple[str, object]) -> list[object]:
    partitions = [("Partition", "int32"), *more]
    return [_GROUP, ("Topics", [("TopicId", "uuid"), ("Partitions", partitions)])]


MORE: dict[int, Message] = {
    message.key: message
    for message in (
        described(
            38,
            "CreateDelegationToken",
            3,
            [
                ("OwnerPrincipalType", "string?"),
                ("OwnerPrincipalName", "string?"),
                ("Renewers", _OWNER),
                ("MaxLifetimeMs", "int64"),
            ],
            _ERROR,
        ),
        described(39, "RenewDelegationToken", 2, [("Hmac", "bytes"), ("RenewPeriodMs", "int64")], _ERROR),
        described(40, "ExpireDelegationToken", 2, [("Hmac", "bytes"), ("ExpiryTimePeriodMs", "int64")], _ERROR),
        described(41, "DescribeDelegationToken", 3, [("Owners", _OWNER)], _ERROR),
        described(64, "UnregisterBroker", 0, [("BrokerId", "int32")], _THROTTLED),
        described(
            68,
            "ConsumerGroupHeartbeat",
            0,
            [
                *_MEMBER,
                ("InstanceId", "string?"),
                ("RackId", "string?"),
                ("RebalanceTimeoutMs", "int32"),
                ("SubscribedTopicNames", "[]string?", "topicName"),
                ("ServerAssignor", "string?"),
                ("TopicPartitions", [("TopicId", "uuid"), ("Partitions", "[]int32")]),
            ],
            _THROTTLED,
        ),
        described(69, "ConsumerGroupDescribe", 0, _TELLING, _GROUPS),
        described(71, "GetTelemetrySubscriptions", 0, [("ClientInstanceId", "uuid")], _THROTTLED),
        described(
            72,
            "PushTelemetry",
            0,
            [
                ("ClientInstanceId", "uuid"),
                ("SubscriptionId", "int32"),
                ("Terminating", "bool"),
                ("CompressionType", "int8"),
                ("Metrics", "bytes"),
            ],
            _THROTTLED,
        ),
        described(
            76,
            "ShareGroupHeartbeat",
            1,
            [*_MEMBER, ("RackId", "string?"), ("SubscribedTopicNames", "[]string?", "topicName")],
            _THROTTLED,
        ),
        described(77, "ShareGroupDescribe", 1, _TELLING, _GROUPS),
        described(
            78,
            "ShareFetch",
            1,
            [
                *_SHARING,
                *((name, "int32") for name in ("MaxWaitMs", "MinBytes", "MaxBytes", "MaxRecords", "BatchSize")),
                ("Topics", _ACKNOWLEDGED),
                ("ForgottenTopicsData", [("TopicId", "uuid"), ("Partitions", "[]int32")]),
            ],
            _THROTTLED,
        ),
        described(79, "ShareAcknowledge", 1, [*_SHARING, ("Topics", _ACKNOWLEDGED)], _THROTTLED),
        described(
            80,
            "AddRaftVoter",
            0,
            [
                ("ClusterId", "string?"),
                ("TimeoutMs", "int32"),
                ("VoterId", "int32"),
                ("VoterDirectoryId", "uuid"),
                ("Listeners", [("Name", "string"), ("Host", "string"), ("Port", "uint16")]),
            ],
            _THROTTLED,
        ),
        described(
            81,
            "RemoveRaftVoter",
            0,
            [("ClusterId", "string?"), ("VoterId", "int32"), ("VoterDirectoryId", "uuid")],
            _THROTTLED,
        ),
        described(
            83,
            "InitializeShareGroupState",
            0,
            _state(("StateEpoch", "int32"), ("StartOffset", "int64")),
            _STATES,
        ),
        described(84, "ReadShareGroupState", 0, _state(("LeaderEpoch", "int32")), _STATES),
        described(
            85,
            "WriteShareGroupState",
            0,
            _state(
                ("StateEpoch", "int32"),
                ("LeaderEpoch", "int32"),
                ("StartOffset", "int64"),
                ("StateBatches", _BATCHES),
            ),
            _STATES,
        ),
        described(86, "DeleteShareGroupState", 0, _state(), _STATES),
        described(87, "ReadShareGroupStateSummary", 0, _state(("LeaderEpoch", "int32")), _STATES),
        described(
            88,
            "StreamsGroupHeartbeat",
            0,
            [
                *_MEMBER,
                ("EndpointInformationEpoch", "int32"),
                ("InstanceId", "string?"),
                ("RackId", "string?"),
                ("RebalanceTimeoutMs", "int32"),
                ("Topology", "int8"),  # -1: absent
                *((name, _TASKS) for name in ("ActiveTasks", "StandbyTasks", "WarmupTasks")),
                ("ProcessId", "string?"),
                ("UserEndpoint", "int8"),  # -1: absent
                ("ClientTags", [("Key", "string"), ("Value", "string")]),
                *((name, _OFFSETS) for name in ("TaskOffsets", "TaskEndOffsets")),
                ("ShutdownApplication", "bool"),
            ],
            _THROTTLED,
        ),
        described(89, "StreamsGroupDescribe", 0, _TELLING, _GROUPS),
        described(
            90,
            "DescribeShareGroupOffsets",
            0,
            [("Groups", [_GROUP, ("Topics", [_TOPIC, ("Partitions", "[]int32")])])],
            [("ThrottleTimeMs", "int32"), ("Groups", [("GroupId", "string"), ("Topics", "[]int32"), *_ERROR])],
        ),
        described(
            91,
            "AlterShareGroupOffsets",
            0,
            [
                _GROUP,
                ("Topics", [_TOPIC, ("Partitions", [("PartitionIndex", "int32"), ("StartOffset", "int64")])]),
            ],
            _THROTTLED,
        ),
        described(
            92,
            "DeleteShareGroupOffsets",
            0,
            [_GROUP, ("Topics", [_TOPIC])],
            _THROTTLED,
        ),
    )
}  # fmt: skip
