"""`python -m rooftree.main [--modules a,b]`: serve this tenant."""

import argparse
import sys

from rooftree import assembly
from rooftree.kernel import logs
from rooftree.kernel.server import serve
from rooftree.kernel.settings import Secrets, Settings, SettingsError, load
from rooftree.kernel.telemetry import TelemetrySettings


def main() -> int:
    parser = argparse.ArgumentParser(prog="rooftree", description="Serve one tenant.")
    parser.add_argument("--modules", default="", help="comma-separated; all modules when left out")
    arguments = parser.parse_args()
    try:
        settings, telemetry = load(Settings), load(TelemetrySettings)
        logs.configure(settings.log_level, tenant_id=settings.tenant_id)
        wanted = [name for name in arguments.modules.split(",") if name]
        app = assembly.create_app(settings, Secrets(settings.secrets_dir), wanted=wanted)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    serve(app, settings, telemetry)
    return 0


if __name__ == "__main__":
    sys.exit(main())
