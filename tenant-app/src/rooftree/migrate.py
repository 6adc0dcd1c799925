"""`python -m rooftree.migrate`: bring this tenant's database to the heads of all branches."""

import sys

from rooftree import assembly
from rooftree.kernel import logs, migrating
from rooftree.kernel.settings import DatabaseSettings, Secrets, SettingsError, load


def main() -> int:
    try:
        settings = load(DatabaseSettings)
        logs.configure("INFO", tenant_id=settings.database_name)
        folders = [assembly.folder(name) for name in assembly.names()]
        migrating.upgrade(settings, Secrets(settings.secrets_dir), folders)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
