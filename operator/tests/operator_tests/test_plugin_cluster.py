"""The plugin as a program: through a kubectl that is a script, quick to start, with completion."""

import asyncio
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from rooftree_operator.adapters.kubernetes import BROKERAGE, PLAN, Forbidden
from rooftree_operator.errors import Unavailable
from rooftree_operator.plugin import completion
from rooftree_operator.plugin.cluster import connected
from rooftree_operator.plugin.problems import Problem

# Answers as `kubectl proxy` does, from a table; other commands say with what they were called.
KUBECTL = """
import http.server, json, os, socketserver, sys

words = sys.argv[1:]
if "--context=nowhere" in words:
    sys.exit('error: context "nowhere" does not exist')
if "proxy" not in words:
    print(json.dumps({"words": words, "given": sys.stdin.read()}))
    sys.exit(3 if "fail" in words else 0)

BIRCH = {"metadata": {"name": "birch"}, "spec": {"plan": "a"}}
ANSWERS = {
    "/apis/rooftree.dev/v1alpha1/brokerages": (200, {"items": [BIRCH]}),
    "/apis/rooftree.dev/v1alpha1/brokerages/birch": (200, BIRCH),
    "/apis/rooftree.dev/v1alpha1/brokerages/gone": (404, {"message": "not found"}),
    "/apis/rooftree.dev/v1alpha1/brokerageplans": (403, {"message": "you may not"}),
    "/api/v1/namespaces/n/pods/p/log": (200, "one\\ntwo\\n"),
}

class Handler(http.server.BaseHTTPRequestHandler):
    def address_string(self):
        return ""
    def log_message(self, *_):
        pass
    def do_GET(self):
        path, _, query = self.path.partition("?")
        assert self.headers["Host"] == "localhost"
        with open(os.environ["ASKED"], "a") as asked:
            asked.write(self.path + "\\n")
        status, body = ANSWERS.get(path, (500, "dial tcp: connection refused"))
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

(path,) = [word.partition("=")[2] for word in words if word.startswith("--unix-socket=")]
server = socketserver.UnixStreamServer(path, Handler)
print(f"Starting to serve on {path}", flush=True)
server.serve_forever()
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts that kubectl on PATH; the file lists what its proxy was asked."""
    program = tmp_path / "kubectl"
    program.write_text(f"#!{sys.executable} -S\n{textwrap.dedent(KUBECTL)}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    return tmp_path / "asked"


def test_requests_go_through_kubectl_with_the_flags_of_its_user(asked: Path) -> None:
    with connected(["--context=here"]) as cluster:
        found = asyncio.run(cluster.kube.list(BROKERAGE, labels={"a/b": "c", "d": None}))
        assert [one["metadata"]["name"] for one in found] == ["birch"]
        assert found[0]["kind"] == "Brokerage"
        assert asyncio.run(cluster.kube.get(BROKERAGE, "gone")) is None
        assert asyncio.run(cluster.log("n", "p", lines=2, previous=True)) == ["one", "two"]
        assert cluster.run("version", content="in") == '{"words": ["--context=here", "version"], "given": "in"}\n'
    assert asked.read_text().splitlines() == [
        "/apis/rooftree.dev/v1alpha1/brokerages?labelSelector=a%2Fb%3Dc%2Cd",
        "/apis/rooftree.dev/v1alpha1/brokerages/gone",
        "/api/v1/namespaces/n/pods/p/log?tailLines=2&previous=true",
    ]


def test_refusals_outages_and_failures_are_told_apart(asked: Path) -> None:
    with connected([]) as cluster:
        with pytest.raises(Forbidden, match="you may not"):
            asyncio.run(cluster.kube.list(PLAN, labels={}))
        with pytest.raises(Unavailable, match="the API server does not answer: dial tcp: connection refused"):
            asyncio.run(cluster.kube.get(PLAN, "away"))
        with pytest.raises(Problem, match="kubectl fail ended with 3"):
            cluster.run("fail")
        with pytest.raises(SystemExit) as end:
            cluster.become("fail")
        assert end.value.code == 3


def test_the_plugin_itself_can_only_read(asked: Path) -> None:
    with connected([]) as cluster, pytest.raises(TypeError, match="changes nothing by itself"):
        asyncio.run(cluster.kube.delete(BROKERAGE, "birch"))
    assert not asked.exists()


def test_the_proxy_ends_with_the_command_and_leaves_no_file(
    asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "t"))

    def interrupted() -> None:
        with connected([]):
            (socket,) = (tmp_path / "t").rglob("s")
            assert oct(socket.parent.stat().st_mode)[-3:] == "700"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list((tmp_path / "t").iterdir()) == []


def test_what_kubectl_says_when_it_cannot_start_is_the_error(asked: Path) -> None:
    with pytest.raises(Problem, match='context "nowhere" does not exist'), connected(["--context=nowhere"]):
        pytest.fail("it started")


def program(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rooftree_operator.plugin", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_program_ends_with_the_code_of_its_answer(asked: Path) -> None:
    listed = program("list", "--context", "here")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert listed.stdout.splitlines()[1].split()[:2] == ["birch", "a"]
    gone = program("why", "gone")
    assert (gone.returncode, gone.stdout) == (1, "")
    assert gone.stderr == "error: there is no brokerage 'gone': see `kubectl brokerage list`\n"
    assert program("why").returncode == 2
    nowhere = program("list", "--context=nowhere")
    assert (nowhere.returncode, nowhere.stderr) == (1, 'error: context "nowhere" does not exist\n')


def test_no_client_library_and_no_model_loads_for_what_only_looks(asked: Path) -> None:
    """Each of these takes longer than everything else together: see `python -X importtime`."""
    code = """
        import sys
        from rooftree_operator.plugin import main
        assert main.main(["list"]) == 0
        slow = {"kubernetes", "aiohttp", "pydantic", "prometheus_client", "structlog", "psycopg", "kafka", "yaml"}
        sys.stderr.write(" ".join(sorted(slow & sys.modules.keys())))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "proposals"),
    [
        (
            ("",),
            [
                "backup",
                "backups",
                "diff",
                "drill",
                "events",
                "list",
                "logs",
                "open",
                "plan",
                "restore",
                "resume",
                "rotate",
                "status",
                "suspend",
                "top",
                "tree",
                "why",
            ],
        ),
        (("s",), ["status", "suspend"]),
        (("restore", "birch", "--b"), ["--backup"]),
        (("why", ""), ["birch"]),
        (("why", "birch", ""), []),
        (("list", "-o", "w"), ["wide"]),
        (("logs", "birch", "--t"), ["--tail"]),
        (("list", ""), []),
        (("nonsense", ""), []),
    ],
    ids=" ".join,
)
def test_tab_proposes_verbs_brokerages_flags_and_forms(
    asked: Path, words: tuple[str, ...], proposals: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert completion.main(words) == 0
    assert capsys.readouterr().out.splitlines() == [*proposals, ":4"]


def test_tab_leaves_files_to_the_shell_and_an_outage_to_other_commands(
    asked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    completion.main(["plan", "-f", ""])
    assert capsys.readouterr().out == ":0\n"
    completion.main(["why", "--context=nowhere", ""])
    assert capsys.readouterr().out == ":4\n"
