"""The cluster as the reader of the plugin sees it: requests go through `kubectl proxy`, everything else is kubectl.

So kubeconfigs, contexts, login helpers and proxies are kubectl's business, and no client library has to load. The proxy
listens on a socket in a folder that only this user can enter, and ends with the command.
"""

import json
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NoReturn, Protocol, cast
from urllib.parse import quote, urlencode

from ..adapters.kubernetes import TIMEOUT, Kubernetes, refusal
from ..adapters.watched import Watched
from ..drift import Object
from ..errors import Unavailable
from .problems import Problem


class Cluster(Protocol):
    """What the verbs need."""

    @property
    def kube(self) -> Kubernetes:
        """Reads. Whatever else it offers is refused."""
        ...

    async def log(self, namespace: str, pod: str, *, lines: int, previous: bool) -> list[str]:
        """The last lines of a pod's only container, or of the one that ran before it. Raises `ApiError`."""
        ...

    def run(self, *words: str, content: str | None = None) -> str:
        """The output of a command of kubectl. Raises `Problem` with its last words if it fails."""
        ...

    def become(self, *words: str) -> NoReturn:
        """Goes on as a command of kubectl, whose output and end are ours."""
        ...


class _Reading(Kubernetes):
    """Reads over the proxy's socket; one request after the other, which takes milliseconds each."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.watched = Watched()

    async def _request(self, method: str, path: str, name: str = "", **options: Any) -> Object:
        if method != "get":
            raise TypeError(f"the plugin changes nothing by itself: {method} {path}{name}")
        selector = options.get("label_selector")
        query = f"?{urlencode({'labelSelector': selector})}" if selector else ""
        return cast("Object", json.loads(self.text(f"{path}{query}")))

    def text(self, target: str) -> str:
        """The body of an answer. Raises `ApiError` or `Unavailable`."""
        connection = _Connection(self._path)
        try:
            connection.request("GET", quote(target, safe="/?&=%:.,+-_~"), headers={"Host": "localhost"})
            answer = connection.getresponse()
            body = answer.read().decode(errors="replace")
        except (OSError, HTTPException) as error:
            raise Unavailable("ApiServerUnreachable", f"the API server does not answer: {error}") from error
        finally:
            connection.close()
        if answer.status < 400:
            return body
        raise _refused(answer.status, body)


class _Connection(HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self._path)


def _refused(status: int, body: str) -> Exception:
    try:
        message = str(json.loads(body)["message"])
    except (ValueError, TypeError, KeyError):
        # Not the API server's own words, but the proxy's, when it does not get through.
        message = " ".join(body.split())
        if status >= 500:
            return Unavailable("ApiServerUnreachable", f"the API server does not answer: {message}")
    return refusal(status, message)


class KubectlCluster:
    """The real one. `flags` are kubectl's own, such as --context, given with each of its commands."""

    def __init__(self, kubectl: str, flags: Sequence[str], path: str) -> None:
        self._command = (kubectl, *flags)
        self._reading = _Reading(path)

    @property
    def kube(self) -> Kubernetes:
        return self._reading

    async def log(self, namespace: str, pod: str, *, lines: int, previous: bool) -> list[str]:
        query = urlencode({"tailLines": lines, **({"previous": "true"} if previous else {})})
        return self._reading.text(f"/api/v1/namespaces/{namespace}/pods/{pod}/log?{query}").splitlines()

    def run(self, *words: str, content: str | None = None) -> str:
        # What kubectl warns of is for the reader, too.
        done = subprocess.run([*self._command, *words], input=content, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Problem(_last_line(done.stderr) or f"kubectl {words[0]} ended with {done.returncode}")
        return done.stdout

    def become(self, *words: str) -> NoReturn:
        raise SystemExit(subprocess.run([*self._command, *words], check=False).returncode)


@contextmanager
def connected(flags: Sequence[str]) -> Generator[KubectlCluster]:
    """The cluster that kubectl means with these flags. Raises `Problem` if there is no kubectl or it cannot start."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise Problem("kubectl is not on PATH")
    with tempfile.TemporaryDirectory(prefix="brokerage-") as folder:
        path, words = str(Path(folder, "s")), Path(folder, "stderr")
        with words.open("wb") as stderr:
            command = [kubectl, *flags, "proxy", f"--unix-socket={path}"]
            proxy = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr)
        with proxy:
            try:
                if proxy.stdout is None or not proxy.stdout.readline():
                    raise Problem(_last_line(words.read_text()) or "kubectl proxy does not start")
                yield KubectlCluster(kubectl, flags, path)
            finally:
                proxy.terminate()


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("error: ") if lines else ""
