"""What was ordered, from whom, and how it is proved: kept, so that a renewal needs no words.

Owns the files of ``conf/acme``. No secret stands in an order; the key of the account has a file of
its own.
"""

import hashlib
from enum import StrEnum
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sottovoce.errors import Fault, SettingsError
from sottovoce.ini import Secret
from sottovoce.pki import KeyAlgorithm, PrivateKey, generate_key, load_private_key
from sottovoce.server.home import Home, check_private, read_file
from sottovoce.store import write_atomically

__all__ = ["Account", "Order", "Use", "account_of", "eab_key", "read_order", "write_order"]


class Use(StrEnum):
    """What a certificate is for."""

    #: The tracker's pages for people (``WebKeystorePath``).
    WEB = "web"
    #: The traffic between the servers (``SSLKeystorePath``).
    INTERNAL = "internal"


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One order.

    Args:
        directory: the authority's address (RFC 8555 7.1.1).
        contact: mail addresses for its notices.
        names: for which the certificate is.
        address, port: where the proof is shown (http-01, RFC 8555 8.3); the authority asks port 80.
        ca_file: PEM with the roots for the directory's TLS; empty = the system's.
        eab_key_id, eab_key_file: of an account outside of ACME (7.3.4), where the authority wants
            one; the key's file is owner-only.
    """

    directory: str
    names: tuple[str, ...]
    contact: tuple[str, ...] = ()
    address: str = "0.0.0.0"  # noqa: S104 - the authority asks from outside
    port: int = 80
    ca_file: str = ""
    eab_key_id: str = ""
    eab_key_file: str = ""


def _folder(home: Home) -> Path:
    return home.conf / "acme"


def _order_file(home: Home, use: Use) -> Path:
    return _folder(home) / f"{use}.json"


def read_order(home: Home, use: Use) -> Order | None:
    """Return what was ordered last; None when nothing was.

    Raises:
        SettingsError: the file cannot be read.
    """
    path = _order_file(home, use)
    if not path.exists():
        return None
    data = read_file(path, missing="file-missing", hint="Order it again with --directory.")
    try:
        return msgspec.json.decode(data, type=Order)
    except msgspec.DecodeError as error:
        fault = Fault(
            code="malformed",
            why=f"The kept order cannot be read: {error}.",
            expected="the order as the command wrote it",
            file=str(path),
            hint="Order again with --directory; then it is written anew.",
        )
        raise SettingsError([fault]) from error


def write_order(home: Home, use: Use, order: Order) -> None:
    """Keep what was ordered.

    Raises:
        OSError: as the system says.
    """
    _folder(home).mkdir(mode=0o700, exist_ok=True)
    data = msgspec.json.format(msgspec.json.encode(order), indent=2)
    write_atomically(_order_file(home, use), data + b"\n")


class Account:
    """The account of this server with one authority: a key, and the address that it was given.

    Args:
        folder: where its files are.
        directory: the authority's.
    """

    def __init__(self, folder: Path, directory: str) -> None:
        self._folder = folder
        mark = hashlib.sha256(directory.encode()).hexdigest()[:16]
        self.key_file = folder / f"account-{mark}.key.pem"
        self._address_file = folder / f"account-{mark}.address"

    def key(self) -> PrivateKey:
        """Return the key; one is made and kept before it is used for the first time.

        Raises:
            SettingsError: its file cannot be read, or is open to others.
            FormatError: its file holds no key.
            OSError: it cannot be written.
        """
        if not self.key_file.exists():
            self._folder.mkdir(mode=0o700, exist_ok=True)
            made = generate_key(KeyAlgorithm.EC_P256)
            # Owner-only and in the clear: a password for it would have to lie beside it.
            pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            write_atomically(self.key_file, pem)
        data = read_file(self.key_file, missing="file-missing", hint="Try again.")
        check_private(self.key_file)
        return load_private_key(data, None, source=str(self.key_file))

    @property
    def address(self) -> str:
        """What the authority calls the account; empty before it has been made."""
        try:
            return self._address_file.read_text("utf-8").strip()
        except OSError:
            return ""

    def remember(self, address: str) -> None:
        """Keep the address; without one, forget it.

        Raises:
            OSError: it cannot be written.
        """
        write_atomically(self._address_file, f"{address}\n".encode())


def account_of(home: Home, directory: str) -> Account:
    """Return the account of a home with an authority."""
    return Account(_folder(home), directory)


def eab_key(order: Order) -> Secret | None:
    """Return the key of the account outside of ACME, where there is one.

    Raises:
        SettingsError: its file cannot be read, or is open to others.
    """
    if not order.eab_key_file:
        return None
    path = Path(order.eab_key_file)
    data = read_file(path, missing="file-missing", hint="Write the key that you were given there.")
    check_private(path)
    return Secret(data.decode("ascii", "replace").strip())
