"""The RSA key that signs identity tokens, in the forms that verifiers fetch. No claims, no HTTP.

Importing this loads cryptography (0.1 s, 12 MB), so import it where the first token is made.
"""

import base64
import datetime
import hashlib
import os
from pathlib import Path

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

LIFETIME = datetime.timedelta(days=3650)


class SigningKey:
    """One RSA key and its id, which is the hash of the public half."""

    def __init__(self, private: rsa.RSAPrivateKey) -> None:
        self._private = private
        public = private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.id = hashlib.sha256(public).hexdigest()[:40]

    @classmethod
    def load_or_create(cls, path: Path | None) -> "SigningKey":
        """Return the key in `path`, made now if there is none; no path: a key for this run."""
        if path and path.exists():
            loaded = serialization.load_pem_private_key(path.read_bytes(), password=None)
            if not isinstance(loaded, rsa.RSAPrivateKey):
                raise ValueError(f"{path} does not hold an RSA key: delete it to have one made")
            return cls(loaded)
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        if path:
            _write(path, private)
        return cls(private)

    def sign(self, claims: dict[str, str | int | bool]) -> str:
        """Return `claims` as an RS256 JWT that names this key."""
        return jwt.encode(claims, self._private, algorithm="RS256", headers={"kid": self.id})

    def jwk(self) -> dict[str, str]:
        """Return the public key as an entry of a JWKS."""
        numbers = self._private.public_key().public_numbers()
        fixed = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id}
        return fixed | {"n": _base64url(numbers.n), "e": _base64url(numbers.e)}

    def certificate(self) -> str:
        """Return a self-signed certificate as PEM, the form of Google's older endpoint."""
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pubsub-emulator")])
        start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
        builder = x509.CertificateBuilder(
            issuer_name=name,
            subject_name=name,
            public_key=self._private.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=start,
            not_valid_after=start + LIFETIME,
        )
        certificate = builder.sign(self._private, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _write(path: Path, private: rsa.RSAPrivateKey) -> None:
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    # Complete under another name first: a process killed here leaves no half of a key.
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    part.replace(path)


def _base64url(number: int) -> str:
    octets = number.to_bytes((number.bit_length() + 7) // 8)
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
