"""From where lists and OCSP answers are fetched, and what may be kept of that; nothing is fetched.

Addresses are those of ``server.ini``, and, where that is configured, those in certificates: only in
those of chains that lead to a trusted root, so that no stranger can send this server anywhere.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from sottovoce.errors import FormatError
from sottovoce.ini import HttpAddress
from sottovoce.net import Question
from sottovoce.pki import (
    Purpose,
    RevocationEvidence,
    answers_about,
    list_refusal,
    load_answer,
    load_crls,
    short_name,
    verify,
)
from sottovoce.server.settings import ServerSettings

__all__ = [
    "AnswerSource",
    "Chain",
    "Kept",
    "ListSource",
    "NotKept",
    "Source",
    "paths_of",
    "sources",
]

#: Bytes of a list: the largest of public CAs have about 10 MB.
LONGEST_LIST = 32 * 1024 * 1024
#: Bytes of an answer: with a responder's certificate about 2 kB.
LONGEST_ANSWER = 64 * 1024

_E = TypeVar("_E", bound=x509.ExtensionType)

Chain = tuple[x509.Certificate, ...]


class NotKept(Exception):
    """Why what was fetched is not kept; the message continues “it …” or names it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What was fetched and found good.

    Args:
        data: the file's bytes.
        begin: from when on it counts, until: how long.
    """

    data: bytes
    begin: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class ListSource:
    """A revocation list at an address."""

    url: str

    @property
    def file(self) -> str:
        """The name under which it is kept."""
        return f"fetched-{_short_digest(self.url.encode())}.crl"

    def __str__(self) -> str:
        return f"the revocation list at {self.url}"

    def question(self, nonce: bytes) -> Question:
        """Return what is asked; a list is asked for without a nonce."""
        return Question(url=self.url, longest=LONGEST_LIST)

    def judge(
        self,
        data: bytes,
        *,
        issuers: Iterable[x509.Certificate],
        known: RevocationEvidence,
        at: datetime,
        nonce: bytes = b"",
    ) -> Kept:
        """Return what may be kept.

        Args:
            data: what was fetched.
            issuers: the authorities that count here.
            known: what is kept already.
            at: now.
            nonce: not for lists.

        Raises:
            NotKept: it is no list, not of such an authority, not current, or older than a kept one.
        """
        try:
            (item,) = load_crls(data, source=self.url)
        except (FormatError, ValueError) as error:
            raise NotKept(f"it is no revocation list ({error})") from None
        refusal = list_refusal(item, issuers=issuers, kept=known.lists, at=at)
        if refusal or item.next_update_utc is None:
            raise NotKept(refusal)
        der = item.public_bytes(Encoding.DER)
        return Kept(der, item.last_update_utc, item.next_update_utc)


@dataclass(frozen=True, slots=True)
class AnswerSource:
    """An OCSP responder's answer about one certificate."""

    url: str
    certificate: x509.Certificate
    issuer: x509.Certificate

    @property
    def file(self) -> str:
        """The name under which it is kept."""
        whose = self.certificate.fingerprint(hashes.SHA256())
        return f"fetched-{_short_digest(whose)}.ocsp"

    def __str__(self) -> str:
        return f"the OCSP answer of {self.url} about '{short_name(self.certificate.subject)}'"

    def question(self, nonce: bytes) -> Question:
        """Return what is asked (RFC 6960 A.1, RFC 9654 for the nonce)."""
        builder = ocsp.OCSPRequestBuilder().add_certificate(
            self.certificate,
            self.issuer,
            hashes.SHA1(),  # noqa: S303 - names a certificate; every responder knows it
        )
        request = builder.add_extension(x509.OCSPNonce(nonce), critical=False).build()
        return Question(
            url=self.url,
            longest=LONGEST_ANSWER,
            body=request.public_bytes(Encoding.DER),
            content_type="application/ocsp-request",
        )

    def judge(
        self,
        data: bytes,
        *,
        issuers: Iterable[x509.Certificate],
        known: RevocationEvidence,
        at: datetime,
        nonce: bytes = b"",
    ) -> Kept:
        """Return what may be kept; see :meth:`ListSource.judge`.

        A responder need not repeat the nonce (most answer from a store); when it does, it must be
        ours.
        """
        answer = load_answer(data)
        if answer is None:
            raise NotKept("it is no OCSP answer")
        found, why = answers_about(answer, self.certificate, self.issuer, at)
        if found is None:
            raise NotKept(why)
        repeated = _nonce(answer)
        if nonce and repeated is not None and repeated != nonce:
            raise NotKept("it answers another question than ours (its nonce differs)")
        for old in known.answers:
            before, _ = answers_about(old, self.certificate, self.issuer, at)
            if before is not None and found.begin < before.begin:
                raise NotKept("it begins before the one that is kept")
        return Kept(data, found.begin, found.until)


Source = ListSource | AnswerSource


def _short_digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:20]


def _nonce(answer: ocsp.OCSPResponse) -> bytes | None:
    try:
        return answer.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
    except x509.ExtensionNotFound:
        return None


def paths_of(
    chains: Iterable[Chain], *, roots: Sequence[x509.Certificate], at: datetime
) -> tuple[Chain, ...]:
    """Return the path of each chain that leads to a trusted root; the others count for nothing."""
    found = []
    for chain in chains:
        for purpose in Purpose:
            verdict = verify(chain, roots=roots, purpose=purpose, name=None, at=at)
            if verdict.valid:
                found.append(verdict.path)
                break
    return tuple(found)


def sources(settings: ServerSettings, paths: Iterable[Chain]) -> tuple[Source, ...]:
    """Return everything that is to be fetched, each once.

    Args:
        settings: of ``server.ini``.
        paths: of verified chains, leaf first, anchor last.
    """
    found: list[Source] = [ListSource(url) for url in settings.revocation_list_urls]
    for path in paths:
        for certificate, issuer in pairwise(path):
            if "crl" in settings.revocation_fetch:
                found += [ListSource(url) for url in _list_urls(certificate)]
            if "ocsp" in settings.revocation_fetch:
                urls = list(_responder_urls(certificate))[:1]
                found += [AnswerSource(url, certificate, issuer) for url in urls]
    return tuple(dict.fromkeys(found))


def _list_urls(certificate: x509.Certificate) -> Iterator[str]:
    """Yield the first http address of each distribution point (RFC 5280 4.2.1.13)."""
    points = _extension(certificate, x509.CRLDistributionPoints)
    for point in points or ():
        # A point with an issuer of its own is one of indirect lists, which are not accepted here.
        if point.crl_issuer or point.reasons:
            continue
        yield from list(filter(_is_fetched, _uris(point.full_name or ())))[:1]


def _responder_urls(certificate: x509.Certificate) -> Iterator[str]:
    for access in _extension(certificate, x509.AuthorityInformationAccess) or ():
        if access.access_method == AuthorityInformationAccessOID.OCSP:
            yield from filter(_is_fetched, _uris((access.access_location,)))


def _uris(names: Iterable[x509.GeneralName]) -> Iterator[str]:
    for name in names:
        if isinstance(name, x509.UniformResourceIdentifier):
            yield name.value


def _is_fetched(url: str) -> bool:
    try:
        HttpAddress.parse(url)
    except ValueError:
        return False
    return True


def _extension(certificate: x509.Certificate, kind: type[_E]) -> _E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, ValueError):
        return None
