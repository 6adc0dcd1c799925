"""A tenant's certificate authority and what it issues: certificates that name modules."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from rooftree.kernel.rpc import Certificates


class Authority:
    def __init__(self, name: str = "acme-0a1b2c3d") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        basic = x509.BasicConstraints(ca=True, path_length=0)
        self._certificate = self._signed(self._name, self._key, basic)

    def issue(self, *modules: str) -> Certificates:
        """For a process of these modules."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(module) for module in modules])
        uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, modules[0])])
        certificate = self._signed(subject, key, x509.BasicConstraints(ca=False, path_length=None), names, uses)
        pem = serialization.Encoding.PEM
        secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return Certificates(self._certificate.public_bytes(pem), certificate.public_bytes(pem), secret)

    def write(self, folder: Path, *modules: str) -> None:
        """As the operator mounts them."""
        given = self.issue(*modules)
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in (("ca.crt", given.authority), ("tls.crt", given.chain), ("tls.key", given.key)):
            (folder / name).write_bytes(content)

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *extensions: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self._key, hashes.SHA256())
