"""The API as its own document describes it, made up by a machine: no bug answers, and no answer that is not described.

Each operation is tried once with every kind of value that its description tells apart; then, for `FUZZ_SECONDS` in each
role, with random ones and in sequences. `FUZZ_SEED` makes a run again. `make schemathesis` takes longer than CI does.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from rooftree.contracts.identity.api import AGENT_ROLE
from rooftree.kernel import middleware

from .conftest import EMAIL, PASSWORD, Tenant, TestDatabase, query
from .oauth_mutations import VERIFIER, challenge
from .object_storage import bucket, password, settings
from .property import elasticsearch
from .serving import Site, serving

pytestmark = pytest.mark.fuzz
SECONDS = int(os.environ.get("FUZZ_SECONDS", "30"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
# A token lives for ten minutes.
ROUND_SECONDS = 480
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "use_after_free",
)
# Each has half of a round's time.
RANDOM_PHASES = ("fuzzing", "stateful")
# They can end the sign-in that asks, after which nothing would be tried any more.
ENDING = ("end_session", "end_other_sessions", "end_user_sessions", "revoke_token")
# Its answer lasts for as long as a page is open; where nothing listens, as here, it is 503.
ENDLESS = ("follow_changes",)


@pytest.fixture
def site(
    stored_tenant: Tenant, database: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """With all that the app uses while it answers."""
    monkeypatch.setattr(middleware, "REQUEST_SECONDS", 60.0)
    with (
        elasticsearch.tenant_in(elasticsearch.Cluster.given()) as (tenant_id, search_password),
        bucket(database.ca_file) as photos,
    ):
        monkeypatch.setenv("ROOFTREE_ELASTICSEARCH_URL", os.environ["ROOFTREE_TEST_ELASTICSEARCH_URL"])
        monkeypatch.setenv("ROOFTREE_ELASTICSEARCH_USER", f"{tenant_id}.app")
        for name, value in settings(photos.name).items():
            monkeypatch.setenv(name, value)
        files = {"elasticsearch_password": search_password, "s3_secret_key": password()}
        with serving(stored_tenant.but(tenant_id=tenant_id, secret_files=files), tmp_path) as opened:
            opened.accept_owner()
            yield opened


def token(site: Site, email: str) -> str:
    client = {"client_id": "web", "redirect_uri": f"{site.url}/auth/callback"}
    asked = {**client, "response_type": "code", "code_challenge": challenge(VERIFIER), "code_challenge_method": "S256"}
    code = query(site.signed_in(f"{site.url}/oauth/authorize?{urlencode(asked)}", email))["code"]
    form = {**client, "grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
    with site.visitor() as visitor:
        return visitor.post("/oauth/token", data=form).json()["access_token"]


def agent(site: Site) -> str:
    """The address of a colleague who has accepted."""
    owner = {"Authorization": f"Bearer {token(site, EMAIL)}"}
    with site.visitor() as visitor:
        office = visitor.post("/api/v1/offices", json={"name": "Main"}, headers=owner).json()["id"]
        colleague = {"email": "andy@acme.test", "name": "Andy", "role": AGENT_ROLE, "office_id": office}
        link = visitor.post("/api/v1/user-invitations", json=colleague, headers=owner).json()["link"]
        accepted = visitor.post(
            f"/api/v1/invitations/{link.rpartition('/')[2]}/acceptance", json={"name": "Andy", "password": PASSWORD}
        )
        assert accepted.status_code == 201, accepted.text
    return colleague["email"]


@dataclass(frozen=True)
class Run:
    """What one run of the tool found."""

    cases: int
    untested: int
    failures: list[str]
    output: str


def run(site: Site, email: str, folder: Path, phase: str, *, seed: int, seconds: int | None = None) -> Run:
    """One phase with a token of its own, which still works afterwards: all of it was asked by somebody."""
    bearer = token(site, email)
    found = tried(site, bearer, folder, ["--phases", phase, "--seed", str(seed), *limited(seconds)])
    assert found.failures == [], found.output
    with site.visitor() as visitor:
        still = visitor.get("/api/v1/users", headers={"Authorization": f"Bearer {bearer}"})
    assert still.status_code == 200, "the token was ended by what was tried; all after that proves nothing"
    return found


def limited(seconds: int | None) -> list[str]:
    return ["--max-time", str(seconds)] if seconds else []


def tried(site: Site, bearer: str, folder: Path, options: Sequence[str]) -> Run:
    report = folder / "schemathesis.json"
    report.unlink(missing_ok=True)
    command = (
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{site.url}/openapi.json"),
        *("--tls-verify", str(site.ca_file), "--header", f"Authorization: Bearer {bearer}"),
        *("--checks", ",".join(CHECKS), "--no-shrink"),
        *("--continue-on-failure", "--generation-database", "none", "--no-color", "--request-timeout", "60"),
        *("--report", "json", "--report-json-path", str(report), "--suppress-health-check", "all", *options),
        *(word for name in (*ENDING, *ENDLESS) for word in ("--exclude-operation-id", name)),
    )
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=1200, check=False)
    assert report.exists(), done.stdout + done.stderr
    told = json.loads(report.read_text())
    wrong = [f"{item['title']}: {item['operations']}" for item in told["failures"]]
    wrong += [str(item) for item in told["errors"]]
    untested = told["operations"]["selected"] - told["operations"]["tested"]
    return Run(told["test_cases"]["generated"], untested, wrong, done.stdout)


@pytest.mark.timeout(5 * SECONDS + 1800)
@pytest.mark.parametrize("role", ["owner", "agent"])
def test_no_made_up_request_gets_an_answer_that_is_not_described(site: Site, tmp_path: Path, role: str) -> None:
    email = EMAIL if role == "owner" else agent(site)
    first = run(site, email, tmp_path, "coverage", seed=SEED)
    assert first.untested == 0
    left, seed, cases = SECONDS, SEED, {"coverage": first.cases} | dict.fromkeys(RANDOM_PHASES, 0)
    while left > 0:
        for phase in RANDOM_PHASES:
            seconds = max(1, min(left, ROUND_SECONDS) // len(RANDOM_PHASES))
            cases[phase] += run(site, email, tmp_path, phase, seed=seed, seconds=seconds).cases
        left, seed = left - ROUND_SECONDS, seed + 1
    assert min(cases.values()) > 0
    print(f"schemathesis as {role}: {cases}, 0 failures")  # noqa: T201 - a figure of the release
