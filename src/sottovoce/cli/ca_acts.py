"""What ``sottovoce ca sign``, ``list``, ``revoke`` and ``crl`` do, and the words that they print.

The grammar is in :mod:`sottovoce.cli.ca`, the files and the order of the acts are in
:mod:`sottovoce.hub.authority`, the rules in :mod:`sottovoce.pki`.
"""

import argparse
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sottovoce.cli.ca_passwords import existing_password
from sottovoce.cli.ca_places import FINE, WARNINGS, emit, folder_of, hub_of, life, root_of
from sottovoce.errors import WrongUsage
from sottovoce.hub.authority import (
    LIST_LIFETIME,
    REASONS,
    AuthorityFolder,
    Issued,
    Order,
    read_bounded,
    revoke,
    revoke_issuing,
    sign,
    sign_list,
    write_public,
)
from sottovoce.net.clock import utc_now
from sottovoce.pki import LEAF_LIFETIME, dump_certificates, dump_crl, load_request, short_name
from sottovoce.policy import Component

__all__ = ["ACTS", "CRL_DAYS"]

#: Days for which a root's revocation list is good: partners that miss a few refreshes go on.
CRL_DAYS = 30


def _sign(args: argparse.Namespace) -> int:
    folder = folder_of(args)
    request = load_request(read_bounded(args.request), source=str(args.request))
    order = Order(
        names=tuple(args.names) or None,
        roles=tuple(Component(name).role_uri for name in args.components),
        lifetime=life(args, LEAF_LIFETIME),
    )
    password = existing_password(folder, args.password_file)
    with folder.locked():
        signed = sign(folder, request, order, password=password, now=utc_now())
    write_public(args.out, dump_certificates(list(signed.chain)))
    entry = signed.entry
    emit(
        args,
        {**entry.facts(), "out": str(args.out), "shared_key": list(signed.shared)},
        [
            (
                f"Signed {', '.join(entry.names)} (serial {entry.serial}), valid until "
                f"{entry.not_after:%Y-%m-%d}."
            ),
            f"  SHA-256 {entry.fingerprint}",
            f"The reply is in {args.out}; import it under the alias of the key.",
        ],
    )
    if not signed.shared:
        return FINE
    print(
        f"Warning: the same key was certified for {', '.join(signed.shared)}; whoever holds it is "
        "both. Make a key of its own for each server.",
        file=sys.stderr,
    )
    return WARNINGS


def _list(args: argparse.Namespace) -> int:
    """List what one authority has issued, or both when both are named."""
    if args.dir is not None and args.home is not None:
        folders = [AuthorityFolder(args.dir), hub_of(args).issuer().folder]
    else:
        folders = [folder_of(args)]
    now = utc_now()
    facts: list[dict[str, Any]] = []
    lines: list[str] = []
    for folder in folders:
        for item in folder.index().certificates:
            facts.append({**item.facts(), "state": item.state(now)})
            what = "issuing" if item.authority else ",".join(_short_roles(item.roles))
            lines.append(
                f"{item.serial}  {item.state(now):7}  until {item.not_after:%Y-%m-%d}  "
                f"{','.join(item.names)}  {what}".rstrip()
            )
    emit(args, facts, lines or ["No certificate was issued yet."])
    return FINE


def _short_roles(roles: list[str]) -> list[str]:
    return [role.rpartition(":")[2] for role in roles]


def _revoke(args: argparse.Namespace) -> int:
    if args.issuing:
        return _revoke_issuing(args)
    if bool(args.serial) == bool(args.server) or (args.server and args.home is None):
        raise WrongUsage(
            "Say what to revoke: a serial number; or with --home, --server HOST; or with --dir and "
            "--home, --issuing."
        )
    if args.home is not None:
        return _revoke_at_hub(args)
    folder = folder_of(args)
    with folder.locked():
        index = folder.index()
        entry = index.find(args.serial)
        revoke(folder, index, entry, REASONS[args.reason], utc_now())
    emit(
        args,
        entry.facts(),
        [
            _revoked(entry),
            (
                f"Partners learn it from the next list: sottovoce ca crl --dir {folder.folder} "
                "--out FILE"
            ),
        ],
    )
    return FINE


def _revoked(entry: Issued) -> str:
    return f"Revoked {', '.join(entry.names)} (serial {entry.serial}): {entry.reason}."


def _revoke_at_hub(args: argparse.Namespace) -> int:
    """Revoke, and put the new list where HUB's server has its lists, from where it is given out."""
    hub, now, reason = hub_of(args), utc_now(), REASONS[args.reason]
    issuer = hub.issuer()
    if args.server:
        found = issuer.revoke_server(args.server, reason, now)
    else:
        found = issuer.revoke_found(lambda index: [index.find(args.serial)], reason, now)
    checked = hub.settle(issuer, now)
    facts = {"revoked": [entry.facts() for entry in found], "given_out": checked}
    told = "HUB gives the new list to every server with its next heartbeat." if checked else ""
    emit(args, facts, [*map(_revoked, found), *([told] if told else [])])
    return FINE if checked else _unchecked(hub.home.server_ini)


def _unchecked(file: object) -> int:
    print(
        f"Warning: nobody learns it: {file} has no RevocationLists, so HUB's server checks no "
        "revocation and gives out no list.",
        file=sys.stderr,
    )
    return WARNINGS


def _revoke_issuing(args: argparse.Namespace) -> int:
    if args.dir is None or args.home is None or args.server:
        raise WrongUsage("--issuing goes with --dir ROOT and --home HUBHOME, and a serial or none.")
    hub, root, now = hub_of(args), root_of(args), utc_now()
    issuer = hub.issuer()
    found = revoke_issuing(root, issuer, args.serial, REASONS[args.reason], now)
    checked = hub.settle(issuer, now)
    emit(
        args,
        {"revoked": [entry.facts() for entry in found], "given_out": checked},
        [
            *(f"Revoked the issuing certificate {item.serial}: {item.reason}." for item in found),
            "Nothing below it is accepted any more. Next, unless HUB has a newer key:",
            f"    sottovoce ca issuing --new-key --dir {args.dir} --home {args.home}",
        ],
    )
    return FINE if checked else _unchecked(hub.home.server_ini)


def _crl(args: argparse.Namespace) -> int:
    folder = folder_of(args)
    password = existing_password(folder, args.password_file)
    now = utc_now()
    usual = timedelta(days=CRL_DAYS) if args.home is None else LIST_LIFETIME
    until = now + life(args, usual)
    with folder.locked():
        crl = sign_list(folder, folder.index().current, password=password, now=now, until=until)
        number = folder.index().crl_number
    write_public(args.out, dump_crl(crl))
    emit(
        args,
        {
            "out": str(args.out),
            "number": number,
            "revoked": len(crl),
            "next_update": until.isoformat(timespec="seconds"),
        },
        [
            (
                f"Revocation list {number} of '{short_name(crl.issuer)}' with {len(crl)} "
                f"certificates is in {args.out}, good until {until:%Y-%m-%d}."
            ),
        ],
    )
    return FINE


#: Verb → what it does.
ACTS: dict[str, Callable[[argparse.Namespace], int]] = {
    "sign": _sign,
    "list": _list,
    "revoke": _revoke,
    "crl": _crl,
}
