"""PostgreSQL of a stack: waited for while it starts."""

from typing import cast

import pytest
from rooftree_local import postgres
from rooftree_local.paths import Stack
from rooftree_local.stack import CommandFailed


def test_a_server_that_is_starting_is_waited_for_and_another_refusal_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [f"FATAL: {postgres.STARTING}", f"FATAL: {postgres.STARTING}", None, "password authentication failed"]

    def query(_target: Stack, _sql: str) -> str:
        if refusal := answers.pop(0):
            raise CommandFailed(refusal)
        return "1"

    monkeypatch.setattr(postgres, "query", query)
    target = cast("Stack", None)
    postgres.wait_until_it_lets_in(target)
    with pytest.raises(CommandFailed, match="password"):
        postgres.wait_until_it_lets_in(target)
    assert answers == []
