"""What the Job of an operation does, over the other fakes: with real encryption, and no right but those granted."""

import base64
import hashlib
import json
from dataclasses import asdict
from typing import Any

from rooftree_operator import names
from rooftree_operator.adapters.kubernetes import CLAIM, JOB, POD, POLICY, SECRET, VOLUME
from rooftree_operator.archive import envelope, masking
from rooftree_operator.archive.envelope import About, Cipher, Damaged
from rooftree_operator.archive.manifest import Manifest, manifest_name, parsed, segment_name
from rooftree_operator.drift import Object
from rooftree_operator.secret_objects import decoded

from .kubernetes import FakeKubernetes
from .postgres import FakePostgres
from .s3 import FakeS3
from .volume import SOURCE, FakeVolume


class FakeArchive:
    """Ends Jobs of operations. `fails` holds commands whose Jobs fail, `stands` those that take for ever."""

    def __init__(self, kube: FakeKubernetes, postgres: FakePostgres, s3: FakeS3, volume: FakeVolume) -> None:
        self._kube, self._postgres, self._s3, self._volume = kube, postgres, s3, volume
        self._pod: Object = {}
        self.fails: set[str] = set()
        self.stands: set[str] = set()
        self.ran: list[str] = []

    def settle(self) -> None:
        for (kind, _, _), item in list(self._kube.objects.items()):
            labels = item["metadata"].get("labels", {})
            if kind == JOB.kind and names.LABEL_OPERATION in labels and not item.get("status"):
                self._run(item)

    def _run(self, job: Object) -> None:
        (container,) = job["spec"]["template"]["spec"]["containers"]
        command = container["command"][-1]
        if command in self.stands:
            return
        self.ran.append(command)
        self._pod = job["spec"]["template"]["spec"]
        environment = {entry["name"].removeprefix("ROOFTREE_"): entry["value"] for entry in container["env"]}
        if command in self.fails:
            self._fail(job, "the disk is full")
            return
        assert self._kube.find(POLICY, "operation", job["metadata"]["namespace"]), "it would reach no store"
        self._logs_in(job, environment)
        try:
            {"write": self._write, "read": self._load}[command](job["metadata"]["namespace"], environment)
        except Damaged as damage:
            self._fail(job, str(damage))
        else:
            job["status"] = {"succeeded": 1}

    def _fail(self, job: Object, words: str) -> None:
        job["status"] = {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}
        metadata, space = job["metadata"], job["metadata"]["namespace"]
        ended = [{"state": {"terminated": {"finishedAt": "2026-11-24T12:00:00Z", "message": words}}}]
        pod = {"apiVersion": "v1", "kind": POD.kind, "status": {"containerStatuses": ended}}
        pod["metadata"] = {"name": f"{metadata['name']}-0", "namespace": space, "labels": metadata["labels"]}
        self._kube.put(pod)

    def _logs_in(self, job: Object, environment: dict[str, str]) -> None:
        """As a pod that begins now: by what it finds in its folders."""
        files = self._kube.folders(job["metadata"]["namespace"], job["spec"]["template"]["spec"])
        logins: list[tuple[FakePostgres | FakeS3, str, str]] = [
            (self._postgres, environment["DATABASE_USER"], files["migrator"]["database_password"])
        ]
        if environment.get("S3_BUCKET"):
            access = environment["S3_ACCESS_KEY"]
            assert self._s3.may(access, "PutObject", environment["S3_BUCKET"], "photo"), f"{access} opens nothing"
            logins.append((self._s3, access, files["app"]["s3_secret_key"]))
        assert [user for server, user, password in logins if not server.lets_in(user, password)] == []

    def _secret(self, space: str, name: str) -> dict[str, str]:
        found = self._kube.find(SECRET, name, space)
        assert found is not None, f"the pod would not start without Secret {name}"
        return decoded(found)

    def _granted(self, space: str, environment: dict[str, str], action: str, key: str) -> dict[str, bytes]:
        """What lies beside the backup, if the Job may do that there: by its own key, or with what it has mounted."""
        if "BACKUP_DIR" in environment:
            return self._mounted(space, environment["BACKUP_DIR"], key, writes=action == "PutObject")
        access, bucket = environment["BACKUP_ACCESS_KEY"], environment["BACKUP_BUCKET"]
        assert self._s3.accounts[access].secret == self._secret(space, "operation")["store_secret_key"]
        assert self._s3.may(access, action, bucket, key), f"{access} may not {action} {key}"
        return self._s3.buckets[bucket].objects

    def _mounted(self, space: str, folder: str, key: str, *, writes: bool) -> dict[str, bytes]:
        """As a node does it: by the pod's claim, the one volume that this is bound to, and the folder that it names."""
        (mount,) = [one for one in self._pod["containers"][0]["volumeMounts"] if one["mountPath"] == folder]
        (volume,) = [one for one in self._pod["volumes"] if one["name"] == mount["name"]]
        named = volume["persistentVolumeClaim"]
        claim = self._kube.find(CLAIM, named["claimName"], space)
        assert claim is not None, "the pod would wait for its claim"
        bound = self._kube.find(VOLUME, claim["spec"]["volumeName"])
        assert bound is not None, "the claim would wait for its volume"
        reference = bound["spec"]["claimRef"]
        assert (reference["namespace"], reference["name"]) == (space, named["claimName"]), (
            "it is kept for another claim"
        )
        assert bound["spec"]["accessModes"] == claim["spec"]["accessModes"]
        assert (mount["readOnly"], named["readOnly"]) == (not writes, not writes)
        path = bound["spec"]["nfs"]["path"].removeprefix(SOURCE["nfs"]["path"]).strip("/")
        tenant, _, backup = path.partition("/")
        assert (tenant, backup) in self._volume.made, "nobody has made the folder"
        assert key.startswith(f"{backup}/"), f"{key} is not in the folder that the pod sees"
        return self._volume.files[tenant]

    def _write(self, space: str, environment: dict[str, str]) -> None:
        database, content = environment["DATABASE_NAME"], self._postgres.content[environment["DATABASE_NAME"]]
        assert environment["DATABASE_USER"] in self._postgres.known[database].can_connect
        about = About(environment["TENANT_ID"], environment["BACKUP"], f"try{len(self.ran)}")
        bucket = environment.get("S3_BUCKET")
        files = self._s3.buckets[bucket].objects if bucket else {}
        told: dict[str, Any] = {"heads": sorted(content.heads), "rows": content.rows}
        told["objects"] = {name: value.hex() for name, value in files.items()}
        key, public = envelope.data_key(), bytes.fromhex(environment["BACKUP_PUBLIC_KEY"])
        segment = Cipher(key, about).encrypt(1, json.dumps(told).encode(), last=True)
        place, name = segment_name(about, 1), manifest_name(about.backup)
        self._granted(space, environment, "PutObject", place)[place] = segment
        made = Manifest(
            **asdict(about),
            taken_at="2026-11-24T12:00:00.000Z",
            version=environment["VERSION"],
            heads=tuple(sorted(content.heads)),
            outbox=7,
            unsent=1,
            rows=len(content.rows),
            objects=len(files),
            segments=1,
            size=len(segment),
            checksum=hashlib.sha256(segment).hexdigest(),
            key_id=envelope.key_id(public),
            sealed_key=base64.b64encode(envelope.seal(public, key, about)).decode(),
            seconds=1.5,
        )
        self._granted(space, environment, "PutObject", name)[name] = made.encoded()

    def _load(self, space: str, environment: dict[str, str]) -> None:
        name = manifest_name(environment["BACKUP"])
        made = parsed(self._granted(space, environment, "GetObject", name)[name])
        place = segment_name(made.about, 1)
        segment = self._granted(space, environment, "GetObject", place)[place]
        key = bytes.fromhex(self._secret(space, "operation")["data_key"])
        told: dict[str, Any] = json.loads(Cipher(key, made.about).decrypt(1, segment, last=True))
        database = environment["DATABASE_NAME"]
        assert environment["DATABASE_USER"] in self._postgres.known[database].can_connect
        content = self._postgres.content[database]
        content.heads, content.rows = frozenset(told["heads"]), list(told["rows"])
        content.owner_inside = environment["DATABASE_OWNER_ROLE"]
        if rules := environment.get("CLONE_RULES"):
            assert masking.parsed(json.loads(rules)).emptied
            assert self._secret(space, "operation")["salt"]
            masked = environment.get("MASK") == "yes"
            content.rows = ["masked" if masked else row for row in content.rows if not row.startswith("job ")]
        if bucket := environment.get("S3_BUCKET"):
            files = {name: bytes.fromhex(value) for name, value in told["objects"].items()}
            self._s3.buckets[bucket].objects.update(files)
