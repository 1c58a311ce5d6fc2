"""A new server home: folders, starter files with every key explained, databases, a root keystore.

The home is built beside its place and moved there when it is whole; see
:mod:`sottovoce.server.staging`.
"""

import asyncio
import secrets
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from cryptography import x509

import sottovoce.hub
import sottovoce.lui
import sottovoce.trk
from sottovoce.errors import Fault, SettingsError, WrongUsage
from sottovoce.hub import HUB_KEYS, HubSettings
from sottovoce.ini import AnyKey, Secret, dumps, survey
from sottovoce.keystore import Keystore, StoreFormat, TrustedCertificateEntry
from sottovoce.keystore import dumps as write_keystore
from sottovoce.lui import LUI_KEYS, LuiSettings
from sottovoce.policy import Component
from sottovoce.server.home import INI_FILES
from sottovoce.server.securing import Credentials, managed_settings, write_secured
from sottovoce.server.settings import SERVER_KEYS, ServerSettings
from sottovoce.server.staging import clear_abandoned, staged
from sottovoce.store import write_atomically
from sottovoce.trk import TRK_KEYS, TrkSettings

__all__ = [
    "Created",
    "HomePlan",
    "create",
    "ini_files",
    "lay_out",
    "make_databases",
    "root_aliases",
    "starter_file",
    "write_trusted_roots",
]

#: Random octets of the trusted-root keystore's password: 144 bits, 24 characters.
_PASSWORD_OCTETS = 18

_TABLES: Mapping[str, tuple[AnyKey, ...]] = {
    "server.ini": SERVER_KEYS,
    INI_FILES[Component.HUB]: HUB_KEYS,
    INI_FILES[Component.LUI]: LUI_KEYS,
    INI_FILES[Component.TRK]: TRK_KEYS,
}

#: What reads them at a start: a home is made only of files that will be taken.
_READERS: Mapping[str, Callable[..., object]] = {
    "server.ini": ServerSettings.read,
    INI_FILES[Component.HUB]: HubSettings.read,
    INI_FILES[Component.LUI]: LuiSettings.read,
    INI_FILES[Component.TRK]: TrkSettings.read,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePlan:
    """What a new home is to be.

    Args:
        path: the folder; must not exist, or be empty.
        components: which run here.
        values: file within the home (``server.ini``, ``lui/lui.ini`` …) → key → value as text.
        roots: alias → certificate that the server trusts from the beginning (SPEC W16).
        secure: gives what secures the home, called with the folder in which that is built, when
            all but its trust is there; None leaves it plain.
    """

    path: Path
    components: tuple[Component, ...]
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    roots: Mapping[str, x509.Certificate] = field(default_factory=dict)
    secure: Callable[[Path], Credentials] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """What was made.

    Args:
        path: the home.
        files: written, relative to it, in order.
        set_up_code: shown to the administrator once; None when HUB does not run here.
        removed: what an earlier attempt had left that was cut short.
    """

    path: Path
    files: tuple[str, ...]
    set_up_code: Secret | None
    removed: tuple[Path, ...] = ()


def starter_file(keys: Iterable[AnyKey], given: Mapping[str, str], *, title: str) -> bytes:
    """Return an INI file with every key explained; those not given stand as comments.

    Args:
        keys: the file's table.
        given: values by key name.
        title: one line above.
    """
    parts = [dumps([], comments=[title])]
    for key in keys:
        required = " Required." if key.required else ""
        about = f"{key.name}: {key.kind.label}. {key.help}{required}"
        comments = ["", *textwrap.wrap(about, 96)]
        value = given.get(key.name)
        if value is not None:
            parts.append(dumps([(key.name, value)], comments=comments))
        else:
            parts.append(dumps([], comments=[*comments, f"{key.name}={key.default_text}"]))
    return b"".join(parts)


async def create(plan: HomePlan, *, now: datetime) -> Created:
    """Make the home.

    Args:
        plan: what it is to be.
        now: UTC.

    Raises:
        SettingsError: values that no such file may have, every one of them; nothing is made.
        WrongUsage: there is something at that place already, or a value for a file that this
            server does not have.
    """
    if plan.secure is not None:
        plan = replace(plan, values=_managed(plan))
    files = ini_files(plan)
    with staged(plan.path) as folder:
        lay_out(folder, files)
        code = await make_databases(folder, plan.components, now)
        roots = dict(plan.roots)
        secured: tuple[str, ...] = ()
        if plan.secure is not None:
            credentials = await asyncio.to_thread(plan.secure, folder)
            roots |= root_aliases(credentials.roots)
            secured = write_secured(folder, credentials, home=plan.path.absolute())
        write_trusted_roots(folder, roots, now)
    return Created(
        path=plan.path,
        files=(*files, "conf/cacerts", "conf/cacerts.password", *secured),
        set_up_code=code,
        removed=clear_abandoned(plan.path),
    )


def lay_out(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make the folders of a home that is being built, and write its INI files.

    Args:
        folder: in which it is built.
        files: from :func:`ini_files`.

    Raises:
        OSError: as the operating system says.
    """
    for name in ("commands", "conf", "logs"):
        (folder / name).mkdir(mode=0o700)
    for name, data in files.items():
        (folder / name).parent.mkdir(mode=0o700, exist_ok=True)
        write_atomically(folder / name, data)


def root_aliases(roots: Iterable[x509.Certificate]) -> dict[str, x509.Certificate]:
    """Return the roots of the installation's authority by their aliases in ``conf/cacerts``."""
    return {
        "installation-root" if number == 1 else f"installation-root-{number}": root
        for number, root in enumerate(roots, 1)
    }


def _managed(plan: HomePlan) -> dict[str, Mapping[str, str]]:
    """Return the values of a home that looks after its trust; what was given goes first."""
    given = plan.values.get("server.ini", {})
    own = {**managed_settings(plan.path.absolute()), **given}
    return {**plan.values, "server.ini": own}


def ini_files(plan: HomePlan) -> dict[str, bytes]:
    """Write every INI file in memory, and read it back by its own table: all faults at once.

    Args:
        plan: what the home is to be.

    Raises:
        SettingsError: values that no such file may have, every one of them.
        WrongUsage: a value for a file that this server does not have.
    """
    wanted = ["server.ini", *(INI_FILES[component] for component in plan.components)]
    for name in plan.values:
        if name not in wanted:
            raise WrongUsage(
                f"This server has no file {name}.", hint=f"It has: {', '.join(wanted)}."
            )
    files, faults = {}, list[Fault]()
    for name in wanted:
        title = f"{name} of sottovoce. The rules are those of Java .properties files."
        files[name] = starter_file(_TABLES[name], plan.values.get(name, {}), title=title)
        unknown = set(plan.values.get(name, {})) - {key.name for key in _TABLES[name]}
        extra = [(key, plan.values[name][key]) for key in sorted(unknown)]
        try:
            _READERS[name](survey(files[name] + dumps(extra), file=name), file=name)
        except SettingsError as error:
            faults += error.faults
    if faults:
        raise SettingsError(faults, message="No home was made.")
    return files


def write_trusted_roots(folder: Path, roots: Mapping[str, x509.Certificate], now: datetime) -> None:
    """Make the keystore of trusted roots with a password of its own (SPEC W15, W16).

    Args:
        folder: in which the home is built.
        roots: alias → certificate.
        now: UTC.

    Raises:
        OSError: as the operating system says.
    """
    password = Secret(secrets.token_urlsafe(_PASSWORD_OCTETS))
    entries = {alias: TrustedCertificateEntry(root, now) for alias, root in roots.items()}
    store = write_keystore(Keystore(entries=entries), password, format=StoreFormat.PKCS12)
    write_atomically(folder / "conf" / "cacerts", store)
    write_atomically(folder / "conf" / "cacerts.password", f"{password.reveal()}\n".encode())


async def make_databases(
    folder: Path, components: tuple[Component, ...], now: datetime
) -> Secret | None:
    """Make the databases of a home that is being built; return HUB's set-up code."""
    code = None
    if Component.HUB in components:
        code = sottovoce.hub.new_set_up_code(secrets.token_bytes)
        await sottovoce.hub.create_home(folder, set_up_code=code, now=now)
    if Component.LUI in components:
        await sottovoce.lui.create_home(folder, now=now)
    if Component.TRK in components:
        await sottovoce.trk.create_home(folder, now=now)
    return code
