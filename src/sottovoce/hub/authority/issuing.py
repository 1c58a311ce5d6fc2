"""The issuing authority that HUB holds, as HUB and the ``ca`` commands use it.

Its key is read for each signature and not kept, so that every process sees at once what another
one has changed. Everything here blocks for a few milliseconds; an event loop calls it in a thread.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509

from sottovoce.errors import IssuanceError, StoreError
from sottovoce.hub.authority import acts
from sottovoce.hub.authority.acts import Order
from sottovoce.hub.authority.files import write_own_files
from sottovoce.hub.authority.folder import AuthorityFolder
from sottovoce.hub.authority.index import Index, Issued
from sottovoce.hub.authority.lists import (
    LIST_LIFETIME,
    LIST_REFRESH,
    StoredLists,
    is_good,
    is_young,
)
from sottovoce.ini import Secret
from sottovoce.pki import MANAGED_LIFETIME, dump_crl, permitted_names

__all__ = ["Issuer", "issuing_folder"]

#: With this the names of this authority's lists begin in a folder that may hold others too.
_OWN_LIST = "own-"


def issuing_folder(home: Path) -> Path:
    """Return where the issuing authority lies in the home of HUB's server."""
    return home / "hub" / "ca"


class Issuer:
    """The installation's issuing authority, in HUB's home.

    Any number of processes and threads may have one open. Use :meth:`open`.

    Attributes:
        fault: why the last signing of a revocation list failed while an older one is still good;
            None when it went well.
    """

    def __init__(self, folder: AuthorityFolder, password: Secret) -> None:
        self.folder = folder
        self.fault: StoreError | None = None
        self._password = password
        self._seen: StoredLists | None = None

    def __repr__(self) -> str:
        return f"Issuer({self.folder.folder})"

    @classmethod
    def open(cls, home: Path) -> Self | None:
        """Open the issuing authority in the home of HUB's server.

        Returns:
            None when that home has none: its certificates come from outside.

        Raises:
            StoreError: a file is missing, damaged, or open to others.
            CertificateFormatError: a file is damaged, or the password does not open the key.
            IssuanceError: key and certificate do not belong together.
        """
        folder = AuthorityFolder(issuing_folder(home))
        if not folder.exists:
            return None
        password = folder.password()
        folder.authority(folder.index().current, password)
        return cls(folder, password)

    @property
    def certificate(self) -> x509.Certificate:
        """The issuing certificate in force."""
        return self.folder.files(self.folder.index().current).certificates()[0]

    @property
    def not_after(self) -> datetime:
        """When the issuing certificate ends: no certificate lives longer."""
        return self.certificate.not_valid_after_utc

    @property
    def names(self) -> tuple[str, ...]:
        """The host names and addresses that may be certified, each host name with those below it.

        More of them need the root: ``sottovoce ca issuing --add-host NAME``.
        """
        return permitted_names(self.certificate)

    @property
    def roots(self) -> tuple[x509.Certificate, ...]:
        """What every server of the installation has to trust: one root, two in a rollover."""
        return tuple(
            self.folder.files(stem).certificates()[0] for stem in self.folder.index().roots
        )

    def certificates(self) -> list[Issued]:
        """Return everything that was ever issued here, in its order."""
        return self.folder.index().certificates

    def sign(
        self,
        csr: x509.CertificateSigningRequest,
        *,
        names: Sequence[str],
        roles: Sequence[str],
        lifetime: timedelta = MANAGED_LIFETIME,
        now: datetime,
    ) -> tuple[x509.Certificate, ...]:
        """Issue a certificate for a server that HUB looks after.

        When this returns, the certificate stands in the audit log and in the index. A life that
        would outlast the issuing certificate is cut at its end.

        Args:
            csr: the request; only its key is taken from it, after the proof of possession.
            names: which the certificate is for.
            roles: URI names, such as ``Component.LUI.role_uri``.
            lifetime: from now on.
            now: UTC.

        Returns:
            The certificate, the issuing one and the root.

        Raises:
            IssuanceError: ``name-not-permitted``, ``same-key``, ``key-compromised``, or another
                rule of the profile that declines.
            StoreError: it cannot be recorded; then nothing is issued.
        """
        order = Order(names=tuple(names), roles=tuple(roles), lifetime=lifetime, managed=True)
        return self.sign_order(csr, order, now=now).chain

    def sign_order(
        self, csr: x509.CertificateSigningRequest, order: Order, *, now: datetime
    ) -> acts.Signed:
        """Issue a certificate as *order* has it; see :meth:`sign`."""
        with self.folder.locked():
            return acts.sign(self.folder, csr, order, password=self._password, now=now)

    def renew(
        self,
        request: x509.CertificateSigningRequest,
        *,
        fingerprint: str,
        lifetime: timedelta = MANAGED_LIFETIME,
        now: datetime,
    ) -> tuple[x509.Certificate, ...]:
        """Issue for a new key what the certificate with this fingerprint says, renamed or not.

        Args:
            request: of which the key counts, after the proof of possession.
            fingerprint: SHA-256 of the certificate in use, upper-case pairs with colons.
            lifetime: from now on.
            now: UTC.

        Returns:
            The certificate, the issuing one and the root.

        Raises:
            IssuanceError: ``renewal-refused``, or a reason of :meth:`sign`.
            StoreError: it cannot be recorded; then nothing is issued.
        """
        with self.folder.locked():
            entry = self._renewable(fingerprint, now)
            order = Order(
                names=self.folder.index().names_now(entry),
                roles=tuple(entry.roles),
                lifetime=lifetime,
                managed=True,
                other_than=entry.key_fingerprint,
            )
            return acts.sign(self.folder, request, order, password=self._password, now=now).chain

    def _renewable(self, fingerprint: str, now: datetime) -> Issued:
        for entry in self.folder.index().certificates:
            if entry.fingerprint != fingerprint:
                continue
            if (state := entry.state(now)) != "valid":
                raise IssuanceError(
                    f"The certificate to be renewed (serial {entry.serial}, "
                    f"{', '.join(entry.names)}) is {state}.",
                    hint="Let the server join anew: sottovoce invite on HUB, then sottovoce join.",
                    code="renewal-refused",
                )
            return entry
        raise IssuanceError(
            f"The certificate to be renewed (SHA-256 {fingerprint}) was not issued here.",
            hint="Let the server join anew: sottovoce invite on HUB, then sottovoce join.",
            code="renewal-refused",
        )

    def revoke(self, serial: int, reason: x509.ReasonFlags, now: datetime) -> Issued:
        """Revoke one certificate; the new list is signed before this returns.

        Raises:
            IssuanceError: it was not issued here, or was revoked before.
            StoreError: it cannot be recorded, or the list cannot be stored; in the second case the
                revocation stands, and the next :meth:`revocation_lists` tries again.
        """
        return self.revoke_found(lambda index: [index.find(f"{serial:x}")], reason, now)[0]

    def revoke_server(self, name: str, reason: x509.ReasonFlags, now: datetime) -> list[Issued]:
        """Revoke every certificate in force that a server's name stands in.

        After a renewal there are two for a while, and the thief of a home has both.

        Raises:
            IssuanceError: no certificate in force is for that name.
            StoreError: see :meth:`revoke`.
        """
        wanted = name.lower().removesuffix(".")

        def of_server(index: Index) -> list[Issued]:
            found = [
                item
                for item in index.certificates
                if wanted in item.names and item.state(now) == "valid"
            ]
            if not found:
                raise IssuanceError(
                    f"No certificate in force is for '{name}'.", hint="See: sottovoce ca list"
                )
            return found

        return self.revoke_found(of_server, reason, now)

    def revoke_found(
        self, find: acts.Finder, reason: x509.ReasonFlags, now: datetime
    ) -> list[Issued]:
        """Revoke what *find* chooses from the index; the new lists are signed before this returns.

        Raises:
            IssuanceError, StoreError: see :meth:`revoke`.
        """
        with self.folder.locked():
            index = self.folder.index()
            found = find(index)
            for entry in found:
                acts.revoke(self.folder, index, entry, reason, now)
            for stem in {entry.issuer for entry in found} & set(index.live):
                self._sign_list(stem, now)
        return found

    def revocation_lists(self, now: datetime) -> tuple[x509.CertificateRevocationList, ...]:
        """Return the lists that every server needs: of each key in use here, and of each root.

        A list that lacks a revocation, or of whose life a quarter is over, is signed anew first.
        The same objects come back until a list changes.

        Args:
            now: UTC.

        Raises:
            StoreError: a list is missing, or lacks a revocation, and cannot be signed; or the
                list of a root is missing.
            CertificateFormatError: a file is damaged.
            IssuanceError: the issuing certificate has ended.
        """
        return self._current(now).lists

    def _current(self, now: datetime) -> StoredLists:
        seen = self._seen
        if seen is not None and seen.serve(self._stamp(), now):
            return seen
        with self.folder.locked():
            index = self.folder.index()
            self._retire(index, now)
            faults = [self._refresh(index, stem, now) for stem in index.live]
            self.fault = next((fault for fault in faults if fault is not None), None)
            index = self.folder.index()
            stems = (*index.live, *index.roots)
            lists = tuple(self._stored(stem) for stem in stems)
            begins = [crl.last_update_utc for crl in lists[: len(index.live)]]
            seen = StoredLists(
                stamp=self._stamp(),
                stems=stems,
                lists=lists,
                begin=max(begins),
                due=min(begins) + LIST_REFRESH,
            )
            self._seen = seen
        return seen

    def publish(self, folder: Path, now: datetime) -> bool:
        """Write the lists where HUB's own server reads them; what HUB has in force it gives out.

        Args:
            folder: ``RevocationLists`` of its ``server.ini``; made when it is not there. Only
                files of this authority are touched in it.
            now: UTC.

        Returns:
            Whether a file changed.

        Raises:
            StoreError: see :meth:`revocation_lists`; or a file cannot be written.
        """
        wanted = {name: dump_crl(crl) for name, crl in self.named_lists(now).items()}
        return write_own_files(folder, _OWN_LIST, wanted)

    def named_lists(self, now: datetime) -> dict[str, x509.CertificateRevocationList]:
        """Return the lists by the names of the files in which HUB's own server has them.

        Raises:
            StoreError: see :meth:`revocation_lists`.
        """
        current = self._current(now)
        return {
            f"{_OWN_LIST}{stem}.crl": crl
            for stem, crl in zip(current.stems, current.lists, strict=True)
        }

    def _retire(self, index: Index, now: datetime) -> None:
        """Remove each older key of which no certificate is left that anybody could show."""
        coming = index.rollover.new_key if index.rollover is not None else ""
        gone = [
            stem
            for stem in index.live
            if stem not in {index.current, coming} and not index.in_use(stem, now)
        ]
        if not gone:
            return
        for stem in gone:
            self.folder.record(now, "retire", key=stem)
            index.live.remove(stem)
        self.folder.write_index(index)
        for stem in gone:
            self.folder.files(stem).remove()

    def _refresh(self, index: Index, stem: str, now: datetime) -> StoreError | None:
        """Sign the list of one key when that is due; an older good one bridges a full disk."""
        stored = self.folder.files(stem).stored_list()
        wanted = {item.serial for item in index.revoked_by(stem, now)}
        complete = stored is not None and wanted <= {entry.serial_number for entry in stored}
        if stored is not None and complete and is_young(stored, now):
            return None
        try:
            self._sign_list(stem, now)
        except StoreError as error:
            if not (stored is not None and complete and is_good(stored, now)):
                raise
            return error
        return None

    def _sign_list(self, stem: str, now: datetime) -> None:
        until = now + LIST_LIFETIME
        acts.sign_list(self.folder, stem, password=self._password, now=now, until=until)

    def _stored(self, stem: str) -> x509.CertificateRevocationList:
        files = self.folder.files(stem)
        found = files.stored_list()
        if found is None:
            raise StoreError(
                f"{files.revocation_list} is missing.",
                hint="Have it written again under the root: sottovoce ca issuing --dir ROOT "
                "--home HOME",
                code="ca-damaged",
            )
        return found

    def _stamp(self) -> tuple[object, ...]:
        try:
            found = self.folder.index_file.stat()
        except OSError as error:
            raise StoreError(
                f"{self.folder.index_file} cannot be read: {error.strerror}.",
                code="file-unreadable",
            ) from error
        return (found.st_ino, found.st_mtime_ns, found.st_size)
