"""The stack's own certificate authorities and what they sign.

`ca` signs everything that a client outside etcd meets: API server, kubelet, the backends and the edge's wildcard.
`etcd-ca` is apart, because etcd lets in whoever holds a certificate of its authority.
Keys are EC P-256, files 0600. A leaf is made again when it is missing, foreign or near its end; an authority stays,
so that a browser that trusts it goes on trusting it over `down` and `up`.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rooftree_local.addresses import EDGE_DOMAIN, KUBERNETES_SERVICE_IP, NODE_IP, NODE_NAME
from rooftree_local.paths import write_private

if TYPE_CHECKING:
    from pathlib import Path

AUTHORITY_DAYS = 3650
LEAF_DAYS = 397
RENEW_BEFORE = dt.timedelta(days=30)


@dataclass(frozen=True)
class Leaf:
    """A certificate that is wanted; `names` are DNS names or IP addresses, none for a client's."""

    file: str
    common_name: str
    organization: str | None = None
    names: tuple[str, ...] = ()
    authority: str = "ca"


SERVERS = ("postgres", "standby", "kafka", "elasticsearch", "redis", "s3", "mail")
# The API server calls it by its Service's name, the kubelet knows it by its user's.
METRICS_NAMES = ("metrics-server.kube-system.svc", NODE_IP)
LEAVES = (
    Leaf(
        "apiserver",
        "kube-apiserver",
        names=(
            "localhost",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
            "127.0.0.1",
            KUBERNETES_SERVICE_IP,
            NODE_IP,
        ),
    ),
    Leaf("admin", "rooftree-admin", "system:masters"),
    Leaf("apiserver-kubelet-client", "kube-apiserver-kubelet-client", "system:masters"),
    Leaf("front-proxy", "front-proxy"),
    Leaf("controller-manager", "system:kube-controller-manager"),
    Leaf("scheduler", "system:kube-scheduler"),
    Leaf("kube-proxy", "system:kube-proxy"),
    Leaf("coredns", "rooftree:coredns"),
    Leaf("kube-router", "rooftree:kube-router"),
    Leaf("prometheus", "rooftree:prometheus"),
    Leaf("metrics-server", "rooftree:metrics-server", names=METRICS_NAMES),
    Leaf("kubelet", f"system:node:{NODE_NAME}", "system:nodes", (NODE_NAME, NODE_IP)),
    *(Leaf(name, name, names=(NODE_IP, "127.0.0.1", "localhost")) for name in SERVERS),
    Leaf("edge", EDGE_DOMAIN, names=(EDGE_DOMAIN, f"*.{EDGE_DOMAIN}")),
    Leaf("etcd", "etcd", names=("localhost", "127.0.0.1"), authority="etcd-ca"),
    Leaf("etcd-client", "kube-apiserver", authority="etcd-ca"),
)


def ensure(folder: Path, *, now: dt.datetime | None = None) -> None:
    """Makes every authority, leaf and the service accounts' signing key that is missing or near its end."""
    now = now or dt.datetime.now(dt.UTC)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for authority in ("ca", "etcd-ca"):
        if not (folder / f"{authority}.crt").exists():
            _make_authority(folder, authority, now)
    for leaf in LEAVES:
        if not _is_good(folder, leaf, now):
            _make_leaf(folder, leaf, now)
    if not (folder / "service-accounts.key").exists():
        key = ec.generate_private_key(ec.SECP256R1())
        write_private(folder / "service-accounts.pub", _public_pem(key))
        write_private(folder / "service-accounts.key", _private_pem(key))


def _make_authority(folder: Path, name: str, now: dt.datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Rooftree local {name}")])
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(subject, subject, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    # The key first: a certificate file is the sign that the pair is whole.
    write_private(folder / f"{name}.key", _private_pem(key))
    write_private(folder / f"{name}.crt", certificate.public_bytes(serialization.Encoding.PEM))


def _make_leaf(folder: Path, leaf: Leaf, now: dt.datetime) -> None:
    issuer = x509.load_pem_x509_certificate((folder / f"{leaf.authority}.crt").read_bytes())
    issuer_key = serialization.load_pem_private_key((folder / f"{leaf.authority}.key").read_bytes(), password=None)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{folder / leaf.authority}.key is not an EC key; remove the folder and start again")
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, leaf.common_name)]
    if leaf.organization:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, leaf.organization))
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if leaf.names else [])]
    builder = (
        _builder(x509.Name(attributes), issuer.subject, key.public_key(), now, LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if leaf.names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_name(n) for n in leaf.names]), critical=False)
    certificate = builder.sign(issuer_key, hashes.SHA256())
    write_private(folder / f"{leaf.file}.key", _private_pem(key))
    write_private(folder / f"{leaf.file}.crt", certificate.public_bytes(serialization.Encoding.PEM))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: dt.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _is_good(folder: Path, leaf: Leaf, now: dt.datetime) -> bool:
    path = folder / f"{leaf.file}.crt"
    if not path.exists() or not (folder / f"{leaf.file}.key").exists():
        return False
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    if certificate.not_valid_after_utc - now < RENEW_BEFORE:
        return False
    if _names(certificate) != {_name(name) for name in leaf.names}:
        return False
    issuer = x509.load_pem_x509_certificate((folder / f"{leaf.authority}.crt").read_bytes())
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # cryptography raises four unrelated kinds here; each means: not of this authority
        return False
    return True


def _names(certificate: x509.Certificate) -> set[x509.GeneralName]:
    try:
        return set(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return set()


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
