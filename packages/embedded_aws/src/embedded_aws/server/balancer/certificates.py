"""Certificates for listeners: an authority that is made at each start, and what it signs."""

import ipaddress
import os
import ssl
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from embedded_aws.address import HOST

_VALID: Final = timedelta(days=365)
_EARLIER: Final = timedelta(hours=1)
# What a strict client, as Python is from 3.13 on, wants to see: https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.3
_NOTHING: Final = dict.fromkeys(
    (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
)
_CRITICAL: Final = (x509.BasicConstraints, x509.KeyUsage)
_SIGNS: Final = x509.KeyUsage(**_NOTHING | {"key_cert_sign": True})
_SERVES: Final = x509.KeyUsage(**_NOTHING | {"digital_signature": True})


class Authority:
    """An authority whose key never leaves the process.

    Args:
        file: where its certificate is written, for the clients that are to trust it.
    """

    def __init__(self, file: Path) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = self._signed(
            "Embedded AWS", self._key.public_key(), x509.BasicConstraints(ca=True, path_length=0), _SIGNS
        )
        file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def context(self, names: Iterable[str]) -> ssl.SSLContext:
        """Return a server's side of TLS with a new certificate.

        Args:
            names: the domain names in the certificate, the main one first; the loopback address is added.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        domains = [x509.DNSName(each) for each in names]
        alternatives = x509.SubjectAlternativeName([*domains, x509.IPAddress(ipaddress.ip_address(HOST))])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        certificate = self._signed("Load balancer", key.public_key(), alternatives, usage, _SERVES)
        content = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        descriptor, path = tempfile.mkstemp()  # readable by this user alone
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            context.load_cert_chain(path)
        finally:
            Path(path).unlink()
        return context

    def _signed(self, name: str, key: ec.EllipticCurvePublicKey, *extensions: x509.ExtensionType) -> x509.Certificate:
        now, issuer = datetime.now(UTC), self._key.public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named("Embedded AWS"))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _EARLIER)
            .not_valid_after(now + _VALID)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, _CRITICAL))
        return builder.sign(self._key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
