"""The TLS context for browsers, made of a keystore's entry; the key never becomes a file on disk.

It serves HTTPS for people only, and has nothing to do with the traffic between components (W6);
the same keystore may serve both (W12).
"""

import os
import ssl
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sottovoce.errors import Fault, SettingsError

__all__ = ["KeyEntry", "browser_context", "load_entry"]

#: For TLS 1.2: forward secrecy and authenticated encryption only (Mozilla's "intermediate" list
#: without the finite-field groups). TLS 1.3 has nothing else.
CIPHERS_1_2 = "ECDHE+AESGCM:ECDHE+CHACHA20"


class KeyEntry(Protocol):
    """What is needed of a keystore's entry: a private key and its chain, the leaf first."""

    @property
    def key(self) -> PrivateKeyTypes:
        """The private key."""
        ...

    @property
    def chain(self) -> Sequence[x509.Certificate]:
        """The certificates, beginning with the key's own."""
        ...


def browser_context(entry: KeyEntry) -> ssl.SSLContext:
    """Return a server context, TLS 1.2 and 1.3, for this key and chain.

    Raises:
        SettingsError: key and certificate do not fit, or OpenSSL finds them too weak.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS_1_2)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    load_entry(context, entry)
    return context


def load_entry(context: ssl.SSLContext, entry: KeyEntry) -> None:
    """Let the connections that begin from now on be answered by this key and chain.

    Raises:
        SettingsError: key and certificate do not fit, or OpenSSL finds them too weak.
    """
    pem = entry.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem += b"".join(certificate.public_bytes(Encoding.PEM) for certificate in entry.chain)
    try:
        with _readable(pem) as path:
            context.load_cert_chain(path)
    except ssl.SSLError as error:
        raise SettingsError(
            [
                Fault(
                    code="web-certificate",
                    why="The key and certificate for HTTPS cannot be used: "
                    f"{error.reason or error}.",
                    hint="Look at the keystore with: sottovoce keytool -list -v -keystore FILE",
                )
            ]
        ) from error


@contextmanager
def _readable(pem: bytes) -> Iterator[str]:
    """Give a path from which *pem* can be read for a moment; the standard library takes no bytes.

    On Linux it is memory without a name. Elsewhere it is a file in a folder of its owner's, gone
    at once.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("sottovoce-web", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, pem)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    with tempfile.NamedTemporaryFile() as file:  # made with mode 0600
        file.write(pem)
        file.flush()
        yield file.name
