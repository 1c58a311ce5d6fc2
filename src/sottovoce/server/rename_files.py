"""What a renaming changes in the files of one server: its list, its name, its partners' names."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from sottovoce.errors import Fault, SettingsError
from sottovoce.ini import normalise_host_name, survey, with_value
from sottovoce.policy import Component
from sottovoce.server.home import Home, read_file
from sottovoce.server.settings import ServerSettings
from sottovoce.store import write_together

__all__ = ["rename_in_settings"]

#: Component → the keys of its file that name a partner's server.
_HOSTS: Mapping[Component, tuple[str, ...]] = {
    Component.HUB: ("LuiHost", "TrackerHost"),
    Component.LUI: ("HubHost", "TrackerHost"),
    Component.TRK: ("HubHost", "LuiHost"),
}


def rename_in_settings(
    home: Home, settings: ServerSettings, old: str, new: str, *, check: Callable[[], object]
) -> tuple[str, ...]:
    """Put the new name in place of the old one, wherever this server's settings name a server.

    All files are changed or none; every other byte of them stays, and so do their permissions.

    Args:
        home, settings: of the server.
        old, new: host names in their normal form.
        check: reads the changed files; raises :class:`SettingsError` when the server would not
            start with them: then they are put back.

    Returns:
        What was changed, as ``FILE: KEY``.

    Raises:
        SettingsError: a file cannot be read or written, or the server would not start; nothing has
            changed.
    """
    changed: list[str] = []
    files: dict[Path, bytes] = {}
    former: dict[Path, bytes] = {}
    for path, keys in _places(home, settings):
        before = read_file(path, missing="file-missing", hint="Restore it from a backup.")
        after = before
        for key in keys:
            if _normal(survey(after).get(key) or "") == old:
                after = with_value(after, key, new)
                changed.append(f"{path}: {key}")
        if after != before:
            files[path], former[path] = after, before
    _write(files, home)
    try:
        check()
    except SettingsError as error:
        _write(former, home)
        raise SettingsError(
            error.faults,
            message=f"No setting was changed: this server would not start with {new} in them.",
        ) from error
    return tuple(changed)


def _write(files: Mapping[Path, bytes], home: Home) -> None:
    try:
        write_together(files, mode=None)
    except OSError as error:
        fault = Fault(
            code="file-unwritable",
            why=f"The settings cannot be written: {error.strerror}; they are as they were.",
            file=str(error.filename or home.path),
            hint="Free space on its disk, or give the files to the service's user.",
        )
        raise SettingsError([fault]) from error


def _places(home: Home, settings: ServerSettings) -> Iterator[tuple[Path, tuple[str, ...]]]:
    for component in settings.components:
        yield home.component_ini(component), _HOSTS[component]
    # The server's own name is the last to be written: it is what makes the others count.
    yield home.server_ini, ("ServerName",)


def _normal(name: str) -> str:
    try:
        return normalise_host_name(name.strip())
    except ValueError:
        return ""
