"""What the running server serves against what lies on the disk (catalogue O3, A6).

"I replaced it and nothing changed" has three causes: it was not read yet, it was refused, or it was
written somewhere else. The running server writes down what it serves; the disk was just read.
"""

from collections.abc import Iterable, Iterator

from sottovoce.errors import Fault
from sottovoce.pki import fingerprint
from sottovoce.policy import span
from sottovoce.server.checking.examination import Examination
from sottovoce.server.checking.notebook import Notebook
from sottovoce.server.in_use import CertificateInUse, InUse, list_print, read_in_use

__all__ = ["check_in_force"]


def check_in_force(notebook: Notebook, known: Examination) -> None:
    """Compare, when a server runs here."""
    if not known.process:
        return
    notebook.group = "In force"
    served = read_in_use(known.home)
    if served is None or served.process != known.process:
        notebook.skip(
            "in-force",
            f"What the running server serves was not compared with the files: process "
            f"{known.process} has not written it down (it is starting, or an older version).",
        )
        return
    notebook.faults("in-force", _differences(served, known), fine=_same(served))
    notebook.faults(
        "last-reload", _refused(served, known), fine="No change was refused since the start."
    )


def _differences(served: InUse, known: Examination) -> Iterator[Fault]:
    if known.secured is not bool(served.generation):
        yield _switched(served, known)
        return
    if not served.generation:
        return
    since = f"{served.since:%Y-%m-%d %H:%M} UTC"
    if known.identity is not None:
        shown, found = served.certificates[0], CertificateInUse.of(known.identity)
        if shown.fingerprint != found.fingerprint:
            why = f"In use: certificate {shown.serial} since {since}. On disk: {found.serial}."
            yield _not_reloaded(why, shown.serial, found.serial, known)
    if known.allowed is not None and set(known.allowed.names) != set(served.allowed):
        why = f"SSLAllowedClients in use since {since} is another list than the one on disk."
        in_use = ", ".join(served.allowed)
        yield _not_reloaded(why, in_use, str(known.allowed), known)
    if known.roots is not None:
        prints = (fingerprint(root) for root in known.roots)
        yield from _sets("trusted roots", served.roots, prints, since, known)
    if known.revocations is not None:
        prints = (list_print(crl) for crl in known.revocations.lists)
        yield from _sets("revocation lists", served.revocation_lists, prints, since, known)


def _sets(
    what: str, served: Iterable[str], found: Iterable[str], since: str, known: Examination
) -> Iterator[Fault]:
    in_use, on_disk = set(served), set(found)
    if in_use != on_disk:
        yield _not_reloaded(
            f"The {what} in use since {since} are not those on disk: {len(on_disk - in_use)} are "
            f"new there, {len(in_use - on_disk)} are gone.",
            f"{len(in_use)} {what}",
            f"{len(on_disk)} {what}",
            known,
        )


def _not_reloaded(why: str, in_use: str, on_disk: str, known: Examination) -> Fault:
    return Fault(
        code="not-reloaded",
        why=why,
        expected=in_use,
        presented=on_disk,
        hint="A change is read within seconds once it is complete; to have it read now, and see "
        f"why it is not taken: sottovoce reload --home {known.home.path}",
        warning=True,
    )


def _switched(served: InUse, known: Examination) -> Fault:
    runs, next_time = ("secured", "plain") if served.generation else ("plain", "secured")
    return Fault(
        code="restart-needed",
        why=f"The running server is {runs}, and {known.home.ssl_ini} says that it is to be "
        f"{next_time}: that takes effect when it is started again.",
        expected=runs,
        presented=next_time,
        hint="Switch all servers of the installation together, then restart them; or undo it.",
        file=str(known.home.ssl_ini),
        warning=True,
    )


def _refused(served: InUse, known: Examination) -> Iterator[Fault]:
    last = served.last
    if last is None or last.outcome != "refused":
        return
    for told in last.faults:
        fault = told.as_fault(warning=True)
        ago = span(known.at - last.at)
        yield Fault(
            code=fault.code,
            why=f"Refused {ago} ago, so trust generation {served.generation} is still in force: "
            f"{fault.why}",
            expected=fault.expected,
            presented=fault.presented,
            hint=fault.hint,
            file=fault.file,
            line=fault.line,
            warning=True,
        )


def _same(served: InUse) -> str:
    since = f"since {served.since:%Y-%m-%d %H:%M} UTC"
    if not served.generation:
        return f"The running server is plain {since}, as the files say."
    return (
        f"The running server serves what lies on the disk: trust generation {served.generation} "
        f"{since}, certificate {served.certificates[0].serial}."
    )
