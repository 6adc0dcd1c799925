"""What can be seen of the brokerage from outside: whether all is as it should be after a fault."""

from __future__ import annotations

import json
import re
import secrets
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2
import psycopg
from psycopg.conninfo import make_conninfo

from ..conftest import Kubectl, Tenant, required
from .lines import Visitor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..test_feed import Sample
    from ..test_tokens import Person

METRICS_PORT = 9464
KEY = "AMES-00021"
_HITS = re.compile(r'^rooftree_cache_requests_total\{result="hit"\} (\S+)$', re.MULTILINE)


@dataclass
class Site:
    kubectl: Kubectl
    sample: Sample
    person: Person
    visitor: Visitor
    price: int = 0
    """Of the listing that is changed, as its feed says."""
    _hits: dict[str, float] = field(default_factory=dict)

    @property
    def tenant(self) -> Tenant:
        return self.person.tenant

    def arrive(self) -> Visitor:
        """The owner, freshly signed in."""
        self.visitor.arrive()
        if not self.visitor.listing:
            self.visitor.listing = self._found()["items"][0]["id"]
        return self.visitor

    # -- causes -------------------------------------------------------------------------------------------------------

    def change_listing(self) -> None:
        """In the feed; it travels by run, outbox and Kafka to the index."""
        self.price = 100_000 + secrets.randbelow(100_000)
        self.sample("change", KEY, f"ListPrice={self.price}")

    def run_feed(self) -> None:
        """Asks for a run, as a person would; another may be under way."""
        self.person.client.post(
            f"/api/v1/feeds/{self.visitor.feed}/runs", headers={"Authorization": f"Bearer {self.visitor.token}"}
        )

    def publish_alert(self) -> str:
        """An event of which the owner is told by mail; gives back what its subject has."""
        feed, outage = f"drill{secrets.token_hex(3)}", uuid.uuid4()
        now = "2026-01-01T00:00:00+00:00"
        data = {
            "feed": feed,
            "outage_id": str(outage),
            "run_id": str(uuid.uuid4()),
            "reason": "a drill",
            "failed_at": now,
        }
        with self._database() as database, database.transaction():
            database.execute("INSERT INTO events.sequences (aggregate_id, last) VALUES (%s, 1)", [outage])
            database.execute(
                "INSERT INTO events.outbox (id, aggregate_id, sequence, type, data, actor_id)"
                " VALUES (%s, %s, 1, 'dev.rooftree.property.feed-failed.v1', %s, 'system')",
                [uuid.uuid4(), outage, json.dumps(data)],
            )
            database.execute("NOTIFY events_outbox")
        return feed

    # -- what is so ---------------------------------------------------------------------------------------------------

    def searched(self) -> bool:
        """The index answers, and is equal to the database."""
        if not self.visitor.token:
            self.visitor.arrive()
        status = self._get("/search/status")
        found = self._found()
        return bool(
            status
            and status["state"] == "ready"
            and status["lag_events"] == 0
            and status["documents"] == status["rows"]
            and found["source"] == "search"
            and (not self.price or [one["list_price"]["amount"] for one in found["items"]] == [self.price * 100])
        )

    def unsent(self) -> int:
        with self._database() as database:
            row = database.execute("SELECT count(*) FROM events.outbox WHERE sent_at IS NULL").fetchone()
        assert row is not None
        return row[0]

    def feed_finished(self, since: float) -> bool:
        """A run began and ended well since then (Unix seconds)."""
        with self._database() as database:
            row = database.execute(
                "SELECT count(*) FROM property.feeds WHERE state = 'idle' AND last_error IS NULL"
                " AND extract(epoch FROM last_succeeded_at) > %s",
                [since],
            ).fetchone()
        return row is not None and row[0] == 1

    def cache_is_used(self) -> bool:
        """Every pod has had a hit since `forget_hits`; what is asked for twice makes one where there is one pod."""
        for _ in range(2):
            self._get("/properties/suggestions", q="ames", limit=8)
        now = self._cache_hits()
        return bool(now) and all(hits > self._hits.get(pod, -1) for pod, hits in now.items())

    def forget_hits(self) -> None:
        self._hits = self._cache_hits()

    def mailed(self, words: str) -> bool:
        found = httpx2.get(
            f"{required('ROOFTREE_TEST_MAIL_URL')}/mails.json", params={"to": self.person.email}, timeout=5
        )
        return any(words in mail["subject"] for mail in found.json())

    def pods(self) -> dict[str, Mapping[str, Any]]:
        """Of each pod that stays: restarts, and since when it is ready."""
        listed = self.kubectl.items("pods", "-n", self.tenant.namespace, "-l", "app.kubernetes.io/name=app")
        return {pod["metadata"]["name"]: _of(pod) for pod in listed if "deletionTimestamp" not in pod["metadata"]}

    def stored_tokens(self, hashes: list[bytes]) -> int:
        """How many of these refresh tokens the database has."""
        with self._database() as database:
            query = "SELECT count(*) FROM identity.refresh_tokens WHERE token_hash = ANY(%s)"
            row = database.execute(query, [hashes]).fetchone()
        assert row is not None
        return row[0]

    # -- how it is looked at ------------------------------------------------------------------------------------------

    def _found(self) -> dict[str, Any]:
        return self._get("/properties", q=f'"{KEY}"') or {"items": [], "source": None}

    def _get(self, path: str, **parameters: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.visitor.token}"}
        answer = self.person.client.get(f"/api/v1{path}", params=parameters, headers=headers)
        return answer.json() if answer.status_code == 200 else None

    def _cache_hits(self) -> dict[str, float]:
        found = {}
        for name, pod in self.pods().items():
            text = httpx2.get(f"http://{pod['address']}:{METRICS_PORT}/metrics", timeout=5).text
            match = _HITS.search(text)
            found[name] = float(match[1]) if match else 0.0
        return found

    def _database(self) -> psycopg.Connection[Any]:
        dsn = make_conninfo(required("ROOFTREE_TEST_POSTGRES"), dbname=self.tenant.database, connect_timeout=3)
        return psycopg.connect(dsn, autocommit=True)


def _of(pod: Mapping[str, Any]) -> dict[str, Any]:
    conditions = {one["type"]: one for one in pod["status"].get("conditions", [])}
    ready = conditions.get("Ready", {})
    return {
        "uid": pod["metadata"]["uid"],
        "address": pod["status"].get("podIP"),
        "restarts": sum(one["restartCount"] for one in pod["status"].get("containerStatuses", [])),
        "ready": ready.get("status") == "True",
        "since": ready.get("lastTransitionTime"),
    }
