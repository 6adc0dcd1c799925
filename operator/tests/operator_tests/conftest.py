"""What several files of tests ask for by name."""

import pytest

from .world import KEPT


@pytest.fixture(params=["bucket", "volume"])
def either_place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test runs twice: with backups in the object store, and on a volume."""
    monkeypatch.setattr(KEPT, "on_volume", request.param == "volume")


@pytest.fixture
def on_volume(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backups lie on a volume."""
    monkeypatch.setattr(KEPT, "on_volume", True)
