"""What the verbs of ``sottovoce ca`` do, and the words that they print.

The grammar is in :mod:`sottovoce.cli.ca`, the files and the order of the acts are in
:mod:`sottovoce.hub.authority`, the rules in :mod:`sottovoce.pki`.
"""

import argparse
import json
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sottovoce.cli.ca_passwords import existing_password, new_password
from sottovoce.errors import WrongUsage
from sottovoce.hub.authority import (
    REASONS,
    AuthorityFolder,
    Order,
    create_root,
    read_bounded,
    revoke,
    sign,
    sign_list,
    write_public,
)
from sottovoce.net.clock import utc_now
from sottovoce.pki import (
    LEAF_LIFETIME,
    ROOT_LIFETIME,
    KeyAlgorithm,
    display_name,
    dump_certificates,
    dump_crl,
    fingerprint,
    load_request,
    short_name,
)
from sottovoce.policy import Component

__all__ = ["ACTS"]

_FINE, _WARNINGS = 0, 1
#: Days for which a revocation list is good: partners that miss a few refreshes go on working.
CRL_DAYS = 30


def _life(args: argparse.Namespace, usual: timedelta) -> timedelta:
    if args.days is None:
        return usual
    if args.days < 1:
        raise WrongUsage("--days takes a whole number from 1.")
    return timedelta(days=args.days)


def _print(args: argparse.Namespace, facts: dict[str, Any], lines: list[str]) -> None:
    print(json.dumps(facts, ensure_ascii=False) if args.json else "\n".join(lines))


def _create(args: argparse.Namespace, folder: AuthorityFolder) -> int:
    authority = create_root(
        folder,
        args.name,
        password=new_password(args.password_file, prompt=args.prompt),
        algorithm=KeyAlgorithm(args.key),
        lifetime=_life(args, ROOT_LIFETIME),
        now=utc_now(),
    )
    certificate = authority.certificate
    facts = {
        "name": display_name(certificate.subject),
        "certificate": str(folder.files(folder.index().current).certificate),
        "fingerprint": fingerprint(certificate),
        "not_after": certificate.not_valid_after_utc.isoformat(),
    }
    _print(
        args,
        facts,
        [
            f"Made the certificate authority '{args.name}' in {folder.folder}.",
            f"  SHA-256 {facts['fingerprint']}",
            f"  valid until {certificate.not_valid_after_utc:%Y-%m-%d}",
            f"Import {facts['certificate']} into the trusted roots of every server.",
        ],
    )
    return _FINE


def _sign(args: argparse.Namespace, folder: AuthorityFolder) -> int:
    request = load_request(read_bounded(args.request), source=str(args.request))
    order = Order(
        names=tuple(args.names) or None,
        roles=tuple(Component(name).role_uri for name in args.components),
        lifetime=_life(args, LEAF_LIFETIME),
    )
    folder.check_there()
    password = existing_password(folder, args.password_file)
    with folder.locked():
        signed = sign(folder, request, order, password=password, now=utc_now())
    write_public(args.out, dump_certificates(list(signed.chain)))
    entry = signed.entry
    _print(
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
        return _FINE
    print(
        f"Warning: the same key was certified for {', '.join(signed.shared)}; whoever holds it is "
        "both. Make a key of its own for each server.",
        file=sys.stderr,
    )
    return _WARNINGS


def _list(args: argparse.Namespace, folder: AuthorityFolder) -> int:
    now = utc_now()
    issued = folder.index().certificates
    if args.json:
        facts = [{**item.facts(), "state": item.state(now)} for item in issued]
        print(json.dumps(facts, ensure_ascii=False))
        return _FINE
    lines = [
        f"{item.serial}  {item.state(now):7}  until {item.not_after:%Y-%m-%d}  "
        f"{','.join(item.names)}  {','.join(_short_roles(item.roles))}".rstrip()
        for item in issued
    ]
    print("\n".join(lines) if lines else "No certificate was issued yet.")
    return _FINE


def _short_roles(roles: list[str]) -> list[str]:
    return [role.rpartition(":")[2] for role in roles]


def _revoke(args: argparse.Namespace, folder: AuthorityFolder) -> int:
    with folder.locked():
        index = folder.index()
        entry = index.find(args.serial)
        revoke(folder, index, entry, REASONS[args.reason], utc_now())
    _print(
        args,
        entry.facts(),
        [
            f"Revoked {', '.join(entry.names)} (serial {entry.serial}): {args.reason}.",
            (
                f"Partners learn it from the next list: sottovoce ca crl --dir {folder.folder} "
                "--out FILE"
            ),
        ],
    )
    return _FINE


def _crl(args: argparse.Namespace, folder: AuthorityFolder) -> int:
    folder.check_there()
    password = existing_password(folder, args.password_file)
    now = utc_now()
    until = now + _life(args, timedelta(days=CRL_DAYS))
    with folder.locked():
        crl = sign_list(folder, folder.index().current, password=password, now=now, until=until)
        number = folder.index().crl_number
    write_public(args.out, dump_crl(crl))
    _print(
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
    return _FINE


#: Verb → what it does.
ACTS: dict[str, Callable[[argparse.Namespace, AuthorityFolder], int]] = {
    "create": _create,
    "sign": _sign,
    "list": _list,
    "revoke": _revoke,
    "crl": _crl,
}
