"""Use cases of own photos."""

from typing import Any


class PhotoService:
    upload: Any
    describe: Any
    delete: Any
    restore: Any
