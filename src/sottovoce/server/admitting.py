"""A server's own list of servers, to which one is added or from which one is taken.

Owns the order where a new server joins while HUB runs: the file first, then what is in force by it,
and the file as it was when that is refused. Every other byte of ``ssl.ini`` stays.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from sottovoce.errors import Fault, SettingsError
from sottovoce.hub import Admit
from sottovoce.ini import normalise_host_name, survey, with_value
from sottovoce.policy import ALLOWED_CLIENTS
from sottovoce.server.home import Home, read_file
from sottovoce.store import write_atomically

__all__ = ["admitting", "change_list"]

Reload = Callable[[str], Awaitable[tuple[Fault, ...]]]


def admitting(home: Home, reload: Reload) -> Admit:
    """Return what puts a name into the allowed list of *home* and into force.

    Args:
        home: of HUB's server.
        reload: takes the files into force; returns the faults that kept it from that.
    """

    async def admit(name: str) -> Callable[[], Awaitable[None]]:
        before, after = await asyncio.to_thread(_changed, home.ssl_ini, add=name)
        if before == after:
            return _nothing

        async def take_back() -> None:
            await asyncio.to_thread(_put, home.ssl_ini, before, instead_of=after)
            await reload(f"{name} did not join")

        await asyncio.to_thread(_put, home.ssl_ini, after, instead_of=before)
        faults = await reload(f"{name} joins")
        if faults:
            await take_back()
            raise SettingsError(faults, message=f"{name} was not put into SSLAllowedClients.")
        return take_back

    return admit


def change_list(home: Home, *, add: str = "", remove: str = "") -> bool:
    """Put a name into the allowed list of a home, or take one out; a running server notices.

    Args:
        home: of the server.
        add, remove: host names in their normal form; empty for none.

    Returns:
        Whether the file has changed.

    Raises:
        SettingsError: it cannot be read or written, or somebody else has changed it meanwhile.
    """
    before, after = _changed(home.ssl_ini, add=add, remove=remove)
    if before == after:
        return False
    _put(home.ssl_ini, after, instead_of=before)
    return True


async def _nothing() -> None:
    """Nothing was changed."""


def _changed(path: Path, *, add: str = "", remove: str = "") -> tuple[bytes, bytes]:
    """Return the file as it is, and with the list as it is to be."""
    before = read_file(path, missing="file-missing", hint="Restore it from a backup.")
    listed = [each for each in (survey(before).get(ALLOWED_CLIENTS.name) or "").split(",") if each]
    wanted = [each for each in listed if not remove or _normal(each) != remove]
    if add and add not in {_normal(each) for each in wanted}:
        wanted.append(add)
    if wanted == listed:
        return before, before
    return before, with_value(before, ALLOWED_CLIENTS.name, ",".join(wanted))


def _normal(name: str) -> str:
    try:
        return normalise_host_name(name.strip())
    except ValueError:
        return ""


def _put(path: Path, data: bytes, *, instead_of: bytes) -> None:
    """Write the file, unless somebody has changed it meanwhile.

    Raises:
        SettingsError: somebody has, or it cannot be written.
    """
    if read_file(path, missing="file-missing", hint="Restore it from a backup.") != instead_of:
        raise SettingsError([_touched(path)])
    try:
        write_atomically(path, data)
    except OSError as error:
        fault = Fault(
            code="file-unwritable",
            why=f"{path} cannot be written: {error.strerror}.",
            file=str(path),
            hint="Free space on its disk, or give the file to the service's user.",
        )
        raise SettingsError([fault]) from error


def _touched(path: Path) -> Fault:
    return Fault(
        code="file-unwritable",
        why=f"{path} was changed by somebody else at the same moment; it is left as it is.",
        file=str(path),
        hint="Try again.",
    )
