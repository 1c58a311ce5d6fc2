"""How much a keystore may cost to read: sizes, counts, key derivation, each with its reason.

This module owns the numbers and the budget that is spent from them. It knows no format. A file
comes from wherever the administrator got it, so every loop over it is paid for here first.
"""

from sottovoce.errors import KeystoreFormatError

__all__ = ["MAX_CERTIFICATES", "MAX_DEPTH", "MAX_FILE", "MAX_KEY", "Budget"]

#: The largest file that is read: 16 MiB; a store of every public root in use is below 0.5 MiB.
MAX_FILE = 16 * 1024 * 1024

#: Nested values: a PKCS#12 bag inside its layers needs 14; OpenSSL stops at 30.
MAX_DEPTH = 32

#: ASN.1 values in one file: 3,000 certificates' bags need about 75,000; each costs 3 µs to read.
MAX_ELEMENTS = 100_000

#: Certificates in one store, and entries in one store; public root stores hold 150.
MAX_CERTIFICATES = 3_000

#: One private key: RSA of 16,384 bits takes 9,300 bytes; larger ones cost minutes to use.
MAX_KEY = 16 * 1024

#: Key-derivation work of a whole file, in units of one PBKDF2 round with SHA-256 (0.3 µs):
#: 3,000,000 stay near one second. keytool writes 10,000 rounds for each key, OWASP recommends
#: 600,000, Java stops at 5,000,000 for each (``maxMacIterationCount`` of SunJCE).
MAX_WORK = 3_000_000

#: The cost of one round in those units, measured; SHA-384 and SHA-512 take twice as long.
ROUND_COST = {"md5": 1, "sha1": 1, "sha224": 1, "sha256": 1, "sha384": 2, "sha512": 2}


class Budget:
    """What reading one file may still cost; shared by every part of the reader."""

    __slots__ = ("certificates", "elements", "work")

    def __init__(self) -> None:
        self.elements = MAX_ELEMENTS
        self.certificates = MAX_CERTIFICATES
        self.work = MAX_WORK

    def spend_element(self) -> None:
        """Pay for one ASN.1 value.

        Raises:
            KeystoreFormatError: there are too many.
        """
        self.elements -= 1
        if self.elements < 0:
            raise KeystoreFormatError(
                f"The file holds more than {MAX_ELEMENTS:,} ASN.1 values; no keystore does.",
                code="keystore-too-large",
                expected=f"at most {MAX_ELEMENTS:,} ASN.1 values",
                presented="more",
                hint="Check that this is the file that was meant.",
            )

    def spend_certificate(self) -> None:
        """Pay for one certificate or entry.

        Raises:
            KeystoreFormatError: there are too many.
        """
        self.certificates -= 1
        if self.certificates < 0:
            raise KeystoreFormatError(
                f"The file holds more than {MAX_CERTIFICATES:,} certificates and entries.",
                code="keystore-too-large",
                expected=f"at most {MAX_CERTIFICATES:,} certificates and entries",
                presented="more",
                hint="Check that this is the file that was meant.",
            )

    def spend_key(self, cost: int) -> None:
        """Pay for making a private key of its octets.

        Args:
            cost: in units of the budget, see :data:`MAX_WORK`.

        Raises:
            KeystoreFormatError: the keys of the file would take too long.
        """
        if cost > self.work:
            raise KeystoreFormatError(
                "Making the private keys of this file usable would take too long.",
                code="keystore-too-costly",
                expected="keys of usual sizes",
                presented="keys that cost more than is spent on one file",
                hint="Keep the server's own key in a store of its own.",
            )
        self.work -= cost

    def spend_rounds(self, rounds: int, *, digest: str, blocks: int = 1, factor: int = 1) -> None:
        """Pay for a key derivation before it is begun.

        Args:
            rounds: the iteration count that the file asks for.
            digest: the hash's name as :mod:`hashlib` has it.
            blocks: how many blocks of the hash's size are derived.
            factor: 1 for PBKDF2, 2 for the PKCS#12 derivation.

        Raises:
            KeystoreFormatError: it would take too long.
        """
        cost = rounds * blocks * factor * ROUND_COST.get(digest, 2)
        if rounds < 1 or cost > self.work:
            raise KeystoreFormatError(
                f"The file asks for {rounds:,} rounds of key derivation; it may cost "
                f"{MAX_WORK:,} in all and {self.work:,} are left.",
                expected=f"at most {MAX_WORK:,} rounds in the whole file",
                presented=f"{rounds:,} rounds",
                hint="Write the store again with the usual 10,000 rounds.",
                code="keystore-too-costly",
            )
        self.work -= cost
