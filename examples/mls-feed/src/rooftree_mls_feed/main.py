"""Serves the sample feed: `python -m rooftree_mls_feed.main`."""

from __future__ import annotations

import uvicorn

from rooftree_mls_feed.app import build_app
from rooftree_mls_feed.settings import read_settings


def main() -> None:
    settings = read_settings()
    uvicorn.run(build_app(settings), host=settings.host, port=settings.port, server_header=False)


if __name__ == "__main__":
    main()
