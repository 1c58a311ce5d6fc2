"""The failure matrix's vocabulary: a row of the catalogue, how it is made, what each side knows.

The failure catalogue is a paper of the project that lies outside the repository; its rows are named
here, so that a test can count that none is forgotten.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sottovoce.errors import Fault

if TYPE_CHECKING:
    from tests.loopback.matrix.stage import Stage

__all__ = ["CATALOGUE", "Made", "Row", "Seen"]

#: Every row of the failure catalogue: its id, and its true cause in a few words.
CATALOGUE: Mapping[str, str] = {
    "N1": "the certificate's name is not the name by which the server identifies itself",
    "N2": "the server was renamed after its certificate was issued",
    "N3": "several names: short, full, alias, with a final dot",
    "N4": "dialled by address, the certificate has only names",
    "N5": "the address is in the certificate as a DNS name",
    "N6": "a common name and no alternative names",
    "N7": "a wildcard that does not cover the name",
    "N8": "one certificate or key on several servers",
    "N9": "software that compares the certificate with the caller's address",
    "T1": "the root is not in the store when the reply is imported",
    "T2": "the root is missing at the calling partner",
    "T3": "the root is missing at the accepting partner",
    "T4": "the caller has no certificate",
    "T5": "the chain is sent without its intermediate",
    "T6": "the temporary self-signed certificate is still in use",
    "T7": "the peer sent its own root, which is not trusted",
    "T8": "the CA was made anew under the same name",
    "T9": "signed by something that may not sign, or beyond its limits",
    "T10": "a home-made CA without what the strict profile asks for",
    "T11": "only the intermediate is trusted, its root is absent",
    "A1": "the caller's name is not in the allowed list",
    "A2": "the own name is missing in the own list",
    "A3": "blanks in the list",
    "A4": "nearly a listed name: case, final dot, short name, typing slip, address",
    "A5": "an empty list",
    "A6": "the list was edited and not read again",
    "A7": "a list compared with addresses, or in one direction only",
    "V1": "the certificate expired",
    "V2": "an intermediate or the root expired",
    "V3": "the certificate is not valid yet",
    "V4": "the clocks of two servers differ",
    "V5": "nobody saw the end of a certificate coming",
    "V6": "the renewal comes too late",
    "R1": "the certificate was revoked",
    "R2": "a resumed session would skip verification",
    "R3": "no revocation list of that issuer",
    "R4": "the revocation list is too old",
    "R5": "a revoked peer keeps its open connection",
    "P1": "an unsecured server speaks to a secured one",
    "P2": "a secured server speaks to an unsecured one",
    "P3": "another service answers there",
    "P4": "nothing listens there",
    "P5": "a firewall drops what is sent there",
    "P6": "TCP is accepted and nobody speaks",
    "P7": "a port scan or a health check",
    "P8": "the name is not resolved",
    "P9": "a half-secured installation",
    "X1": "no common TLS version",
    "X2": "no common cipher suite",
    "X3": "no private key is loaded at all",
    "X4": "an RSA key below 2048 bits",
    "X5": "a signature with SHA-1",
    "X6": "the certificate may not act as a server",
    "X7": "the certificate may not act as a client",
    "X8": "key usage without digital signature",
    "K1": "the keystore's password is wrong",
    "K2": "the key has another password than its store",
    "K3": "the keystore file is missing",
    "K4": "the keystore may not be read",
    "K5": "the keystore is damaged, cut off or empty",
    "K6": "the keystore is of another format",
    "K7": "several private keys in one keystore",
    "K8": "only trusted certificates in the keystore",
    "K9": "certificate and key do not belong together, or the leaf is not first",
    "K10": "the reply answers another request",
    "K11": "the reply was imported under another alias",
    "K12": "a secret file that others may read",
    "K13": "a cut-off certificate, or a key where a certificate should be",
    "K14": "keytool's routine errors",
    "C1": "a relative keystore path",
    "C2": "single backslashes in a path",
    "C3": "blanks in the list",
    "C4": "a backslash or a blank in the password",
    "C5": "a file without sections, or with a byte-order mark",
    "C6": "a misspelt or missing key",
    "O1": "a reload reads a half-written pair",
    "O2": "a certificate under a new CA, before the CA is trusted everywhere",
    "O3": "the file was replaced and not read again",
    "O4": "a reload that partners would refuse",
    "O5": "refusals that are nowhere in the log",
    "O6": "the reason is lost because the caller wrote first",
    "O7": "a removed CA or a revoked peer still works",
}


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What came of a row: the codes that each side has, the likeliest first.

    Args:
        accepting: the codes of the accepting side's log, line by line: the refusal, and after it
            the caller's own reason where that came later.
        calling: the code of the calling side's error and log.
        told: what the refused side was told: the alert, then codes.
        found: what check says first, and what keeps the server (or keytool) from its work.
        faults: the first fault of each line, for its wording; of who found it first.
        text: everything that was said, by whoever found the fault, as one text.
    """

    accepting: tuple[str, ...] = ()
    calling: str = ""
    told: tuple[str, ...] = ()
    found: tuple[str, str] = ("", "")
    faults: tuple[Fault, ...] = ()
    text: str = ""

    @property
    def codes(self) -> tuple[tuple[str, ...], str, tuple[str, ...], tuple[str, str]]:
        """What a row foretells."""
        return self.accepting, self.calling, self.told, self.found


Made = Callable[["Stage"], Awaitable[Seen]]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the catalogue, made for real.

    Args:
        id: of the catalogue.
        cause: this case of it.
        made: how the fault is made; returns what was seen.
        accepting, calling, told, found: see :class:`Seen`.
        says: words that must stand in what is said: both values, a name, a number.
    """

    id: str
    cause: str
    made: Made
    accepting: tuple[str, ...] = ()
    calling: str = ""
    told: tuple[str, ...] = ()
    found: tuple[str, str] = ("", "")
    says: tuple[str, ...] = ()

    @property
    def codes(self) -> tuple[tuple[str, ...], str, tuple[str, ...], tuple[str, str]]:
        """What is to be seen."""
        return self.accepting, self.calling, self.told, self.found

    def __str__(self) -> str:
        return f"{self.id} {self.cause}"
