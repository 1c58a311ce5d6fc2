"""The first checks: the INI files of a home, whether it is secured, who may read its secrets.

Only files in use are looked at: a backup beside a keystore is nobody's fault.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from sottovoce.errors import Fault
from sottovoce.ini import nearest, normalise_host_name
from sottovoce.policy import (
    ALLOWED_CLIENTS,
    KEYSTORE_PATH,
    SSL_KEYS,
    AllowedClients,
    Component,
)
from sottovoce.server.checking.examination import Examination
from sottovoce.server.checking.notebook import Notebook
from sottovoce.server.home import INI_FILES, Faults, check_private
from sottovoce.server.passwords import keystore_password, password_place
from sottovoce.server.plan import expected_hosts, read_hub, read_lui, read_trk
from sottovoce.server.renaming import blame_renaming
from sottovoce.server.settings import ServerSettings
from sottovoce.server.staging import find_abandoned, find_stray
from sottovoce.server.trust import is_secured, read_identity, read_ssl, ssl_store

__all__ = ["check_files", "check_switch"]

Value = TypeVar("Value")


def check_files(notebook: Notebook, known: Examination) -> None:
    """Check ``server.ini`` and the settings of the components that run here."""
    notebook.group = "Files"
    known.settings = notebook.look(
        "server-ini", lambda faults: _server_ini(known, faults), fine=_server_line
    )
    for path in (*find_abandoned(known.home.path), *find_stray(known.home.path, now=known.at)):
        notebook.fault("left-behind", _left_behind(path))
    here = known.components or tuple(
        component for component in Component if known.home.component_ini(component).exists()
    )
    if known.settings is None and not known.home.server_ini.exists():
        return
    if Component.HUB in here:
        known.hub = _component(notebook, known, Component.HUB, read_hub)
    if Component.LUI in here:
        known.lui = _component(notebook, known, Component.LUI, read_lui)
    if Component.TRK in here:
        known.trk = _component(notebook, known, Component.TRK, read_trk)
    notebook.look("places", lambda faults: _places(known, faults), fine=_places_line)


def _left_behind(path: Path) -> Fault:
    whole = path.is_dir()
    what = "What was being made in a folder" if whole else "The next version of a file"
    return Fault(
        code="left-behind",
        why=f"{what} was left by a process that is gone: {path}. Nobody reads it, and it may hold "
        "a key.",
        expected="nothing of that name",
        presented=path.name,
        hint=f"Remove it: rm {'-r ' if whole else ''}{path}",
        file=str(path),
        warning=True,
    )


def _server_ini(known: Examination, faults: Faults) -> ServerSettings:
    settings = known.home.settings()
    faults.warnings += settings.warnings
    return settings


def _server_line(settings: ServerSettings) -> str:
    here = ", ".join(component.label for component in settings.components)
    return f"server.ini: this server is {settings.server_name} and runs {here}."


def _component(
    notebook: Notebook,
    known: Examination,
    component: Component,
    read: Callable[..., Value | None],
) -> Value | None:
    return notebook.look(
        f"{component}-ini",
        lambda faults: read(known.home, faults),
        fine=lambda _: f"{INI_FILES[component]}: every key and value is right.",
    )


def _places(known: Examination, faults: Faults) -> Examination:
    known.hosts = expected_hosts(known.hub, known.trk, faults, known.home)
    if not faults.found:
        faults.warnings += _two_names(known)
    return known


def _two_names(known: Examination) -> Iterator[Fault]:
    """Tell of a partner that is called by two names on one server (catalogue N3)."""
    first: dict[Component, tuple[str, str]] = {}
    for component, name, place in known.sayings:
        other, where = first.setdefault(component, (name, place))
        if component in known.components or name.rstrip(".").lower() == other.rstrip(".").lower():
            continue
        yield Fault(
            code="name-mismatch",
            why=f"{component.label}'s server is {other} by {where} and {name} by {place}: its "
            "certificate, and every allowed list, would need both names.",
            expected=other,
            presented=name,
            hint="Use one name everywhere, the one in its certificate.",
            warning=True,
        )


def _places_line(known: Examination) -> str:
    placed = [
        f"{each.label} on {known.partners[each]}" for each in Component if each in known.partners
    ]
    return f"The settings agree on who runs where: {', '.join(placed)}."


def check_switch(notebook: Notebook, known: Examination) -> None:
    """Check ``ssl.ini``: there or not, to the letter, and private."""
    notebook.group = "Security switch"
    known.secured = is_secured(known.home)
    if not known.secured:
        notebook.fault("ssl-ini", _not_secured(known))
        return
    notebook.look(
        "ssl-ini-private",
        lambda _: _private(known.home.ssl_ini),
        fine=lambda _: "commands/ssl.ini, is its owner's only.",
    )
    if known.settings is None:
        notebook.skip(
            "ssl-ini", "commands/ssl.ini needs this server's name: mend server.ini first."
        )
        return
    password = Faults()
    notebook.look("ssl-ini", lambda faults: _ssl_ini(known, faults, password), fine=_ssl_line)
    if known.settings.password_key and known.keystore_path is not None:
        notebook.look(
            "keystore-password", lambda faults: _password(known, faults, password), fine=_place_line
        )


def _private(path: Path) -> Path:
    check_private(path)
    return path


def _not_secured(known: Examination) -> Fault:
    here = ", ".join(component.label for component in known.components) or "no component"
    folder = known.home.ssl_ini.parent
    hint = "Secure all servers of the installation (write commands/ssl.ini on each), or none."
    try:
        others = sorted(each.name for each in folder.iterdir())
    except OSError:
        others = []
    if meant := nearest(known.home.ssl_ini.name, others, slips=4):
        hint = f"There is a file commands/{meant}: was it meant to be ssl.ini? {hint}"
    return Fault(
        code="not-secured",
        why=f"{known.own_name} ({here}) is NOT secured: there is no {known.home.ssl_ini}, so "
        "every connection to its partners is plain text and nobody is authenticated.",
        expected="commands/ssl.ini on every server of the installation",
        presented="none on this one",
        hint=hint,
        warning=True,
    )


def _ssl_ini(known: Examination, faults: Faults, password: Faults) -> Examination | None:
    assert known.settings is not None
    ssl, values = read_ssl(known.home, known.settings, faults)
    if values is None:
        return None
    known.keystore_path = values.find(KEYSTORE_PATH)
    known.keystore_password = keystore_password(known.home, known.settings, values, password)
    names = values.find(ALLOWED_CLIENTS)
    if ssl is not None:
        known.allowed = ssl.allowed_clients
    elif names is not None:
        known.allowed = AllowedClients(tuple(dict.fromkeys(map(normalise_host_name, names))))
        _rename(known, faults)
    return known


def _rename(known: Examination, faults: Faults) -> None:
    assert known.allowed is not None
    if known.keystore_path is None or known.keystore_password is None:
        return
    assert known.settings is not None
    what = ssl_store(known.home, known.settings)
    entry = read_identity(known.keystore_path, known.keystore_password, what, Faults())
    blame_renaming(
        faults.found,
        home=known.home,
        own_name=known.own_name,
        listed=known.allowed.names,
        leaf=entry.certificate if entry is not None and entry.chain else None,
    )


def _ssl_line(known: Examination) -> str:
    assert known.allowed is not None
    assert known.settings is not None
    count = len(known.allowed.names)
    # What it says of the password is in the line after this one.
    entries = len(SSL_KEYS) - bool(known.settings.password_key)
    return (
        f"commands/ssl.ini: exactly its {entries} entries; {count} "
        f"{'server is' if count == 1 else 'servers are'} allowed ({known.allowed})."
    )


def _password(known: Examination, faults: Faults, found: Faults) -> Examination | None:
    """Tell apart what is wrong with the password's own place outside ``ssl.ini`` (SPEC W20)."""
    faults.found += found.found
    return known if known.keystore_password is not None else None


def _place_line(known: Examination) -> str:
    assert known.settings is not None
    place = password_place(known.home, known.settings)
    return f"The keystore's password is read from its own place, {place}; it is owner-only."
