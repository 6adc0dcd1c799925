"""Real stacks: what is in etcd, what is told of a component that died, what `down` leaves."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from rooftree_local import cgroups, forward, stack
from rooftree_local.paths import Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "witness"},
    "spec": {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "pause",
                "image": "localhost/rooftree-pause:1",
                "resources": {"limits": {"cpu": "50m", "memory": "16Mi"}},
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    },
}


def local(*words: str, content: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rooftree_local", *words]
    return subprocess.run(command, input=content, capture_output=True, text=True, check=False)


def succeed(*words: str, content: str | None = None) -> str:
    done = local(*words, content=content)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass(frozen=True)
class Node:
    """A stack with a node and nothing else."""

    stack: Stack

    def kubectl(self, *words: str, content: str | None = None) -> str:
        done = subprocess.run(
            [str(self.stack.bin / "kubectl"), *words], input=content, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run_pod(self) -> None:
        self.kubectl("apply", "-f", "-", content=json.dumps(POD))
        self.kubectl("wait", "--for=condition=Ready", "pod/witness", "--timeout=60s")


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    target = Stack("e2e-local")
    succeed("up", "--stack", target.name, "--only", "node")
    yield Node(target)
    succeed("down", "--stack", target.name)


def test_a_secret_is_encrypted_in_etcd(node: Node) -> None:
    node.kubectl("create", "secret", "generic", "witness", "--from-literal=word=in-the-clear")
    pki = node.stack.pki
    key = base64.b64encode(b"/registry/secrets/default/witness").decode()
    certificates = [
        "--cacert",
        pki / "etcd-ca.crt",
        "--cert",
        pki / "etcd-client.crt",
        "--key",
        pki / "etcd-client.key",
    ]
    question = ["--silent", "--fail", "--data", json.dumps({"key": key}), "https://127.0.0.1:2379/v3/kv/range"]
    answer = json.loads(succeed("exec", "--stack", node.stack.name, "--", "curl", *map(str, certificates), *question))
    value = base64.b64decode(answer["kvs"][0]["value"])
    assert value.startswith(b"k8s:enc:secretbox:v1:")
    assert b"in-the-clear" not in value
    assert (
        "in-the-clear"
        in base64.b64decode(node.kubectl("get", "secret", "witness", "-o", "jsonpath={.data.word}")).decode()
    )


def test_etcd_refuses_whoever_has_no_certificate_of_its_own_authority(node: Node) -> None:
    pki = node.stack.pki
    admin = ["--cacert", pki / "etcd-ca.crt", "--cert", pki / "admin.crt", "--key", pki / "admin.key"]
    done = local(
        "exec", "--stack", node.stack.name, "--", "curl", "-sf", *map(str, admin), "https://127.0.0.1:2379/version"
    )
    assert done.returncode != 0
    assert done.stdout == ""


def test_no_interface_but_loopback_has_an_ipv6_address(node: Node) -> None:
    listing = succeed("exec", "--stack", node.stack.name, "--", "ip", "-6", "-json", "address", "show")
    assert {found["ifname"] for found in json.loads(listing) if found.get("addr_info")} <= {"lo"}


def test_cluster_and_edge_names_resolve_and_no_others(node: Node) -> None:
    question = """
import socket, struct, sys
def ask(name):
    words = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\\0"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(struct.pack("!6H", 1, 0x100, 1, 0, 0, 0) + words + struct.pack("!2H", 1, 1), ("10.200.0.1", 53))
        answer = client.recv(512)
    return answer[3] & 15, socket.inet_ntoa(answer[-4:]) if struct.unpack("!H", answer[6:8])[0] else None
for name in sys.argv[1:]:
    print(*ask(name))
"""
    names = ["kubernetes.default.svc.cluster.local", "acme.rooftree.localhost", "example.com"]
    output = succeed("exec", "--stack", node.stack.name, "--", sys.executable, "-c", question, *names)
    assert output.splitlines() == ["0 10.96.0.1", "0 10.200.0.1", "3 None"]


CONNECT = """
import socket, sys, time
wanted = sys.argv[1]
deadline = time.monotonic() + 20
while True:
    found = []
    for port in map(int, sys.argv[2:]):
        try:
            socket.create_connection(("10.200.0.1", port), timeout=1).close()
            found.append(str(port))
        except OSError:
            pass
    if " ".join(found) == wanted:
        break
    assert time.monotonic() < deadline, f"gave up waiting for {wanted!r}: {found}"
    time.sleep(0.1)
"""


def policy(name: str, **spec: object) -> str:
    content = {"podSelector": {}, "policyTypes": ["Egress"], **spec}
    metadata = {"name": name}
    return json.dumps(
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": content}
    )


def test_network_policies_hold_for_pods(node: Node) -> None:
    """The pod's own program cannot speak; another one does so in the pod's network."""
    node.run_pod()
    supervised = stack.find(node.stack)
    assert supervised
    # The sandbox's or the container's: they share the network.
    pod = next(pid for pid, command in commands_below(supervised.outer).items() if command.startswith("/pause"))
    network = f"/proc/{pod}/ns/net"
    ports = ["6443", "4443"]

    def reaches(*wanted: str) -> None:
        command = ["nsenter", f"--net={network}", sys.executable, "-c", CONNECT, " ".join(wanted), *ports]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    reaches(*ports)
    node.kubectl("apply", "-f", "-", content=policy("default"))
    reaches()
    peer = {"to": [{"ipBlock": {"cidr": "10.200.0.1/32"}}], "ports": [{"protocol": "TCP", "port": 6443}]}
    node.kubectl("apply", "-f", "-", content=policy("apiserver", egress=[peer]))
    reaches("6443")
    node.kubectl("delete", "networkpolicies", "--all")
    reaches(*ports)


def test_the_metrics_api_tells_what_the_node_uses(node: Node) -> None:
    node.kubectl("wait", "apiservice/v1beta1.metrics.k8s.io", "--for=condition=Available", "--timeout=60s")

    def measured() -> bool:
        command = [str(node.stack.bin / "kubectl"), "get", "--raw", "/apis/metrics.k8s.io/v1beta1/nodes"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode == 0 and [one["metadata"]["name"] for one in json.loads(done.stdout)["items"]] == [
            "local"
        ]

    wait_until(measured, "the first measurement", 60)


def test_a_second_up_of_a_live_stack_does_nothing_and_is_quick(node: Node) -> None:
    before = stack.status(node.stack)
    started = time.monotonic()
    succeed("up", "--stack", node.stack.name, "--only", "node")
    assert time.monotonic() - started < 20
    assert stack.status(node.stack) == before


def test_a_component_that_dies_is_told_and_up_starts_it_again(node: Node) -> None:
    supervised = stack.find(node.stack)
    assert supervised
    name = "scheduler"
    before = stack.status(node.stack)["components"][name]["pid"]
    stack.run(stack.enter(supervised, ["kill", "-KILL", str(before)]))
    wait_until(lambda: stack.status(node.stack)["components"][name]["state"] == "ended")
    told = local("status", "--stack", node.stack.name)
    assert told.returncode == 1
    assert f"{name}: the last lines of" in told.stdout
    succeed("up", "--stack", node.stack.name, "--only", "node")
    after = stack.status(node.stack)["components"]
    assert after[name]["state"] == "ready"
    assert after[name]["pid"] != before
    assert local("status", "--stack", node.stack.name).returncode == 0


def test_nobody_else_can_read_the_kubeconfig_and_no_log_holds_a_key(node: Node) -> None:
    assert node.stack.kubeconfig.stat().st_mode & 0o077 == 0
    keys = [path.read_text() for path in node.stack.pki.glob("*.key")]
    for log in node.stack.logs.rglob("*.log"):
        text = log.read_text(errors="replace")
        assert not any(key.splitlines()[1] in text for key in keys), log


def wait_until(condition: Callable[[], bool], what: str = "it", seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"gave up waiting for {what}"
        time.sleep(0.05)


def processes_in(namespaces: set[str]) -> dict[int, str]:
    """Every process of the machine that is in one of the namespaces, with its command line."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            used = {os.readlink(path) for path in (process / "ns").iterdir()}
            if used & namespaces:
                found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # gone meanwhile, or the machine's own first process
    return found


def machine() -> set[str]:
    """What a stack could leave on the machine, one line each."""

    def lines(*argv: str) -> set[str]:
        return set(subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines())

    settings = (
        "net/bridge/bridge-nf-call-iptables",
        "kernel/panic",
        "kernel/panic_on_oops",
        "vm/overcommit_memory",
        "net/ipv4/ip_forward",
    )
    folders = ("/run/containerd", "/run/netns", "/var/log/pods", "/var/lib/cni", "/var/lib/kubelet", "/opt/containerd")
    temporary = ("hsperfdata_rooftree", "elasticsearch", "kafka")
    return {
        *(f"mount {line.split()[1]}" for line in Path("/proc/self/mounts").read_text().splitlines()),
        *(f"device {name}" for name in os.listdir("/sys/class/net")),
        *(f"firewall {line}" for line in lines("nft", "list", "tables")),
        *(f"shared memory {name}" for name in os.listdir("/dev/shm")),
        *(f"segment {line}" for line in lines("ipcs", "-m") | lines("ipcs", "-s")),
        *(f"setting {name} {Path('/proc/sys', name).read_text()}" for name in settings),
        *(f"folder {name}" for name in folders if Path(name).exists()),
        *(f"temporary {path}" for path in Path("/tmp").iterdir() if path.name.startswith(temporary)),
    }


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def passing() -> Iterator[Stack]:
    """A stack that the test itself brings up and down."""
    target = Stack("down-test")
    yield target
    succeed("down", "--stack", target.name)


def commands_below(pid: int) -> dict[int, str]:
    """By process; such as a probe's may end while they are looked at."""
    found: dict[int, str] = {}
    for one in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            found[one.pid] = " ".join(one.cmdline())
    return found


def namespaces_of(pid: int) -> set[str]:
    """Of one that ended none."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return {os.readlink(path) for path in Path(f"/proc/{pid}/ns").iterdir()}
    return set()


def test_down_leaves_nothing(passing: Stack) -> None:
    before = machine()
    succeed("up", "--stack", passing.name, "--only", "backends", "--replica")
    succeed("up", "--stack", passing.name, "--only", "node")
    Node(passing).run_pod()
    running = stack.find(passing)
    assert running
    inside = commands_below(running.outer)
    assert any("/pause" in command for command in inside.values())
    assert any("shim" in command for command in inside.values())
    namespaces = set[str]().union(*map(namespaces_of, inside)) - namespaces_of(os.getpid())
    assert len(namespaces) > len(("net", "mnt", "pid"))
    assert cgroups.existing(passing.cgroup)

    succeed("down", "--stack", passing.name)

    assert processes_in(namespaces) == {}
    # The machine's first process fetches the exit code of `unshare` when it likes: a zombie holds nothing.
    assert [pid for pid in (*inside, running.outer) if is_alive(pid)] == []
    assert cgroups.existing(passing.cgroup) == []
    # Browsers and servers of others come and go; what is new and stays is ours.
    new = machine() - before
    wait_until(lambda: not machine() & new, what=f"these to go: {new}")
    assert sorted(path.name for path in passing.state.iterdir()) == ["bin", "config", "kubeconfig", "pki"]


def test_a_stack_whose_first_process_was_killed_is_started_afresh(passing: Stack) -> None:
    succeed("up", "--stack", passing.name, "--only", "node")
    running = stack.find(passing)
    assert running
    os.kill(running.pid, signal.SIGKILL)
    wait_until(lambda: stack.find(passing) is None)
    assert "is down" in local("status", "--stack", passing.name).stderr
    succeed("up", "--stack", passing.name, "--only", "node")
    Node(passing).run_pod()


def test_the_forwarder_leads_into_another_network_and_ends_with_it(tmp_path: Path) -> None:
    """A stack is not needed: any process with a network of its own will do."""
    port = free_port()
    echo = f"""
import socket, subprocess
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
server = socket.create_server(("127.0.0.1", {forward.EDGE_PORT}))
print("listening", flush=True)
while True:
    client, _ = server.accept()
    client.sendall(b"echo " + client.recv(100))
    client.close()
"""
    inner = subprocess.Popen(["unshare", "--net", sys.executable, "-c", echo], stdout=subprocess.PIPE, text=True)
    assert inner.stdout
    assert inner.stdout.readline() == "listening\n"
    with (tmp_path / "log").open("wb") as log:
        process = forward.spawn(inner.pid, {port: ("127.0.0.1", forward.EDGE_PORT)}, log)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(b"hello")
            assert client.recv(100) == b"echo hello"
    finally:
        inner.kill()
        inner.wait()
    assert process.wait(10) == 0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
