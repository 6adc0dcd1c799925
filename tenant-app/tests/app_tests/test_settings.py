"""Wrong settings stop the process at once with words that help and no value that hurts."""

from pathlib import Path

import pytest
from rooftree import main
from rooftree.kernel.settings import DatabaseSettings, Secrets, Settings, SettingsError, load

GOOD = {
    "TENANT_ID": "acme-0a1b2c3d",
    "SLUG": "acme",
    "DISPLAY_NAME": "Acme Realty",
    "PUBLIC_URL": "https://acme.rooftree.localhost:8443",
    "DATABASE_HOST": "127.0.0.1",
    "DATABASE_NAME": "acme",
    "DATABASE_USER": "acme.app",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    import os

    for name in [name for name in os.environ if name.startswith("ROOFTREE_")]:
        monkeypatch.delenv(name)
    for name, value in GOOD.items():
        monkeypatch.setenv(f"ROOFTREE_{name}", value)
    return monkeypatch


def test_good_settings_know_their_hosts() -> None:
    assert load(Settings).hosts == {"acme.rooftree.localhost:8443", "acme.rooftree.localhost"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "http://acme.example"),
        ("PUBLIC_URL", "https://acme.example/path"),
        ("PUBLIC_URL", "https://user@acme.example"),
        ("PUBLIC_URL", "nonsense-canary"),
        ("DATABASE_PORT", "canary"),
        ("CURRENCY", "dollars"),
        ("TENANT_ID", "   "),
    ],
)
def test_wrong_variable_is_named_without_its_value(
    environment: pytest.MonkeyPatch, name: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv(f"ROOFTREE_{name}", value)
    environment.setattr("sys.argv", ["rooftree"])
    assert main.main() == 2
    said = capsys.readouterr().err
    assert f"ROOFTREE_{name}" in said
    assert "canary" not in said
    assert "Traceback" not in said


def test_all_missing_variables_are_named_at_once(environment: pytest.MonkeyPatch) -> None:
    for name in GOOD:
        environment.delenv(f"ROOFTREE_{name}")
    with pytest.raises(SettingsError) as caught:
        load(Settings)
    assert all(f"ROOFTREE_{name}" in str(caught.value) for name in GOOD)


def test_remote_database_needs_a_certificate_authority(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ROOFTREE_DATABASE_HOST", "10.200.0.1")
    with pytest.raises(SettingsError, match="ROOFTREE_CA_FILE"):
        load(DatabaseSettings)


def test_missing_secret_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="owner_seed cannot be read"):
        Secrets(tmp_path).read("owner_seed")
    assert Secrets(tmp_path).read_optional("owner_seed") is None


def test_secret_does_not_show_itself(tmp_path: Path) -> None:
    (tmp_path / "owner_seed").write_text("canary\n")
    secret = Secrets(tmp_path).read("owner_seed")
    assert "canary" not in f"{secret!r} {secret}"
    assert secret.get_secret_value() == "canary"


def test_unknown_module_is_refused(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    environment.setattr("sys.argv", ["rooftree", "--modules", "identity,nonsense"])
    assert main.main() == 2
    assert "Unknown modules: nonsense" in capsys.readouterr().err


def test_module_without_what_it_needs_is_refused(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setattr("sys.argv", ["rooftree", "--modules", "gateway"])
    assert main.main() == 2
    assert "Module gateway needs IdentityApi" in capsys.readouterr().err
