"""`python -m rooftree_operator.archive write|read`: what the Job of an operation runs in the tenant's namespace.

Everything that it needs are variables and mounted Secrets; what it has to say is its last line, which Kubernetes keeps.
"""

import json
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg

from ..adapters.sigv4 import Key
from . import masking, reading, writing
from .database import Database, ProgramFailed, connected
from .envelope import About, Damaged
from .folder import Folder
from .manifest import Manifest, manifest_name, parsed
from .store import Store, StoreError
from .stream import Objects, Target

LOG = Path("/dev/termination-log")
KEY_FOLDERS = ("app", "migrator")


class Settings:
    """`ROOFTREE_*` variables, and files of Secrets below one folder each."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def value(self, name: str) -> str:
        return self._environment[f"ROOFTREE_{name}"]

    def optional(self, name: str) -> str:
        return self._environment.get(f"ROOFTREE_{name}", "")

    def secret(self, folder: str, name: str) -> str:
        return (Path(self.value("SECRETS_DIR"), folder, name)).read_text().strip()

    def keys(self) -> dict[str, bytes]:
        """The tenant's own Secrets."""
        root = Path(self.value("SECRETS_DIR"))
        files = [file for folder in KEY_FOLDERS for file in sorted((root / folder).iterdir())]
        # Kubernetes keeps the files in a hidden folder, to which these names lead.
        return {f"{file.parent.name}/{file.name}": file.read_bytes() for file in files if not file.name.startswith(".")}

    def database(self) -> Database:
        return Database(
            self.value("DATABASE_HOST"),
            int(self.value("DATABASE_PORT")),
            self.value("DATABASE_NAME"),
            self.value("DATABASE_USER"),
            self.secret("migrator", "database_password"),
            self.value("DATABASE_OWNER_ROLE"),
            self.value("CA_FILE"),
        )

    def backups(self) -> Target:
        """Where the one backup lies that this Job is about."""
        if self.optional("BACKUP_DIR"):
            return Folder(Path(self.value("BACKUP_DIR")), self.value("BACKUP"))
        return self._store(
            "BACKUP_BUCKET", Key(self.value("BACKUP_ACCESS_KEY"), self.secret("operation", "store_secret_key"))
        )

    def bucket(self) -> Store | None:
        """The tenant's own, unless the installation or this operation has none."""
        if not self.optional("S3_BUCKET"):
            return None
        return self._store("S3_BUCKET", Key(self.value("S3_ACCESS_KEY"), self.secret("app", "s3_secret_key")))

    def _store(self, bucket: str, key: Key) -> Store:
        return Store(self.value("S3_ENDPOINT"), self.value("S3_REGION"), self.value(bucket), key, self.value("CA_FILE"))


def write(settings: Settings) -> dict[str, Any]:
    """Writes the backup; every try of the Job has a place of its own."""
    about = About(settings.value("TENANT_ID"), settings.value("BACKUP"), secrets.token_hex(4))
    source = writing.Source(about, settings.value("VERSION"), settings.database(), settings.bucket(), settings.keys())
    made = writing.write(source, settings.backups(), bytes.fromhex(settings.value("BACKUP_PUBLIC_KEY")))
    return {"segments": made.segments, "size": made.size, "seconds": made.seconds}


def read(settings: Settings) -> dict[str, Any]:
    """Loads the backup and proves it."""
    backups = settings.backups()
    manifest = _manifest(backups, settings.value("BACKUP"))
    key = bytes.fromhex(settings.secret("operation", "data_key"))
    told = asdict(reading.read(manifest, key, backups, settings.database(), settings.bucket()))
    if rules := settings.optional("CLONE_RULES"):
        mask, salt = settings.optional("MASK") == "yes", settings.secret("operation", "salt")
        with connected(settings.database()) as connection:
            masking.apply(connection, masking.parsed(json.loads(rules)), salt, mask=mask)
    return told


def _manifest(backups: Objects, backup: str) -> Manifest:
    return parsed(backups.get(manifest_name(backup)).content)


def main(words: list[str]) -> int:
    """The process's code. What went wrong is its last line: no secret is ever in it, and nothing of any row."""
    command = {"write": write, "read": read}[words[0]]
    try:
        told, code = command(Settings(os.environ)), 0
    except (Damaged, ProgramFailed, StoreError, psycopg.Error, OSError, KeyError) as error:
        told, code = {"error": type(error).__name__, "message": message(error)}, 1
    line = json.dumps(told)
    sys.stdout.write(line + "\n")
    if LOG.exists():
        LOG.write_text(line)
    return code


def message(error: Exception) -> str:
    """In one line. Of what PostgreSQL says only the first part: the others may quote rows."""
    primary = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return " ".join((primary or str(error)).split())[:1000]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
