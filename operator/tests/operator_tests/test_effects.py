"""Every request that changes something has a name; in a drill the process dies there, or loses the answer."""

import ast
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from rooftree_operator import effects
from rooftree_operator.effects import Drill, Failpoint, Mode
from rooftree_operator.errors import Unavailable
from rooftree_operator.settings import Settings

SOURCES = Path(effects.__file__).parent
TOPIC = "kafka.create.topic"

# What sends, by file; and the functions that only read with it, or that others wrap whole.
SENDS: dict[str, tuple[set[str], set[str]]] = {
    "adapters/kubernetes.py": ({"_request"}, {"fetch", "list", "follow"}),
    "adapters/postgres.py": ({"execute"}, {"_rows", "ungranted_schemas", "heads", "probe"}),
    "adapters/postgres_sessions.py": ({"execute"}, {"ping", "is_usable"}),
    "adapters/postgres_swaps.py": ({"execute"}, set()),
    "adapters/elasticsearch.py": ({"_send"}, {"ping", "_look", "probe"}),
    "adapters/s3.py": ({"_send"}, {"ping", "_look"}),
    "adapters/redis.py": ({"execute", "execute_command", "unlink", "set", "delete", "_round_trip"}, {"_ask", "ping"}),
    "adapters/kafka.py": ({"_call", "_in_thread", "ask"}, {"access", "topics", "groups", "ping", "log_in"}),
    "adapters/kafka_admin.py": ({"_alter", "send", "create_topics", "delete_acls", "alter"}, set()),
    "adapters/prometheus.py": ({"post"}, {"_asked"}),
    "adapters/volume.py": ({"_run"}, {"ping", "_look"}),
    "registry.py": ({"execute"}, {"find", "_in_use", "_state", "kept", "_seen"}),
    "spares.py": ({"execute"}, {"found"}),
}
# The calls above, said once more, that are made inside of something named; or that read beside a write.
WITHIN: dict[str, set[str]] = {
    "adapters/kubernetes.py": {"wake"},  # looks first
    "adapters/postgres.py": {"reassign", "revoke_logins"},  # each looks first
    "adapters/postgres_sessions.py": {"_end_sessions"},  # looks first
    "adapters/postgres_swaps.py": {"send_again"},  # looks first
    "adapters/redis.py": {"_round_trip", "_transaction"},  # of `probe`; the steps that `execute` sends
    "adapters/kafka.py": {"_call", "_together"},  # what every call goes through, alone or with others
    # What `adapters/kafka.py` asks for and names, for each who asks. Nobody asks for the guard, which has its own name.
    "adapters/kafka_admin.py": {"_alter", "set_credentials", "create_topics", "allow", "disallow", "set_quotas"},
    "registry.py": {"_minted"},  # the last step of `register`
    "spares.py": {"take"},  # the first step of it
}
NO_SYSTEMS = {
    "adapters/__init__.py",
    "adapters/edge.py",
    "adapters/sigv4.py",
    "adapters/kafka_quotas.py",
    "adapters/kafka_requests.py",
    "adapters/shared_reads.py",
    "adapters/watched.py",
}


@pytest.fixture(autouse=True)
def no_drill_goes_on() -> Iterator[None]:
    yield
    effects.begin(None)


class Died(Exception):
    """Instead of the test's own process."""


@pytest.fixture
def deaths(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    found: list[int] = []

    def kill(pid: int, number: int) -> None:
        assert pid == os.getpid()
        found.append(number)
        raise Died

    monkeypatch.setattr(os, "kill", kill)
    return found


def send(*, fails: bool = False) -> None:
    with effects.sending("kafka", "create", "topic"):
        if fails:
            raise RuntimeError


def counted() -> float:
    labels = {"system": "kafka", "verb": "create", "kind": "topic"}
    return REGISTRY.get_sample_value("rooftree_operator_effects_total", labels) or 0.0


def unnamed(source: str, senders: set[str], readers: set[str]) -> list[str]:
    """Calls of `senders` outside of `sending`, by the function that makes them."""
    found: list[str] = []

    def walk(node: ast.AST, function: str, named: bool) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node.name
        if isinstance(node, ast.With) and any("sending(" in ast.unparse(item) for item in node.items):
            named = True
        if isinstance(node, ast.Call) and not named and function not in readers:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in senders:
                found.append(function)
        for child in ast.iter_child_nodes(node):
            walk(child, function, named)

    walk(ast.parse(source), "", False)
    return found


@pytest.mark.parametrize("file", sorted(SENDS))
def test_no_adapter_writes_without_a_name(file: str) -> None:
    senders, readers = SENDS[file]
    found = unnamed((SOURCES / file).read_text(), senders, readers)
    assert set(found) == WITHIN.get(file, set()), f"{file}: hold effects.sending around what these send"


def test_every_adapter_is_looked_at() -> None:
    there = {str(path.relative_to(SOURCES)) for path in (SOURCES / "adapters").glob("*.py")}
    assert there == (SENDS.keys() | NO_SYSTEMS) - {"registry.py", "spares.py"}, (
        "a new adapter wants a row above: what of it sends?"
    )


def test_a_write_without_a_name_would_be_noticed() -> None:
    source = (SOURCES / "adapters/s3.py").read_text()
    senders, readers = SENDS["adapters/s3.py"]
    without = source.replace("with effects.sending(", "with nothing(")
    assert without != source
    assert unnamed(without, senders, readers) == ["_change"]


def test_an_effect_is_counted_whether_it_works_or_not() -> None:
    before = counted()
    send()
    with pytest.raises(RuntimeError):
        send(fails=True)
    assert counted() == before + 2


@pytest.mark.parametrize(("mode", "sent"), [(Mode.BEFORE, 0), (Mode.AFTER, 1)])
def test_the_process_dies_at_its_failpoint_and_the_file_tells_how_far_it_came(
    mode: Mode, sent: int, tmp_path: Path, deaths: list[int]
) -> None:
    trace = tmp_path / "effects"
    effects.begin(Drill(Failpoint(TOPIC, mode, 2), trace))
    send()
    done: list[str] = []
    with pytest.raises(Died), effects.sending("kafka", "create", "topic"):
        done.append("the request")
    assert (deaths, len(done)) == ([signal.SIGKILL], sent)
    first = [f"sent {TOPIC} 1", f"done {TOPIC} 1"]
    second = [f"sent {TOPIC} 2", f"done {TOPIC} 2"] if sent else []
    assert trace.read_text().splitlines() == [*first, *second, f"died {TOPIC} 2"]


def test_a_lost_answer_is_a_broken_connection_after_the_effect(tmp_path: Path) -> None:
    trace = tmp_path / "effects"
    effects.begin(Drill(Failpoint(TOPIC, Mode.LOST, 1), trace))
    with pytest.raises(Unavailable) as lost:
        send()
    assert lost.value.reason == "KafkaUnreachable"
    send()
    assert trace.read_text().splitlines() == [f"sent {TOPIC} 1", f"sent {TOPIC} 2", f"done {TOPIC} 2"]


def test_a_request_that_fails_is_sent_and_never_done(tmp_path: Path) -> None:
    trace = tmp_path / "effects"
    effects.begin(Drill(None, trace))
    with pytest.raises(RuntimeError):
        send(fails=True)
    assert trace.read_text().splitlines() == [f"sent {TOPIC} 1"]


@pytest.mark.parametrize(
    "text",
    [
        f"{TOPIC}:before:1=kill",
        f"{TOPIC}:after:12=kill",
        f"{TOPIC}:after:3=lost",
        "volume.delete.backup:before:1=kill",
        "kubernetes.apply.Brokerage/status:after:1=kill",
    ],
)
def test_a_failpoint_is_written_as_it_is_read(text: str) -> None:
    assert str(Failpoint.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        TOPIC,
        f"{TOPIC}:before:1=lost",
        f"{TOPIC}:after:0=kill",
        "mongo.create.topic:after:1=kill",
        f"{TOPIC}:amid:1=kill",
    ],
)
def test_what_is_no_failpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a failpoint"):
        Failpoint.parse(text)


@pytest.mark.parametrize("given", [{"failpoint": f"{TOPIC}:after:1=kill"}, {"effects_file": "/tmp/effects"}])
def test_a_failpoint_alone_does_not_make_a_drill(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="ROOFTREE_OPERATOR_DRILL is not set"):
        Settings(**given)


def test_an_operator_in_a_pod_never_drills(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    with pytest.raises(ValueError, match="never drills"):
        Settings(drill=True)
    assert Settings().drilled() is None


def test_the_drill_is_what_the_settings_say(tmp_path: Path, deaths: list[int]) -> None:
    trace = tmp_path / "effects"
    effects.begin(Settings(drill=True, failpoint=f"{TOPIC}:before:1=kill", effects_file=trace).drilled())
    with pytest.raises(Died):
        send()
    assert trace.read_text() == f"died {TOPIC} 1\n"


def test_no_installation_is_told_to_drill() -> None:
    files = [path for path in (SOURCES.parents[2] / "charts").rglob("*") if path.is_file()]
    assert files
    assert [path.name for path in files if re.search("DRILL|FAILPOINT|EFFECTS_FILE", path.read_text())] == []
