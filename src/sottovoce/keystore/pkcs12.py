"""PKCS#12 files → bags (RFC 7292): integrity first, then what is inside, DER and BER.

Owns the reading of that format. How bags become named entries with chains is ``joining``'s work.
"""

from sottovoce.errors import IntegrityError, KeystoreFormatError
from sottovoce.keystore import pbe
from sottovoce.keystore.der import (
    BMP_STRING,
    OCTET_STRING,
    SEQUENCE,
    SET,
    Cursor,
    context,
)
from sottovoce.keystore.formats import check_length
from sottovoce.keystore.joining import Attributes, Bags, CertificateBag, KeyBag, join
from sottovoce.keystore.keys import KeyUnreadable, load_certificate, load_private_key
from sottovoce.keystore.limits import Budget
from sottovoce.keystore.model import Keystore
from sottovoce.keystore.names import near_passwords, note, unreadable, wrong_password
from sottovoce.keystore.protection import open_key

__all__ = ["read"]

DATA = "1.2.840.113549.1.7.1"
SIGNED_DATA = "1.2.840.113549.1.7.2"
ENVELOPED_DATA = "1.2.840.113549.1.7.3"
ENCRYPTED_DATA = "1.2.840.113549.1.7.6"

KEY_BAG = "1.2.840.113549.1.12.10.1.1"
SHROUDED_KEY_BAG = "1.2.840.113549.1.12.10.1.2"
CERT_BAG = "1.2.840.113549.1.12.10.1.3"
SAFE_CONTENTS_BAG = "1.2.840.113549.1.12.10.1.6"

X509_CERTIFICATE = "1.2.840.113549.1.9.22.1"
FRIENDLY_NAME = "1.2.840.113549.1.9.20"
LOCAL_KEY_ID = "1.2.840.113549.1.9.21"
#: Oracle's attribute that makes a certificate a trusted one for Java.
TRUSTED_KEY_USAGE = "2.16.840.1.113894.746875.1.1"


def read(data: bytes, password: str | None) -> Keystore:
    """Return the content of a PKCS#12 file.

    Args:
        data: the whole file.
        password: its password; None to read a store without one, or the unencrypted parts only.

    Raises:
        IntegrityError: the MAC or the encryption does not fit the password.
        KeystoreFormatError: the file is cut off, damaged, or uses something unknown.
    """
    trailing = check_length(data)
    reader = _Reader(password)
    top = Cursor(data, reader.budget, where="the file").sequence("the PKCS#12 file")
    reader.read(top)
    if trailing:
        reader.bags.notes.append(
            note(
                "keystore-trailing-octets",
                f"Octets after the end of the keystore, not read: {trailing:,}.",
            )
        )
    return join(reader.bags)


class _Reader:
    """The state of reading one file."""

    def __init__(self, password: str | None) -> None:
        self.password = password
        self.budget = Budget()
        self.bags = Bags()
        self.verified = False
        self.has_mac = False

    def read(self, top: Cursor) -> None:
        at = top.at
        version = top.integer("the version")
        if version != 3:
            raise top.damaged(f"version 3 of PKCS#12, not {version}", at=at)
        content = self._content(top.sequence("the authenticated safe"))
        if top.more():
            self._check_mac(top.sequence("the MAC"), content)
        else:
            self.bags.notes.append(
                note(
                    "keystore-no-mac",
                    "The store has no MAC: nobody can tell whether it was altered.",
                    "Write it again: sottovoce keytool -importkeystore.",
                )
            )
        safes = Cursor(content, self.budget, where="the authenticated safe").sequence("the safes")
        while safes.more():
            self._read_safe(safes.sequence("a safe"))

    def _content(self, info: Cursor) -> bytes:
        at = info.at
        oid = info.oid("the kind of content")
        if oid == SIGNED_DATA:
            raise KeystoreFormatError(
                "The store is protected by a signature, not by a password; that is not read here.",
                position=at,
                expected="a store with password integrity",
                presented="a store with the integrity of a signature",
                hint="Export it again with a password.",
                code="keystore-format",
            )
        if oid != DATA:
            raise info.damaged("the object identifier of data (1.2.840.113549.1.7.1)", at=at)
        return info.enter(context(0), "the content").octets("the content")

    def _check_mac(self, cursor: Cursor, content: bytes) -> None:
        self.has_mac = True
        mac = pbe.read_mac(cursor)
        if mac.fits(content, self.password or None):
            self.verified = True
            self.password = self.password or ""
            return
        if self.password is None:
            self.bags.notes.append(
                note("keystore-not-verified", "Read without a password: nothing was verified.")
            )
            return
        raise wrong_password(self._hint(mac, content))

    def _hint(self, mac: pbe.Mac, content: bytes) -> str:
        """Say how the password given would fit, without accepting it."""
        for text, candidate in near_passwords(self.password or ""):
            try:
                if mac.fits(content, candidate):
                    return text
            except KeystoreFormatError:  # the budget is spent: no further hints
                break
        return ""

    def _read_safe(self, info: Cursor) -> None:
        at = info.at
        oid = info.oid("the kind of safe")
        inner = info.enter(context(0), "the safe's content")
        if oid == DATA:
            octets = inner.octets("the safe's content")
            contents = Cursor(octets, self.budget, where="a safe")
        elif oid == ENCRYPTED_DATA:
            contents = self._decrypted(inner.sequence("the encrypted data"))
        elif oid == ENVELOPED_DATA:
            raise KeystoreFormatError(
                "A part of the store is encrypted for a certificate, not by a password.",
                position=at,
                expected="encryption by a password",
                presented="encryption for a certificate",
                hint="Export it again with a password.",
                code="keystore-format",
            )
        else:
            raise info.damaged("data or encrypted data", at=at)
        self._read_bags(contents.sequence("the bags"))

    def _decrypted(self, info: Cursor) -> Cursor:
        info.integer("the version")
        content = info.sequence("the encrypted content")
        content.oid("the kind of the encrypted content")
        algorithm = content.sequence("the encryption scheme")
        data = content.octets("the encrypted content", tag=context(0, constructed=False))
        if self.password is None:
            raise IntegrityError(
                "The keystore is encrypted, and no password was given.",
                hint="Give the store's password (-storepass, or SSLKeystorePassword in ssl.ini).",
                expected="the store's password",
                presented="none",
            )
        try:
            plain = pbe.decrypt(algorithm, data, self.password)
        except pbe.WrongPassword:
            raise self._other_password() from None
        if plain[:1] != bytes([SEQUENCE]) and not self.verified:
            raise self._other_password()
        return Cursor(plain, self.budget, where="the decrypted certificates")

    def _other_password(self) -> IntegrityError:
        if self.verified:
            return IntegrityError(
                "The password fits the keystore's MAC, and a part inside has another password or "
                "was damaged before the MAC was made.",
                hint="Write the store again with one password for everything.",
                expected="one password for the whole store",
                presented="another one, or damage, in a part of it",
            )
        return wrong_password("")

    def _read_bags(self, bags: Cursor) -> None:
        while bags.more():
            self.budget.spend_certificate()
            start = bags.at
            bag = bags.sequence("a bag")
            oid = bag.oid("the kind of bag")
            value = bag.enter(context(0), "the bag's value")
            attributes = _attributes(bag)
            if oid == CERT_BAG:
                self._read_certificate(value, attributes)
            elif oid in (KEY_BAG, SHROUDED_KEY_BAG):
                self._read_key(value, attributes, shrouded=oid == SHROUDED_KEY_BAG)
            elif oid == SAFE_CONTENTS_BAG:
                self._read_bags(value.sequence("the nested bags"))
            else:
                self._keep(bags.data[start : bags.at], oid)

    def _keep(self, octets: bytes, oid: str) -> None:
        self.bags.kept.append(octets)
        self.bags.notes.append(
            note(
                "keystore-bag-kept",
                f"The store holds something that is neither key nor certificate ({oid}); it is "
                "kept as it is.",
            )
        )

    def _read_certificate(self, value: Cursor, attributes: Attributes) -> None:
        bag = value.sequence("a certificate bag")
        kind = bag.oid("the kind of certificate")
        inner = bag.enter(context(0), "the certificate")
        if kind != X509_CERTIFICATE:
            self.bags.notes.append(
                note("keystore-bag-skipped", f"A certificate of kind {kind} was passed over.")
            )
            return
        at = inner.at
        octets = inner.octets("the certificate")
        try:
            certificate = load_certificate(octets, where=inner.where, position=at)
        except KeystoreFormatError as error:
            if not self.verified:
                raise
            self.bags.notes.append(unreadable(error))  # the MAC fits: not damage, but its kind
            return
        self.bags.certificates.append(CertificateBag(certificate, attributes))

    def _read_key(self, value: Cursor, attributes: Attributes, *, shrouded: bool) -> None:
        octets = value.raw("the private key", SEQUENCE)
        found = KeyBag(octets, None, attributes, "the store's password does not open it")
        found.encrypted = shrouded
        self.bags.keys.append(found)
        try:
            if shrouded and self.password is not None:
                found.key = open_key(octets, self.password, self.budget)
            elif not shrouded:
                found.key = load_private_key(octets, self.budget)
            else:
                found.reason = "no password was given"
        except KeyUnreadable as error:
            found.reason, found.unlockable = str(error), False
        except KeystoreFormatError as error:
            if error.code != "keystore-too-costly":
                raise
            found.reason = "opening every key of this store would take too long"
        except pbe.WrongPassword:
            if not (self.verified or self.bags.certificates or self.bags.kept):
                found.reason = "the store's password does not open it, and the store has no MAC"


def _attributes(bag: Cursor) -> Attributes:
    found = Attributes()
    if not bag.more():
        return found
    attributes = bag.enter(SET, "the bag's attributes")
    while attributes.more():
        attribute = attributes.sequence("an attribute")
        oid = attribute.oid("the attribute's name")
        values = attribute.enter(SET, "the attribute's values")
        if oid == TRUSTED_KEY_USAGE:
            found.trusted = True
        elif not values.more():
            continue
        elif oid == FRIENDLY_NAME:
            found.name = _friendly_name(values)
        elif oid == LOCAL_KEY_ID and values.peek() == OCTET_STRING:
            found.key_id = values.octets("the local key id")
    return found


def _friendly_name(values: Cursor) -> str | None:
    element = values.next(None, "the friendly name")
    octets = values.content(element)
    encoding = "utf-16-be" if element.tag == BMP_STRING else "utf-8"
    try:
        return octets.decode(encoding)
    except UnicodeDecodeError:
        return octets.decode("latin-1")
