"""Reasons of operations that do not succeed. Pure."""

from .reasons import Audience, Code

OPERATION = "kubectl get brokerageoperation {operation} -o yaml"

ORDERED = (
    Code(
        "BrokerageUnknown",
        Audience.RESELLER,
        False,
        "The operation names no brokerage that is there.",
        "kubectl get brokerages",
    ),
    Code(
        "BackupUnknown",
        Audience.RESELLER,
        False,
        "The operation names no backup that is there.",
        "kubectl get brokeragebackups",
    ),
    Code(
        "BackupOfAnother",
        Audience.RESELLER,
        False,
        "The backup is of another brokerage, or of an earlier one of this name. Take one of this tenant.",
        "kubectl get brokeragebackups -l rooftree.dev/tenant={id}",
    ),
    Code(
        "BackupExists",
        Audience.RESELLER,
        False,
        "There is a backup of this name already, and none is ever written over. Order another one by another name.",
        "kubectl get brokeragebackups",
    ),
    Code(
        "OperationCancelled",
        Audience.RESELLER,
        False,
        "The operation was deleted before its end; what it had begun was taken back.",
        "kubectl get brokerageoperations",
    ),
    Code(
        "BackupUnusable",
        Audience.PLATFORM,
        False,
        "The backup was never finished, or what lies there is not what was written. Take another one.",
        "kubectl get brokeragebackups -o wide",
    ),
    Code(
        "BackupFailed",
        Audience.PLATFORM,
        False,
        "The Job that writes the backup failed; its last words are in the message. Repair, then order another one.",
        OPERATION,
    ),
    Code(
        "RestoreFailed",
        Audience.PLATFORM,
        False,
        "The backup could not be loaded or proven, or the app does not answer on it. The brokerage has the database "
        "that it had.",
        OPERATION,
    ),
    Code(
        "DrillFailed",
        Audience.PLATFORM,
        False,
        "The backup could not be loaded, or something of it was missing or changed. It is no use: have another one "
        "written, and look for the cause.",
        OPERATION,
    ),
    Code(
        "CloneFailed",
        Audience.RESELLER,
        False,
        "What the brokerage was to begin with could not be loaded; the message tells why. Repair, and delete the "
        "operation to have it tried again.",
        "kubectl delete brokerageoperation {name}-clone",
    ),
    Code(
        "CloneUnsupported",
        Audience.RESELLER,
        False,
        "The release is older than clones. Choose a newer version.",
        "kubectl edit brokerage {name}",
    ),
    Code(
        "FinalBackupFailed",
        Audience.PLATFORM,
        True,
        "The brokerage is to be deleted under `deletionPolicy: Snapshot`, and its last backup cannot be written: "
        "nothing is deleted. Repair and delete the operation to have it tried again, or change the policy.",
        "kubectl get brokerageoperations -l rooftree.dev/brokerage={name}",
    ),
    Code(
        "BackupKeyMissing",
        Audience.PLATFORM,
        False,
        "The key that the backup was sealed for is not in the Secret of keys. Put it back from where it is kept.",
        "kubectl get secret backup-keys -n {platform}",
    ),
    Code(
        "BackupStoreMissing",
        Audience.PLATFORM,
        False,
        "This installation has neither an object store nor a volume for backups: values `s3.secret` and "
        "`backups.volume` of the chart.",
        "kubectl get secrets -n {platform}",
    ),
    Code(
        "BackupElsewhere",
        Audience.PLATFORM,
        False,
        "The backup lies in an object store, and this installation keeps backups on a volume, or the other way round. "
        "It is neither read nor deleted. Set the chart as it was when it was written, for as long as it is needed.",
        "kubectl get brokeragebackups -o custom-columns=NAME:.metadata.name,STORE:.status.store",
    ),
    Code(
        "BackupsElsewhere",
        Audience.PLATFORM,
        True,
        "While deleting: backups of the brokerage lie where this installation keeps none any more, and would stay for "
        "ever. Set the chart as it was until they are gone.",
        "kubectl get brokeragebackups -l rooftree.dev/brokerage={name} -o yaml",
    ),
    Code(
        "BackupClaimRefused",
        Audience.PLATFORM,
        True,
        "The API server refuses the volume of an operation, or its claim in the brokerage's namespace, with its own "
        "words in the message.",
        "kubectl describe resourcequota tenant -n {namespace}",
    ),
    Code(
        "OperationImageUnknown",
        Audience.PLATFORM,
        False,
        "The operator was not told its own image, which Jobs of operations run: value `image.operator` of the chart.",
        "kubectl get deployment rooftree-operator -n {platform} -o yaml",
    ),
)
