"""`python -m rooftree.main [--modules a,b]`: serve this tenant."""

import argparse
import os
import signal
import sys

# The kernel gives process 1 of a pod no signal that it does not handle, and what follows takes seconds: whoever is to
# end meanwhile would go on until its time is over. Nothing has begun yet; the server sets its own handler.
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

from rooftree import assembly  # noqa: E402
from rooftree.kernel import logs  # noqa: E402
from rooftree.kernel.server import serve  # noqa: E402
from rooftree.kernel.settings import Secrets, Settings, SettingsError, load  # noqa: E402
from rooftree.kernel.telemetry import TelemetrySettings  # noqa: E402


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
