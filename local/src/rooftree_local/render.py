"""Configuration files of the node's components, as pure functions. Paths are those inside the stack's namespaces."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import yaml

from rooftree_local.addresses import (
    APISERVER_PORT,
    CLUSTER_DOMAIN,
    EDGE_DOMAIN,
    NODE_IP,
    NODE_NAME,
    POD_CIDR,
    STATE,
)

if TYPE_CHECKING:
    from pathlib import Path

PAUSE_IMAGE = "localhost/rooftree-pause:1"


def document(content: dict[str, Any]) -> str:
    """One YAML document, keys in the order they were written."""
    return yaml.safe_dump(content, sort_keys=False, width=120)


def kubeconfig(pki: Path, user: str) -> str:
    """A kubeconfig that carries its certificates itself, so that it works inside and outside the namespaces."""

    def embedded(name: str) -> str:
        return base64.b64encode((pki / name).read_bytes()).decode()

    server = f"https://{NODE_IP}:{APISERVER_PORT}"
    return document(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "local", "cluster": {"server": server, "certificate-authority-data": embedded("ca.crt")}}
            ],
            "users": [
                {
                    "name": user,
                    "user": {
                        "client-certificate-data": embedded(f"{user}.crt"),
                        "client-key-data": embedded(f"{user}.key"),
                    },
                }
            ],
            "contexts": [{"name": "local", "context": {"cluster": "local", "user": user}}],
            "current-context": "local",
        }
    )


def encryption(key: bytes) -> str:
    """How the API server keeps Secrets in etcd: XSalsa20-Poly1305 with a key made at first start."""
    secretbox = {"keys": [{"name": "local", "secret": base64.b64encode(key).decode()}]}
    return document(
        {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "EncryptionConfiguration",
            # `identity` last: only ever used to read what is not encrypted.
            "resources": [{"resources": ["secrets"], "providers": [{"secretbox": secretbox}, {"identity": {}}]}],
        }
    )


def audit_policy() -> str:
    """Who asked for what, without bodies; a test compares it with the rights that are granted."""
    return document(
        {
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Policy",
            "omitStages": ["RequestReceived"],
            "rules": [
                {"level": "None", "nonResourceURLs": ["/livez*", "/readyz*", "/healthz*"]},
                {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}]},
                {"level": "Metadata"},
            ],
        }
    )


def containerd() -> str:
    """containerd with its own root, state and socket, so that no other container on the machine is touched."""
    return f"""\
version = 2
root = "{STATE}/containerd/root"
state = "/run/containerd"

[grpc]
  address = "/run/containerd/containerd.sock"

[plugins."io.containerd.internal.v1.opt"]
  path = "{STATE}/containerd/opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  # Without CAP_SYS_RESOURCE a score below the own one cannot be set, and every pod would die at its start.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{STATE}/config/cni"
"""


def cni() -> str:
    """Pods on a bridge of their own, routed to the node; nothing is masqueraded, for nothing goes outside."""
    return json.dumps(
        {
            "cniVersion": "0.4.0",
            "name": "pods",
            "plugins": [
                {
                    "type": "bridge",
                    "bridge": "pods",
                    "isGateway": True,
                    "ipMasq": False,
                    "hairpinMode": True,
                    "ipam": {
                        "type": "host-local",
                        "dataDir": "/run/cni-addresses",
                        "ranges": [[{"subnet": POD_CIDR}]],
                        "routes": [{"dst": "0.0.0.0/0"}],
                    },
                },
                {"type": "portmap", "capabilities": {"portMappings": True}},
            ],
        },
        indent=1,
    )


def kubelet(cgroup: str) -> str:
    """The kubelet of the one node; `cgroup` is the stack's own subtree."""
    return document(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{cgroup}",
            "failSwapOn": False,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": f"{STATE}/pki/ca.crt"},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": f"{STATE}/pki/kubelet.crt",
            "tlsPrivateKeyFile": f"{STATE}/pki/kubelet.key",
            "clusterDNS": [NODE_IP],
            "clusterDomain": CLUSTER_DOMAIN,
            # Pods must not inherit the machine's search domains, nor ask its name server.
            "resolvConf": "",
            "podLogsDir": f"{STATE}/logs/pods",
            "volumePluginDir": f"{STATE}/kubelet/volume-plugins",
            "evictionHard": {"memory.available": "200Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            # Images come from archives: one that was collected as garbage could not be pulled again.
            "imageGCHighThresholdPercent": 100,
            "maxPods": 500,
            "containerLogMaxSize": "10Mi",
            "containerLogMaxFiles": 2,
        }
    )


def kube_proxy() -> str:
    """kube-proxy by nftables; the machine's own connection tracking limits stay as they are."""
    return document(
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "nftables",
            "clusterCIDR": POD_CIDR,
            "clientConnection": {"kubeconfig": f"{STATE}/config/kube-proxy.kubeconfig"},
            "hostnameOverride": NODE_NAME,
            "conntrack": {"maxPerCore": 0},
        }
    )


def corefile() -> str:
    """Cluster names, the edge's names, and a plain "no such name" for everything else."""
    return f"""\
{CLUSTER_DOMAIN}:53 {{
    bind {NODE_IP}
    kubernetes {CLUSTER_DOMAIN} {{
        kubeconfig {STATE}/config/coredns.kubeconfig local
        ttl 5
    }}
    ready 127.0.0.1:8181
    errors
}}
{EDGE_DOMAIN}:53 {{
    bind {NODE_IP}
    template IN A {{
        answer "{{{{ .Name }}}} 5 IN A {NODE_IP}"
    }}
    template IN ANY {{
        rcode NOERROR
    }}
    errors
}}
.:53 {{
    bind {NODE_IP}
    template ANY ANY {{
        rcode NXDOMAIN
    }}
    errors
}}
"""
