"""A feed that lives, on the real stack: what changes or leaves is here within a minute; a failing feed is told of."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import yaml

from .conftest import Kubectl, Tenant, fresh_name, until
from .test_tokens import Person
from .web_tenant import FEED_NAMESPACE, IMPORT_SECONDS, PLATFORM, SAMPLE, credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600, func_only=True)]
MAILS = "http://10.200.0.1:8025/mails.json"
PROMISED_SECONDS = 60
KEY = "AMES-00017"
# Four runs that fail, 30 s apart, each patient for 15 s; then outbox, Kafka, inbox, job and mail.
TOLD_SECONDS = 300
RENEW_SECONDS = 480  # access tokens live ten minutes


class Sample:
    """The sample feed's control, as whoever may enter its pod uses it."""

    def __init__(self, kubectl: Kubectl) -> None:
        self._kubectl = kubectl

    def __call__(self, *words: str) -> Any:
        command = ("python", "-m", "rooftree_mls_feed.control", *words)
        told = self._kubectl.run("exec", "-n", FEED_NAMESPACE, "deploy/mls-feed", "--", *command).stdout
        return json.loads(told) if told.strip() else None


class Reader:
    """The owner's API client."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self._token, self._until = "", 0.0

    def get(self, path: str, **parameters: Any) -> httpx2.Response:
        if time.monotonic() > self._until:
            self._token, self._until = self.person.token(), time.monotonic() + RENEW_SECONDS
        headers = {"Authorization": f"Bearer {self._token}"}
        return self.person.client.get(f"/api/v1{path}", params=parameters, headers=headers)

    def listings(self, words: str) -> list[dict[str, Any]]:
        """What a search for a listing's key finds."""
        answer = self.get("/properties", q=f'"{words}"')
        return answer.json()["items"] if answer.status_code == 200 else []

    def runs(self, name: str) -> list[dict[str, Any]]:
        return self.get(f"/feeds/{name}/runs").json()["items"]


@pytest.fixture(scope="module")
def sample(kubectl: Kubectl) -> Iterator[Sample]:
    control = Sample(kubectl)
    yield control
    control("well")


@pytest.fixture(scope="module")
def owner(kubectl: Kubectl, brokerages: Callable[..., Tenant]) -> Iterator[Person]:
    """Of a brokerage that has copied the sample."""
    name = fresh_name("feed")
    feeds = yaml.safe_load(SAMPLE.read_text())["spec"]["mls"]
    for feed in feeds:
        feed["credentialsSecretRef"]["name"] = f"{name}-{feed['name']}"
        kubectl.apply(credentials(kubectl, feed["credentialsSecretRef"]["name"], name))
    tenant = brokerages(name, mls=feeds)
    until(
        f"the import of {name}",
        lambda: json.loads(kubectl.ask_app(tenant.namespace, "feeds").splitlines()[0]),
        enough=lambda feed: feed["state"] == "idle" and feed["imported"],
        seconds=IMPORT_SECONDS,
        every=1,
    )
    person = Person(tenant, kubectl.ask_app(tenant.namespace, "owner-link"))
    yield person
    person.client.close()
    kubectl.run("delete", "secrets", "-n", PLATFORM, "-l", f"rooftree.dev/brokerage={name}")


@pytest.fixture(scope="module")
def reader(owner: Person) -> Reader:
    return Reader(owner)


@pytest.mark.thorough
def test_a_change_and_a_removal_are_here_within_a_minute_and_a_return_is_the_same_listing(
    sample: Sample, reader: Reader
) -> None:
    (before,) = until("the listing", lambda: reader.listings(KEY), seconds=30)
    path = f"/properties/{before['id']}"

    price, records = before["list_price"]["amount"] // 100 + 1_000, sample("state")["records"]
    sample("change", KEY, f"ListPrice={price}")
    try:
        until(
            "the new price on the listing's page",
            lambda: reader.get(path).json().get("list_price", {}).get("amount"),
            enough=lambda amount: amount == price * 100,
            seconds=PROMISED_SECONDS,
        )
        until(
            "the new price in the search",
            lambda: [item["list_price"]["amount"] for item in reader.listings(KEY)],
            enough=lambda amounts: amounts == [price * 100],
            seconds=10,
        )
        sample("delete", KEY)
        until(
            "the listing to be gone",
            lambda: reader.get(path).status_code,
            enough=lambda status: status == 404,
            seconds=PROMISED_SECONDS,
        )
        until("the search to forget it", lambda: reader.listings(KEY), enough=lambda found: not found, seconds=10)
    finally:
        if sample("state")["records"] < records:
            sample("restore", KEY)
        sample("change", KEY, f"ListPrice={price - 1_000}")
    until(
        "the listing to be back as it was",
        lambda: reader.get(path).json().get("list_price"),
        enough=lambda amount: amount == before["list_price"],
        seconds=PROMISED_SECONDS,
    )
    removed = [run["removed"] for run in reader.runs("ames") if run["kind"] == "purge"]
    assert removed.count(1) == 1


@pytest.mark.thorough
def test_owners_get_one_mail_of_a_feed_that_fails_and_one_when_it_works_again(
    sample: Sample, reader: Reader, owner: Person
) -> None:
    def subjects() -> list[str]:
        found = httpx2.get(MAILS, params={"to": owner.email}, timeout=10).json()
        return [mail["subject"] for mail in found if "feed ames" in mail["subject"]]

    assert subjects() == []
    sample("trouble", "error", "--status", "503")
    try:
        until("a mail about the feed", subjects, seconds=TOLD_SECONDS, every=1)
        (feed,) = reader.get("/feeds").json()["items"]
        assert feed["state"] == "failed"
        assert feed["last_error"].startswith("the feed answered 503")
    finally:
        sample("well")
    told = until(
        "a mail that it works again",
        subjects,
        enough=lambda found: len(found) == 2,
        seconds=PROMISED_SECONDS * 2,
        every=1,
    )
    assert sorted("does not work" in subject for subject in told) == [False, True]
    (feed,) = reader.get("/feeds").json()["items"]
    assert (feed["state"], feed["last_error"]) == ("idle", None)
