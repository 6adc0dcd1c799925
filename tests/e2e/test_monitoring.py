"""Prometheus collects from the platform's and the tenants' pods, and an alert reaches people as a mail."""

from __future__ import annotations

import json
import os
import secrets
import time
import urllib.request
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]


def ask(url: str, content: Any = None) -> Any:
    body = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        answer = response.read()
    return json.loads(answer) if answer else None


def wait_for(find: Any, what: str, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < deadline, f"gave up waiting for {what}"
        time.sleep(0.2)
    return found


def test_the_operator_and_every_tenants_app_are_collected_from() -> None:
    def healthy() -> bool:
        listed = ask(f"{os.environ['ROOFTREE_TEST_PROMETHEUS_URL']}/api/v1/targets")["data"]["activeTargets"]
        up = [one["labels"] for one in listed if one["health"] == "up"]
        return any(one["job"] == "rooftree-operator" for one in up) and any(
            one.get("tenant", "").startswith("acme-") for one in up
        )

    wait_for(healthy, "both targets to be up")


def test_the_rules_of_the_repository_are_loaded() -> None:
    groups = ask(f"{os.environ['ROOFTREE_TEST_PROMETHEUS_URL']}/api/v1/rules")["data"]["groups"]
    assert {rule["name"] for group in groups for rule in group["rules"]} >= {"AppDown"}
    assert [rule["health"] for group in groups for rule in group["rules"] if rule["health"] == "err"] == []


def test_an_alert_becomes_a_mail_to_the_operators() -> None:
    name = f"Drill{secrets.token_hex(4)}"
    alert = {"labels": {"alertname": name, "severity": "warning"}, "annotations": {"summary": "a drill"}}
    ask(f"{os.environ['ROOFTREE_TEST_ALERTMANAGER_URL']}/api/v2/alerts", [alert])
    page = f"{os.environ['ROOFTREE_TEST_MAIL_URL']}/mails.json?to=operators@"
    (mail,) = wait_for(lambda: [one for one in ask(page) if name in one["subject"]], "the mail")
    assert mail["subject"].startswith("[FIRING:1]")
