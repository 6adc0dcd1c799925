"""What the feed is told from outside: its one client's credentials and where to listen."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    client_id: str
    client_secret: str
    host: str = "0.0.0.0"  # noqa: S104 - a pod's own address
    port: int = 8080
    control_port: int = 8081
    """On loopback only."""


class SettingMissing(Exception):
    """An environment variable that has no default is not set."""


def read_settings() -> Settings:
    values = {name: os.environ.get(name, "") for name in ("MLS_CLIENT_ID", "MLS_CLIENT_SECRET")}
    missing = sorted(name for name, value in values.items() if not value)
    if missing:
        raise SettingMissing(f"set {' and '.join(missing)}")
    return Settings(
        client_id=values["MLS_CLIENT_ID"],
        client_secret=values["MLS_CLIENT_SECRET"],
        host=os.environ.get("MLS_HOST", Settings.host),
        port=int(os.environ.get("MLS_PORT", Settings.port)),
        control_port=int(os.environ.get("MLS_CONTROL_PORT", Settings.control_port)),
    )
