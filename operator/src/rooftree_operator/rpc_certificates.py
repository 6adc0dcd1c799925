"""What modules prove themselves with to each other: an authority of the tenant's own, and what it issues. Pure.

ECDSA P-256. A certificate names its module as a DNS name and is good for servers and clients.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE = timedelta(days=3650)
LIFE = timedelta(days=90)
RENEW_BEFORE = timedelta(days=30)
# Clocks differ.
_BEFORE = timedelta(minutes=5)
_USES = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as PEM texts."""

    certificate: str
    key: str = field(repr=False)


def new_authority(name: str, now: datetime) -> Pair:
    """A self-signed authority that issues for nobody but end entities."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    builder = _builder(subject, subject, key, now=now, life=AUTHORITY_LIFE)
    return _pair(builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True), key, key)


def issue(authority: Pair, module: str, now: datetime) -> Pair:
    """A certificate of `module`, with a key of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(_name(module), _loaded(authority).subject, key, now=now, life=LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(module)]), critical=False)
        .add_extension(_USES, critical=False)
    )
    return _pair(builder, key, _key(authority))


def is_good(authority: Pair, pair: Pair, module: str, now: datetime) -> bool:
    """Whether this is the module's, of this authority, with its key, and not to be renewed yet."""
    try:
        found, key = _loaded(pair), _key(pair)
        found.verify_directly_issued_by(_loaded(authority))
        named = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    its_own = found.public_key() == key.public_key()
    return its_own and list(named) == [x509.DNSName(module)] and now < found.not_valid_after_utc - RENEW_BEFORE


def is_ours(authority: Pair, pair: Pair, module: str) -> bool:
    """Whether there is nothing wrong with it but, perhaps, its age."""
    return is_good(authority, pair, module, datetime.min.replace(tzinfo=UTC))


def is_authority(pair: Pair, now: datetime) -> bool:
    """Whether it can issue certificates that are good for their whole life."""
    try:
        found, key = _loaded(pair), _key(pair)
    except (ValueError, TypeError):
        return False
    return found.public_key() == key.public_key() and now + LIFE < found.not_valid_after_utc


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now + life)
    )


def _pair(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey) -> Pair:
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Pair(builder.sign(by, hashes.SHA256()).public_bytes(pem).decode(), secret.decode())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _loaded(pair: Pair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.certificate.encode())


def _key(pair: Pair) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pair.key.encode(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("not a key of ours")
    return key
