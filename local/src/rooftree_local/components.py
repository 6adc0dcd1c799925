"""The processes of a stack: how each is started and how it shows that it is ready. Pure; the supervisor runs them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from rooftree_local.addresses import (
    APISERVER_PORT,
    METRICS_SERVER_PORT,
    NODE_IP,
    NODE_NAME,
    SERVICE_CIDR,
    SIMULATED_POD_CIDR,
    STATE,
)

PKI = f"{STATE}/pki"
CONFIG = f"{STATE}/config"
ETCD_URL = "https://127.0.0.1:2379"
ETCD_FLAGS = (
    f"--data-dir={STATE}/etcd",
    f"--listen-client-urls={ETCD_URL}",
    f"--advertise-client-urls={ETCD_URL}",
    "--listen-peer-urls=http://127.0.0.1:2380",
    "--listen-metrics-urls=http://127.0.0.1:2381",
    f"--cert-file={PKI}/etcd.crt",
    f"--key-file={PKI}/etcd.key",
    # Pods of the host's network reach this port too.
    "--client-cert-auth",
    f"--trusted-ca-file={PKI}/etcd-ca.crt",
    # The state lives as long as the processes do, so nothing is gained by waiting for the disk.
    "--unsafe-no-fsync",
    "--logger=zap",
    "--log-level=warn",
)
APISERVER_FLAGS = (
    f"--etcd-servers={ETCD_URL}",
    f"--etcd-cafile={PKI}/etcd-ca.crt",
    f"--etcd-certfile={PKI}/etcd-client.crt",
    f"--etcd-keyfile={PKI}/etcd-client.key",
    f"--encryption-provider-config={CONFIG}/encryption.yaml",
    f"--audit-policy-file={CONFIG}/audit-policy.yaml",
    f"--audit-log-path={STATE}/logs/audit.log",
    "--audit-log-maxsize=100",
    "--audit-log-maxbackup=1",
    f"--service-cluster-ip-range={SERVICE_CIDR}",
    f"--secure-port={APISERVER_PORT}",
    "--bind-address=0.0.0.0",
    # Without it `kubernetes.default` has no endpoint, and logs and exec look for the node's name.
    f"--advertise-address={NODE_IP}",
    "--kubelet-preferred-address-types=InternalIP",
    "--allow-privileged=true",
    f"--tls-cert-file={PKI}/apiserver.crt",
    f"--tls-private-key-file={PKI}/apiserver.key",
    f"--client-ca-file={PKI}/ca.crt",
    # It takes a watch from version 0 for a streamed list, and refuses that with an etcd that tells of no progress.
    "--feature-gates=WatchList=false",
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    f"--service-account-key-file={PKI}/service-accounts.pub",
    f"--service-account-signing-key-file={PKI}/service-accounts.key",
    f"--kubelet-certificate-authority={PKI}/ca.crt",
    f"--kubelet-client-certificate={PKI}/apiserver-kubelet-client.crt",
    f"--kubelet-client-key={PKI}/apiserver-kubelet-client.key",
    f"--requestheader-client-ca-file={PKI}/ca.crt",
    "--requestheader-allowed-names=front-proxy",
    "--requestheader-username-headers=X-Remote-User",
    "--requestheader-group-headers=X-Remote-Group",
    "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    f"--proxy-client-cert-file={PKI}/front-proxy.crt",
    f"--proxy-client-key-file={PKI}/front-proxy.key",
    "--enable-aggregator-routing=true",
    "--profiling=false",
)
CONTROLLER_FLAGS = (
    f"--kubeconfig={CONFIG}/controller-manager.kubeconfig",
    f"--service-account-private-key-file={PKI}/service-accounts.key",
    f"--root-ca-file={PKI}/ca.crt",
    f"--cluster-signing-cert-file={PKI}/ca.crt",
    f"--cluster-signing-key-file={PKI}/ca.key",
    "--use-service-account-credentials=true",
    "--leader-elect=false",
    "--bind-address=127.0.0.1",
    # Namespaces with all their objects come and go; the default of 20 requests a second makes them wait.
    "--kube-api-qps=100",
    "--kube-api-burst=200",
)
SCHEDULER_FLAGS = (
    f"--kubeconfig={CONFIG}/scheduler.kubeconfig",
    "--leader-elect=false",
    "--bind-address=127.0.0.1",
)
KUBELET_FLAGS = (
    f"--config={CONFIG}/kubelet.yaml",
    f"--kubeconfig={CONFIG}/kubelet.kubeconfig",
    f"--hostname-override={NODE_NAME}",
    f"--node-ip={NODE_IP}",
    f"--root-dir={STATE}/kubelet",
)
# Pods that do not run have no load to scale by; it would only note for each tenant that nothing is measured.
AUTOSCALER = "horizontal-pod-autoscaler-controller"
KWOK_ADDRESS = "127.0.0.1:10247"
KWOK_FLAGS = (
    f"--kubeconfig={STATE}/kubeconfig",
    f"--config={CONFIG}/kwok.yaml",
    f"--server-address={KWOK_ADDRESS}",
    "--manage-all-nodes",
    f"--node-ip={NODE_IP}",
    f"--cidr={SIMULATED_POD_CIDR}",
    # Without Leases the control plane would take the nodes for lost.
    "--node-lease-duration-seconds=40",
)
PROXY_FLAGS = (f"--config={CONFIG}/kube-proxy.yaml",)
ACCESS = ("apply", "--server-side", f"--filename={CONFIG}/access")
# Network policies only: pods are connected by CNI, services by kube-proxy.
FIREWALL_FLAGS = (
    f"--kubeconfig={CONFIG}/kube-router.kubeconfig",
    f"--hostname-override={NODE_NAME}",
    f"--service-cluster-ip-range={SERVICE_CIDR}",
    "--run-firewall=true",
    "--run-router=false",
    "--run-service-proxy=false",
    "--run-loadbalancer=false",
    "--enable-cni=false",
)
# A pod that kube-router has not heard of yet has no rule, so nothing would be refused to it. What the policies allow is
# marked and accepted before these rules; they come after, and end what newcomers begin.
_NEWCOMER = "--in-interface pods --match conntrack --ctstate NEW --jump REJECT"
NEWCOMERS = f"""set -e
for chain in INPUT FORWARD; do
  iptables --check $chain {_NEWCOMER} 2>/dev/null || iptables --append $chain {_NEWCOMER}
done"""
METRICS_FLAGS = (
    f"--kubeconfig={CONFIG}/metrics-server.kubeconfig",
    f"--authentication-kubeconfig={CONFIG}/metrics-server.kubeconfig",
    f"--authorization-kubeconfig={CONFIG}/metrics-server.kubeconfig",
    f"--bind-address={NODE_IP}",
    f"--secure-port={METRICS_SERVER_PORT}",
    f"--tls-cert-file={PKI}/metrics-server.crt",
    f"--tls-private-key-file={PKI}/metrics-server.key",
    f"--kubelet-certificate-authority={PKI}/ca.crt",
    "--kubelet-preferred-address-types=InternalIP",
    "--metric-resolution=10s",
    "--kubelet-request-timeout=5s",
)


@dataclass(frozen=True)
class Component:
    """One process. `ready` is a URL (https with the stack's CA), `tcp://host:port`, or nothing: started is ready.

    It starts as soon as all that `after` names are ready; those with `once` are when they ended with exit code 0.
    `answer` is the HTTP status by which a URL shows that it is ready. What is `slow` is started with the others, and
    waited for at the end only.
    """

    name: str
    argv: tuple[str, ...]
    ready: str | None = None
    after: tuple[str, ...] = ()
    seconds: int = 60
    once: bool = False
    answer: int = 200
    slow: bool = False
    env: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def node(tools: dict[str, str]) -> list[Component]:
    """The control plane and the one node; `tools` maps a tool's name to its path inside the stack."""
    kubelite = tools["kubelite"]
    etcd, *control = _control_plane(kubelite, CONTROLLER_FLAGS)
    containerd = Component(
        "containerd",
        ("containerd", "--config", f"{CONFIG}/containerd.toml"),
        ready="unix:///run/containerd/containerd.sock",
    )
    return [
        etcd,
        containerd,
        *control,
        _kubernetes(kubelite, "kubelet", KUBELET_FLAGS, "http://127.0.0.1:10248/healthz", "apiserver", "containerd"),
        _kubernetes(kubelite, "kube-proxy", PROXY_FLAGS, "http://127.0.0.1:10256/healthz", "apiserver"),
        *_helpers(tools),
    ]


def simulated(tools: dict[str, str]) -> list[Component]:
    """The control plane, and KWOK in place of the node: pods are said to be ready, and none runs."""
    flags = (*CONTROLLER_FLAGS, f"--controllers=*,-{AUTOSCALER}")
    kwok = Component("kwok", (tools["kwok"], *KWOK_FLAGS), ready=f"http://{KWOK_ADDRESS}/healthz", after=("apiserver",))
    return [*_control_plane(tools["kubelite"], flags), kwok]


def _kubernetes(kubelite: str, name: str, flags: tuple[str, ...], ready: str, *after: str) -> Component:
    program = name if name.startswith("kube") else f"kube-{name}"
    return Component(name, (kubelite, program, *flags), ready, after)


def _control_plane(kubelite: str, controllers: tuple[str, ...]) -> list[Component]:
    return [
        Component("etcd", ("etcd", *ETCD_FLAGS), ready="http://127.0.0.1:2381/health"),
        _kubernetes(kubelite, "apiserver", APISERVER_FLAGS, f"https://{NODE_IP}:{APISERVER_PORT}/readyz", "etcd"),
        _kubernetes(kubelite, "controller-manager", controllers, "tcp://127.0.0.1:10257", "apiserver"),
        _kubernetes(kubelite, "scheduler", SCHEDULER_FLAGS, "tcp://127.0.0.1:10259", "apiserver"),
    ]


def _helpers(tools: dict[str, str]) -> list[Component]:
    """Names, network policies and resource metrics, with what they may do in the cluster."""

    def client(name: str, *words: str, after: str) -> Component:
        argv = (tools["kubelite"], "kubectl", f"--kubeconfig={STATE}/kubeconfig", *words)
        return Component(name, argv, after=(after,), once=True, env={"KUBECACHEDIR": "/run/kubectl"})

    return [
        client("access", *ACCESS, after="apiserver"),
        client("registered", "wait", "--for=create", f"node/{NODE_NAME}", "--timeout=60s", after="kubelet"),
        Component(
            "coredns",
            (tools["coredns"], "-conf", f"{CONFIG}/Corefile"),
            ready="http://127.0.0.1:8181/ready",
            after=("access",),
        ),
        Component(
            "kube-router",
            (tools["kube-router"], *FIREWALL_FLAGS),
            ready="http://127.0.0.1:20244/healthz",
            after=("access", "registered"),
        ),
        Component("newcomers", ("sh", "-c", NEWCOMERS), after=("kube-router",), once=True),
        Component(
            "metrics-server",
            (tools["metrics-server"], *METRICS_FLAGS),
            # Ready it is only when it has measured twice; it answers before.
            ready=f"https://{NODE_IP}:{METRICS_SERVER_PORT}/livez",
            after=("access", "registered"),
        ),
    ]
