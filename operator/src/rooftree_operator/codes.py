"""Every reason that the operator gives: what it means, who must act, whether it retries, the exact next command. Pure.

The table is closed: a test finds each reason in the sources and fails for one that is not here, and for one here that
nothing gives. `docs/conditions.md` is written from it (`python -m rooftree_operator.conditions_page`).
"""

from collections.abc import Mapping

from .operation_codes import OPERATION, ORDERED
from .reasons import Audience, Code


class _Facts(dict[str, str]):
    """What is not known yet stays to be filled in by the reader: NAMESPACE."""

    def __missing__(self, key: str) -> str:
        return key.upper()


def filled(template: str, facts: Mapping[str, str]) -> str:
    """A hint with what is known of the brokerage put in."""
    return template.format_map(_Facts(facts))


def find(reason: str) -> Code:
    """The code of a reason; for one that a newer operator gives, what can be said of any."""
    return CODES.get(reason) or Code(reason, Audience.PLATFORM, False, "This version does not know the reason.", LOOK)


LOOK = "kubectl describe brokerage {name}"
_WATCH = "kubectl get brokerage {name} --watch"
_OPERATOR = "kubectl logs -n {platform} -l app.kubernetes.io/component=operator --tail=-1 --since=10m"
_EDIT = "kubectl edit brokerage {name}"
_EDIT_PLAN = "kubectl edit brokerageplan {plan}"
_PODS = "kubectl get pods -n {namespace}"
_ROUTE = "kubectl describe httproute app -n {namespace}"
_GO_ON = "kubectl patch brokerage {name} --type=merge -p '{go_on}'"
_RELEASES = "kubectl get configmaps -n {platform} -l rooftree.dev/release"


_TENANT, _RESELLER, _PLATFORM, _NOBODY = Audience

_FINE = (
    Code("Answering", _NOBODY, False, "The brokerage answers on its own address, as itself, in the wanted version."),
    Code("Provisioned", _NOBODY, False, "This part is as declared."),
    Code("Current", _NOBODY, False, "The database has all migrations of the version; all pods run it."),
    Code("Ahead", _NOBODY, False, "The database has migrations of a newer version, too; this one runs on it."),
    Code(
        "Suspended",
        _NOBODY,
        False,
        "It is suspended, as declared: its address shows the page, no pod runs.",
        "kubectl brokerage resume {name}",
    ),
    Code(
        "Asleep",
        _NOBODY,
        False,
        "Nobody uses it, so that it has no pods. A request wakes it, and waits for its answer meanwhile.",
    ),
    Code("FallingAsleep", _NOBODY, True, "Nobody uses it; its pods go when the edge leads to the activator.", _ROUTE),
    Code("Waking", _NOBODY, True, "Somebody has come, or a job is due: pods are starting and requests wait.", _PODS),
    Code("Proven", _NOBODY, False, "The backup that was tried last was loaded, and all of it was there."),
    Code(
        "NeverProven",
        _NOBODY,
        True,
        "No backup of the schedule was ever tried; `backup.drill` has it done by itself.",
        "kubectl brokerage drill {name}",
    ),
    Code("Succeeded", _NOBODY, False, "The operation has done all of its steps."),
    Code("Available", _NOBODY, False, "The pods are available."),
    Code("Accepted", _NOBODY, False, "The edge serves the address."),
    Code("Monolith", _NOBODY, False, "All modules are in the pods of the app."),
    Code("Disabled", _NOBODY, False, "This installation makes no network policies."),
    Code(
        "Rotating",
        _NOBODY,
        True,
        "All credentials are being replaced by new ones; the brokerage serves meanwhile. `status.rotation` tells the "
        "phase and what it waits for.",
        LOOK,
    ),
    Code("Fixed", _NOBODY, False, "The plan fixes the number of pods."),
    Code("NotConfigured", _PLATFORM, False, "This installation has no object storage: value `s3.secret` of the chart."),
)

_AWAITED = (
    Code(
        "AwaitingDependency", _NOBODY, True, "A part that this one needs is not done; that part's condition tells why."
    ),
    Code("NamespaceTerminating", _NOBODY, True, "An older namespace is going; it is made again afterwards.", _WATCH),
    Code(
        "TemplateNotReady", _NOBODY, True, "The release's template database is being made; under ten seconds.", _WATCH
    ),
    Code("Migrating", _NOBODY, True, "The database is being brought to the release; old pods go on.", _WATCH),
    Code(
        "RollingOut",
        _NOBODY,
        True,
        "Pods are starting: fewer than `replicas.min` of the plan are available, or old ones still run.",
        _PODS,
    ),
    Code(
        "Upgrading", _NOBODY, True, "The brokerage is brought to its version; old pods go when new ones serve.", _WATCH
    ),
    Code("Returning", _NOBODY, True, "The wanted version does not work; the one before it is put back.", _WATCH),
    Code("Suspending", _NOBODY, True, "Pods stay until the edge shows the page.", _ROUTE),
    Code("PodsLeaving", _NOBODY, True, "Pods end what they have begun, which takes 45 s at most.", _PODS),
    Code("Resuming", _NOBODY, True, "Pods are coming back; visitors see the page until they can answer.", _PODS),
    Code("OperationRunning", _NOBODY, True, "The Job of the operation is at work.", OPERATION),
    Code("Cloning", _NOBODY, True, "What the brokerage begins with is being loaded; visitors see a page.", _WATCH),
    Code("BrokerageNotReady", _NOBODY, True, "The operation waits for a brokerage that is still being made.", _WATCH),
    Code("DatabaseInUse", _NOBODY, True, "Somebody came back into a database that is to be replaced.", OPERATION),
    Code("SlugBeingFreed", _NOBODY, True, "The tenant that had this name is being purged.", _WATCH),
    Code("RouteChanging", _NOBODY, True, "The edge has not accepted the route yet.", _WATCH),
    Code("RouteRefused", _PLATFORM, True, "The edge refuses the route, with its own words in the message.", _ROUTE),
    Code("KafkaLoginPending", _NOBODY, True, "Kafka does not take the tenant's login yet; it is set again.", _WATCH),
    Code("RedisLoginPending", _NOBODY, True, "Redis does not take the tenant's login yet; it is set again.", _WATCH),
    Code(
        "S3LoginPending", _NOBODY, True, "The object store does not take the tenant's key yet; it is set again.", _WATCH
    ),
    Code("ConsumersLeaving", _NOBODY, True, "Consumers that were killed are being removed from their groups.", _WATCH),
    Code("Registered", _NOBODY, True, "It is known, has its tenant's id, and is in line to be made.", _WATCH),
    Code("Deleting", _NOBODY, True, "Deletion is under way; the message tells what is awaited.", _WATCH),
    Code("DeletingNamespace", _NOBODY, True, "The namespace is being deleted; five seconds at least.", _WATCH),
    Code("StoppingWorkload", _NOBODY, True, "The app is being stopped before its data goes.", _WATCH),
    Code("FinalBackup", _NOBODY, True, "The last backup is written before anything is deleted.", _WATCH),
    Code("DeletingBackups", _NOBODY, True, "All that was ever written of the tenant goes with it.", _WATCH),
    Code("DeletingObjects", _NOBODY, True, "The bucket is being emptied: a second for 10,000 objects.", _WATCH),
)

_DECLARED = (
    Code(
        "PlanUnknown",
        _RESELLER,
        False,
        "`spec.plan` names a plan that does not exist.",
        f"kubectl get brokerageplans && {_EDIT}",
    ),
    Code(
        "ReleaseUnknown",
        _RESELLER,
        False,
        "`spec.version` names a release that is not installed.",
        f"{_RELEASES} && {_EDIT}",
    ),
    Code(
        "ChannelUnknown",
        _PLATFORM,
        False,
        "The plan follows a release channel that is not defined.",
        "kubectl get configmap channels -n {platform} -o yaml",
    ),
    Code(
        "SlugTaken",
        _RESELLER,
        False,
        "Another tenant has this name, or a deleted one whose data was kept: take another name, claim the kept one by "
        "`spec.tenantID`, or purge it; the message tells how.",
        "kubectl delete brokerage {name}",
    ),
    Code(
        "ClaimRefused",
        _RESELLER,
        False,
        "`spec.tenantID` is not a kept tenant of this name, or it is being purged. It cannot be changed: create the "
        "brokerage without it.",
        "kubectl delete brokerage {name}",
    ),
    Code(
        "HostTaken",
        _RESELLER,
        False,
        "An older route has this address. One of the two must go: the message names the older one.",
        "kubectl get httproutes -A -l rooftree.dev/host",
    ),
    Code(
        "TopologyUnknown",
        _RESELLER,
        False,
        "The release is older than microservices: choose `topology: monolith` or a newer version.",
        _EDIT,
    ),
    Code(
        "ScheduleInvalid",
        _RESELLER,
        False,
        "`backup.schedule` of the brokerage or of its plan is no time that ever comes; the message tells why.",
        _EDIT,
    ),
    Code(
        "PlanTooSmall",
        _PLATFORM,
        False,
        "The brokerage does not fit into the plan, by the figures in the message: what runs now, or the connections "
        "that microservices need. What runs goes on as it is, under the former plan if that one is still known.",
        _EDIT_PLAN,
    ),
    Code(
        "FeedHostRefused",
        _TENANT,
        False,
        "A feed's host is private, or inside the cluster where no tenant may reach. Give it a public host, or ask for "
        "a grant in the plan's `network.outbound`. All else goes on without this feed.",
        _EDIT,
    ),
    Code(
        "FeedCredentialsMissing",
        _PLATFORM,
        True,
        "The Secret of a feed is missing, not labelled for this brokerage, or lacks a key. All else goes on without "
        "this feed.",
        "kubectl get secrets -n {platform} -l rooftree.dev/brokerage={name}",
    ),
)

_HELD = (
    Code(
        "ChangesHeld",
        _RESELLER,
        False,
        "The operator may not change what the message names: `spec.pause`, `spec.managementPolicy: Observe`, or a plan "
        "that does not fit (docs/changes.md).",
        _GO_ON,
    ),
    Code(
        "Changes",
        _RESELLER,
        False,
        "`spec.pause`: nothing new is rolled out; secrets, certificates, logins, rights and policies are kept up.",
        _GO_ON,
    ),
    Code(
        "Everything",
        _RESELLER,
        False,
        "`spec.pause`: nothing is looked at, changed or deleted; all other conditions are as they were seen last.",
        _GO_ON,
    ),
    Code(
        "Observe",
        _RESELLER,
        False,
        "`spec.managementPolicy`: all is looked at and nothing is changed; conditions say what would be.",
        _GO_ON,
    ),
    Code(
        "DeletionHeld",
        _RESELLER,
        False,
        "The brokerage is to be deleted, and `spec.pause` is `Everything`: nothing of it is, whatever its policy.",
        _GO_ON,
    ),
)

_PLATFORM_MUST = (
    Code(
        "ShardUnserved",
        _PLATFORM,
        False,
        "The label `rooftree.dev/shard` names a shard that no operator serves. Add it to `operator.shards` of the "
        "chart, or set another label; whoever had the brokerage before goes on with it, if it still runs.",
        "kubectl label --overwrite brokerage {name} rooftree.dev/shard-",
    ),
    Code(
        "UpgradeReturned",
        _PLATFORM,
        False,
        "The wanted version did not become ready, and the last good one runs on. Mend it or set another version.",
        "kubectl annotate --overwrite brokerage {name} rooftree.dev/retry-upgrade=$(date +%s)",
    ),
    Code(
        "KeptSecretMissing",
        _PLATFORM,
        False,
        "A kept tenant is claimed, and the Secret that brings it back is gone or lacks a value. Nothing is made in its "
        "place: put it back from a backup of the cluster.",
        "kubectl get secret -n {platform} kept-{id}",
    ),
    Code(
        "SecretsForbidden",
        _PLATFORM,
        True,
        "While deleting: the operator may not read the Secrets that are to be kept. Put the RoleBinding back.",
        "kubectl get rolebinding rooftree-operator -n {namespace}",
    ),
    Code(
        "RegistryRefused",
        _PLATFORM,
        True,
        "While deleting: the registry does not know the tenant as a live one, so that nobody could claim it later. Its "
        "data is there.",
        _OPERATOR,
    ),
    Code(
        "TemplateFailed",
        _PLATFORM,
        False,
        "The Job that migrates the release's template database failed. Read its log, repair, delete the Job.",
        "kubectl logs -n {platform} -l job-name={template_job} --tail=50",
    ),
    Code(
        "MigrationFailed",
        _PLATFORM,
        False,
        "The Job that migrates the tenant's database failed; the old pods go on. Read its log, repair, delete the Job.",
        "kubectl logs -n {namespace} -l job-name={migration_job} --tail=50",
    ),
    Code(
        "RolloutStuck",
        _PLATFORM,
        False,
        "Pods of the app do not become ready within two minutes.",
        "kubectl describe pods -n {namespace}",
    ),
    Code(
        "PodsRefused",
        _PLATFORM,
        False,
        "Quota or a policy refuses the pods: compare the plan's `resources` with its `quota`.",
        "kubectl describe resourcequota tenant -n {namespace}",
    ),
    Code(
        "BucketTaken",
        _PLATFORM,
        False,
        "The bucket with this tenant's id bears the mark of another one; nothing of it is touched. Look whose it is, "
        "and remove it or correct its tag `rooftree.dev/tenant`.",
        LOOK,
    ),
    Code(
        "EdgeProbeFailed",
        _PLATFORM,
        True,
        "The app, or the page of a suspended brokerage, does not answer on its address. Short after a rollout it heals "
        "by itself.",
        "kubectl logs -n {platform} -l app.kubernetes.io/name=rooftree-edge --tail=-1 --since=5m",
    ),
    Code(
        "NotTheHolder",
        _NOBODY,
        True,
        "The operator could not renew its Lease in time and changes nothing any more; its successor goes on.",
        "kubectl get lease -n {platform} rooftree-operator",
    ),
    Code("ApiServerUnreachable", _PLATFORM, True, "The operator cannot reach the API server.", "kubectl cluster-info"),
    Code(
        "InternalError",
        _PLATFORM,
        True,
        "A bug: the operator logged it and tries again, less and less often.",
        _OPERATOR,
    ),
)

_BACKENDS = {
    "Postgres": "PostgreSQL",
    "Kafka": "Kafka",
    "Elasticsearch": "Elasticsearch",
    "Redis": "Redis",
    "S3": "S3",
    "Volume": "The volume of backups",
}
_AWAY = "does not answer. All else goes on; it heals within seconds of the return."
_SAYS_NO = "answers and refuses, with its own words in the message: rights, a full disk, too many connections."

_OUTAGES = tuple(
    code
    for backend, name in _BACKENDS.items()
    for code in (
        Code(f"{backend}Unreachable", _PLATFORM, True, f"{name} {_AWAY}", _OPERATOR),
        Code(f"{backend}Refused", _PLATFORM, True, f"{name} {_SAYS_NO}", _OPERATOR),
    )
)

CODES: Mapping[str, Code] = {
    code.reason: code
    for group in (_FINE, _AWAITED, _DECLARED, _HELD, ORDERED, _PLATFORM_MUST, _OUTAGES)
    for code in group
}
