"""What a server has at hand about revoked certificates: the files of one folder.

Owns the reading of ``RevocationLists``: lists (``*.crl``, PEM or DER), and OCSP answers that were
fetched (``*.ocsp``, DER). Whether any of them counts is decided for each chain, in ``pki``.
"""

from pathlib import Path

from cryptography import x509
from cryptography.x509.ocsp import OCSPResponse

from sottovoce.errors import Fault, SettingsError
from sottovoce.pki import RevocationEvidence, load_answer, load_crls
from sottovoce.server.home import read_file
from sottovoce.server.reading import list_files
from sottovoce.server.settings import ServerSettings

__all__ = ["ANSWERS", "LISTS", "read_revocations", "soft_warning"]

#: Which files of the folder are lists, and which are answers.
LISTS = "*.crl"
ANSWERS = "*.ocsp"


def read_revocations(settings: ServerSettings) -> RevocationEvidence:
    """Read every revocation list and every OCSP answer; none without a folder.

    An answer that cannot be read is left out: it is a copy, and what it was about is unknown then.

    Raises:
        SettingsError: there is nothing in the folder and that is not let pass, or a list cannot be
            read.
        FormatError: a file is no revocation list.
    """
    folder = settings.revocation_lists
    if folder is None:
        return RevocationEvidence()
    lists: list[x509.CertificateRevocationList] = []
    for path in list_files(folder, LISTS):
        data = read_file(path, missing="file-missing", hint="Fetch the list again.")
        lists += load_crls(data, source=str(path))
    answers = _answers(folder)
    if not lists and not answers and not settings.revocation_soft:
        raise SettingsError([_nothing(folder)])
    return RevocationEvidence(lists=tuple(lists), answers=answers, soft=settings.revocation_soft)


def _answers(folder: Path) -> tuple[OCSPResponse, ...]:
    found = []
    for path in list_files(folder, ANSWERS):
        answer = load_answer(read_file(path, missing="file-missing", hint="It is fetched again."))
        found += [answer] if answer is not None else []
    return tuple(found)


def _nothing(folder: Path) -> Fault:
    return Fault(
        code="revocation-unknown",
        why=f"RevocationLists names {folder}, and no list ({LISTS}) lies there.",
        expected="a list from the issuer of every partner",
        presented="none",
        file=str(folder),
        hint="Put the lists there, or remove RevocationLists from server.ini.",
    )


def soft_warning(settings: ServerSettings, server_ini: Path) -> Fault | None:
    """Return what is to be said at every start of a server that fails softly; None if it does not.

    Args:
        settings: of ``server.ini``.
        server_ini: where they stand.
    """
    if settings.revocation_lists is None or not settings.revocation_soft:
        return None
    return Fault(
        code="revocation-soft",
        why="Revocation fails SOFTLY here: a certificate about which no current list or answer is "
        "at hand is accepted. Whoever can keep lists from this server can use a stolen key.",
        expected="RevocationFailure=hard",
        presented="RevocationFailure=soft",
        hint="Set RevocationFailure=hard once lists arrive reliably.",
        file=str(server_ini),
        key="RevocationFailure",
        warning=True,
    )
