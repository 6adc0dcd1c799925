"""The platform's keys for backups: a Secret in the operator's namespace, which no pod of a tenant ever gets.

`current` names the key that new backups are sealed for; the others are there for older backups. Whoever loses this
Secret loses all backups, so it has to be kept elsewhere, too (docs/backup.md).
"""

import base64
from dataclasses import dataclass

from .. import names
from ..adapters.kubernetes import SECRET, Conflict, Kubernetes
from ..archive.envelope import KeyPair
from ..drift import Object
from ..secret_objects import decoded
from .progress import OperationFailed

NAME = "backup-keys"
CURRENT = "current"


@dataclass(frozen=True)
class Keyring:
    """`namespace` is the operator's own."""

    kube: Kubernetes
    namespace: str

    async def current(self) -> KeyPair:
        """The key for new backups; the first one is made now."""
        found = await self.kube.get(SECRET, NAME, self.namespace)
        if found is None:
            made = KeyPair.made()
            try:
                found = await self.kube.create(_secret(made, self.namespace))
            except Conflict:
                found = await self.kube.get(SECRET, NAME, self.namespace)
        values = decoded(found)
        return _key(values, values.get(CURRENT, ""), self.namespace)

    async def find(self, key_id: str) -> KeyPair:
        """The key of an older backup. Raises `OperationFailed` if it is lost."""
        return _key(decoded(await self.kube.get(SECRET, NAME, self.namespace)), key_id, self.namespace)


def _key(values: dict[str, str], key_id: str, namespace: str) -> KeyPair:
    private = values.get(key_id)
    if not private:
        advice = "a platform admin must put it back from where it is kept"
        raise OperationFailed("BackupKeyMissing", f"Secret {namespace}/{NAME} has no key {key_id or CURRENT}: {advice}")
    return KeyPair(bytes.fromhex(private))


def _secret(key: KeyPair, namespace: str) -> Object:
    values = {CURRENT: key.id, key.id: key.private.hex()}
    data = {name: base64.b64encode(value.encode()).decode() for name, value in values.items()}
    labels = {names.LABEL_MANAGED_BY: names.MANAGER}
    metadata = {"name": NAME, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": data}
