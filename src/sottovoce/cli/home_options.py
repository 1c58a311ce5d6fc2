"""Options that say what stands in the files of a new home, for ``init`` and ``join``.

Owns which option sets which key, and the way back: which option mends a fault of a file that was
never made.
"""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import replace

from sottovoce.errors import Fault, SettingsError, WrongUsage
from sottovoce.policy import Component

__all__ = ["OWN_NAME", "add_settings", "by_option", "given"]

#: Option → the files and keys that it sets, where the file belongs to this server.
_OPTIONS = {
    "bind": ("server.ini:BindAddress",),
    "internal_port": ("server.ini:InternalPort",),
    "tracker_port": (
        "server.ini:TrackerPort",
        "lui/lui.ini:TrackerPort",
    ),
    "hub": ("lui/lui.ini:HubHost", "trk/tracker.ini:HubHost"),
    "hub_port": ("lui/lui.ini:HubPort", "trk/tracker.ini:HubPort"),
    "hub_address": ("lui/lui.ini:HubAddress", "trk/tracker.ini:HubAddress"),
    "lui": ("hub/hub.ini:LuiHost", "trk/tracker.ini:LuiHost"),
    "tracker": ("hub/hub.ini:TrackerHost", "lui/lui.ini:TrackerHost"),
    "tracker_address": ("lui/lui.ini:TrackerAddress",),
    "public_url": ("trk/tracker.ini:PublicUrl",),
    "public_port": ("trk/tracker.ini:PublicPort",),
    "public_address": ("trk/tracker.ini:PublicAddress",),
    "web_port": ("hub/hub.ini:WebPort",),
    "web_address": ("hub/hub.ini:WebAddress",),
    "smtp_host": ("lui/lui.ini:SmtpHost",),
    "smtp_port": ("lui/lui.ini:SmtpPort",),
}

#: Names that are this server's own when nothing else is said.
OWN_NAME = ("hub", "lui", "tracker")


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the options that every new server may have, and ``--set`` for all others."""
    parser.add_argument("--hub-address", metavar="IP", help="connect there instead of by name")
    parser.add_argument("--tracker-address", metavar="IP", help="connect there instead of by name")
    parser.add_argument("--bind", metavar="IP", help="where the two ports listen")
    parser.add_argument("--internal-port", metavar="PORT", help="default: 1099")
    parser.add_argument("--tracker-port", metavar="PORT", help="default: 7000")
    parser.add_argument("--public-url", metavar="URL", help="prefix of tracking links")
    parser.add_argument("--public-port", metavar="PORT", help="TRK's web port")
    parser.add_argument("--public-address", metavar="IP", help="where TRK's web port listens")
    parser.add_argument("--smtp-host", metavar="HOST", help="the mail relay")
    parser.add_argument("--smtp-port", metavar="PORT", help="its port (default: 25)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FILE:KEY=VALUE",
        help="any other setting, such as lui/lui.ini:EventTransferInterval=30; may be repeated",
    )


def given(
    args: argparse.Namespace, components: Iterable[Component], *, otherwise: str | None = None
) -> dict[str, dict[str, str]]:
    """Return what the options say: file → key → value, for the files that the server has.

    Args:
        args: of the command line.
        components: that run on the server.
        otherwise: the name of partners' servers that are not named; None leaves them out.

    Raises:
        WrongUsage: a ``--set`` that is no setting.
    """
    from sottovoce.server import INI_FILES

    present = {"server.ini", *(INI_FILES[component] for component in components)}
    values: dict[str, dict[str, str]] = {}
    for file, key, value in _settings(args, otherwise):
        if file in present:
            values.setdefault(file, {})[key] = value
    for setting in args.set:
        file, key, value = _parsed(setting)
        values.setdefault(file, {})[key] = value
    return values


def _settings(args: argparse.Namespace, otherwise: str | None) -> Iterator[tuple[str, str, str]]:
    for option, targets in _OPTIONS.items():
        value = getattr(args, option, None)
        if value is None and option in OWN_NAME:
            value = otherwise
        if value is None:
            continue
        for target in targets:
            file, key = target.split(":")
            yield file, key, str(value)


def _parsed(setting: str) -> tuple[str, str, str]:
    place, equals, value = setting.partition("=")
    file, colon, key = place.partition(":")
    if not (equals and colon and file and key):
        # What follows the key is not repeated: it may be a password.
        raise WrongUsage(
            f"--set {place + ('=…' if equals else '')!r} is not FILE:KEY=VALUE.",
            hint="Write it as in --set lui/lui.ini:SmtpConnections=2.",
        )
    if key.endswith("Password"):
        raise WrongUsage(
            f"--set does not take {key}: every user of this machine can read a command line.",
            hint=f"Write {key}=… into {file} once the home is made.",
        )
    return file, key, value


def by_option(error: SettingsError, *, own_name: Iterable[str] = ()) -> list[Fault]:
    """Name the option that mends each fault, once: the file in which it lies was never made.

    Args:
        error: of the files in memory.
        own_name: options that were not given, for which the server's own name stands.
    """
    own, found = set(own_name), dict[str, Fault]()
    for fault in error.faults:
        option = _option_of(fault)
        if option:
            words = f"--{'name' if option in own else option.replace('_', '-')}"
            missing = fault.code == "ini-missing-key"
            hint = f"Give {words}." if missing else f"Give {words} another value."
            found.setdefault(words, replace(fault, file=None, line=None, hint=hint))
        else:
            found[f"{fault.file}:{fault.key}"] = replace(fault, line=None)
    return list(found.values())


def _option_of(fault: Fault) -> str:
    place = f"{fault.file}:{fault.key}"
    for option, targets in _OPTIONS.items():
        if place in targets:
            return option
    return "name" if place == "server.ini:ServerName" else ""
