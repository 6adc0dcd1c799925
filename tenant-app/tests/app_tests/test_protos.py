"""The committed messages are those of the protos, and check finds drift."""

import protos
import pytest


def test_committed_modules_are_current() -> None:
    wanted, found = protos.generated(), protos.present()
    assert wanted.keys() == found.keys()
    assert [name for name, content in wanted.items() if found[name] != content] == [], "run `make gen`"


def test_check_finds_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["protos", "--check"])
    assert protos.main() == 0
    monkeypatch.setattr(protos, "present", lambda: protos.generated() | {"crm_pb2.py": ""})
    assert protos.main() == 1
