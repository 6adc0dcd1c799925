"""Copies the primary and becomes the standby: `python -m rooftree_local.standby_server CLIENTS SERVER`, inside a stack.

CLIENTS and SERVER are the folders of PostgreSQL's programs; those of CLIENTS have no TLS and use the loopback. Begun
as root, because the checkout with CLIENTS may be closed to others; the server itself runs as its own user.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from rooftree_local.addresses import POSTGRES_PORT, STATE
from rooftree_local.postgres import STANDBY_ROLE, STANDBY_SLOT
from rooftree_local.users import USERS, as_user

FOLDER = Path(STATE, "standby")
DATA = FOLDER / "data"
LOGIN = ("--host=127.0.0.1", f"--port={POSTGRES_PORT}", f"--username={STANDBY_ROLE}", "--no-password")


def main() -> None:
    """Never returns: the process becomes the server."""
    clients, server = map(Path, sys.argv[1:])
    environment = os.environ | {"PGPASSFILE": str(FOLDER / "passwords")}
    shutil.rmtree(DATA, ignore_errors=True)
    _drop_slot(clients, environment)
    copy = ("--wal-method=stream", "--checkpoint=fast", "--no-sync", "--create-slot", f"--slot={STANDBY_SLOT}")
    subprocess.run([clients / "pg_basebackup", *LOGIN, f"--pgdata={DATA}", *copy], env=environment, check=True)
    (DATA / "standby.signal").touch()
    for path in (DATA, *DATA.rglob("*")):
        os.chown(path, USERS["standby"], USERS["standby"], follow_symlinks=False)
    settings = f"config_file={FOLDER}/postgresql.conf"
    argv = [*as_user("standby"), str(server / "postgres"), "-D", str(DATA), "-c", settings]
    os.execvp(argv[0], argv)  # noqa: S606 - it becomes the server


def _drop_slot(clients: Path, environment: dict[str, str]) -> None:
    """An earlier standby's, with the log that it holds."""
    statement = f"DROP_REPLICATION_SLOT {STANDBY_SLOT} WAIT"
    command = [clients / "psql", "--no-psqlrc", *LOGIN, "--dbname=replication=true", f"--command={statement}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode and "does not exist" not in done.stderr:
        sys.exit(f"the slot of an earlier standby cannot be dropped: {done.stderr.strip()}")


if __name__ == "__main__":
    main()
