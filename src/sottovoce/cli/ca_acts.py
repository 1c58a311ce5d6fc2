"""What the verbs of ``sottovoce ca`` do, and the words that they print.

Owns the order of the acts: what is issued stands in the audit log and the index before anybody
holds it. The grammar is in :mod:`sottovoce.cli.ca`, the files are in
:mod:`sottovoce.cli.ca_home`, the rules in :mod:`sottovoce.pki`.
"""

import argparse
import getpass
import json
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509

from sottovoce.cli.ca_home import Home, Issued, read_bounded, read_password, write_public
from sottovoce.errors import IssuanceError, WrongUsage
from sottovoce.ini import Secret
from sottovoce.net.clock import utc_now
from sottovoce.pki import (
    BACKDATE,
    LEAF_LIFETIME,
    ROOT_LIFETIME,
    Authority,
    KeyAlgorithm,
    Revocation,
    common_name,
    display_name,
    dns_names,
    dump_certificates,
    dump_crl,
    fingerprint,
    generate_key,
    ip_addresses,
    key_fingerprint,
    load_request,
    uri_names,
)
from sottovoce.policy import Component

__all__ = ["ACTS", "REASONS"]

_FINE, _WARNINGS = 0, 1
#: Days for which a revocation list is good: partners that miss a few refreshes go on working.
CRL_DAYS = 30
#: Characters of a serial number that name a certificate, when no other begins with them.
SHORTEST_SERIAL = 4

#: RFC 5280 5.3.1, but for removeFromCRL, which only delta lists know.
REASONS = {
    reason.value: reason
    for reason in x509.ReasonFlags
    if reason is not x509.ReasonFlags.remove_from_crl
}


def _life(args: argparse.Namespace, usual: timedelta) -> timedelta:
    if args.days is None:
        return usual
    if args.days < 1:
        raise WrongUsage("--days takes a whole number from 1.")
    return timedelta(days=args.days)


def _print(args: argparse.Namespace, facts: dict[str, Any], lines: list[str]) -> None:
    print(json.dumps(facts, ensure_ascii=False) if args.json else "\n".join(lines))


def _existing_password(args: argparse.Namespace, home: Home) -> Secret:
    if args.password_file is not None:
        return read_password(args.password_file)
    if home.password.exists():
        return read_password(home.password)
    return _prompted(f"Password of the key in {home.folder}: ")


def _prompted(prompt: str) -> Secret:
    if not sys.stdin.isatty():
        raise WrongUsage(
            "The password of the authority's key is needed and there is no terminal to ask on.",
            hint="Give --password-file FILE.",
        )
    return Secret(getpass.getpass(prompt))


def _new_password(args: argparse.Namespace, home: Home) -> Secret:
    if args.password_file is not None:
        return read_password(args.password_file)
    if not args.prompt:
        return home.generate_password()
    password = _prompted("New password for the authority's key: ")
    if not password or password != _prompted("Once more: "):
        raise WrongUsage("The two passwords are empty or differ.", hint="Begin again.")
    return password


def _create(args: argparse.Namespace, home: Home) -> int:
    now = utc_now()
    begin = now - BACKDATE
    authority = Authority.create_root(
        args.name,
        key=generate_key(KeyAlgorithm(args.key)),
        serial=x509.random_serial_number(),
        not_before=begin,
        not_after=begin + _life(args, ROOT_LIFETIME),
    )
    home.create()
    home.store(authority, _new_password(args, home))
    certificate = authority.certificate
    facts = {
        "name": display_name(certificate.subject),
        "certificate": str(home.certificate),
        "fingerprint": fingerprint(certificate),
        "not_after": certificate.not_valid_after_utc.isoformat(),
    }
    home.record(now, "create", **facts)
    _print(
        args,
        facts,
        [
            f"Made the certificate authority '{args.name}' in {home.folder}.",
            f"  SHA-256 {facts['fingerprint']}",
            f"  valid until {certificate.not_valid_after_utc:%Y-%m-%d}",
            f"Import {home.certificate} into the trusted roots of every server.",
        ],
    )
    return _FINE


def _sign(args: argparse.Namespace, home: Home) -> int:
    request = load_request(read_bounded(args.request), source=str(args.request))
    now = utc_now()
    begin = now - BACKDATE
    with home.locked():
        index = home.index()
        authority = home.load(_existing_password(args, home))
        certificate = authority.sign_request(
            request,
            names=args.names or None,
            roles=[Component(name).role_uri for name in args.components],
            serial=x509.random_serial_number(),
            not_before=begin,
            not_after=begin + _life(args, LEAF_LIFETIME),
        )
        entry = _entry(certificate)
        shared = _sharing(index.certificates, entry, now)
        index.certificates.append(entry)
        home.record(now, "sign", serial=entry.serial, names=entry.names, roles=entry.roles)
        home.write_index(index)
        write_public(args.out, dump_certificates(authority.issued_chain(certificate)))
    _print(
        args,
        {**vars(entry), "out": str(args.out), "shared_key": shared},
        [
            (
                f"Signed {', '.join(entry.names)} (serial {entry.serial}), valid until "
                f"{certificate.not_valid_after_utc:%Y-%m-%d}."
            ),
            f"  SHA-256 {entry.fingerprint}",
            f"The reply is in {args.out}; import it under the alias of the key.",
        ],
    )
    if not shared:
        return _FINE
    print(
        f"Warning: the same key was certified for {', '.join(shared)}; whoever holds it is both. "
        "Make a key of its own for each server.",
        file=sys.stderr,
    )
    return _WARNINGS


def _entry(certificate: x509.Certificate) -> Issued:
    return Issued(
        serial=f"{certificate.serial_number:x}",
        subject=display_name(certificate.subject),
        names=[*dns_names(certificate), *map(str, ip_addresses(certificate))],
        roles=list(uri_names(certificate)),
        not_before=certificate.not_valid_before_utc.isoformat(),
        not_after=certificate.not_valid_after_utc.isoformat(),
        fingerprint=fingerprint(certificate),
        key_fingerprint=key_fingerprint(certificate.public_key()),
    )


def _sharing(issued: list[Issued], entry: Issued, now: datetime) -> list[str]:
    """Return the names of other servers whose certificates in force have the same key (N8)."""
    names = {
        name
        for other in issued
        if other.key_fingerprint == entry.key_fingerprint and _state(other, now) == "valid"
        for name in other.names
        if not set(other.names) & set(entry.names)
    }
    return sorted(names)


def _state(entry: Issued, now: datetime) -> str:
    if entry.revoked is not None:
        return "revoked"
    return "expired" if datetime.fromisoformat(entry.not_after) < now else "valid"


def _list(args: argparse.Namespace, home: Home) -> int:
    now = utc_now()
    entries = [{**vars(item), "state": _state(item, now)} for item in home.index().certificates]
    lines = [
        f"{item['serial']}  {item['state']:7}  until {item['not_after'][:10]}  "
        f"{','.join(item['names'])}  {','.join(_short_roles(item['roles']))}".rstrip()
        for item in entries
    ]
    if args.json:
        print(json.dumps(entries, ensure_ascii=False))
    else:
        print("\n".join(lines) if lines else "No certificate was issued yet.")
    return _FINE


def _short_roles(roles: list[str]) -> list[str]:
    return [role.rpartition(":")[2] for role in roles]


def _revoke(args: argparse.Namespace, home: Home) -> int:
    now = utc_now()
    with home.locked():
        index = home.index()
        entry = _find(index.certificates, args.serial)
        if entry.revoked is not None:
            raise IssuanceError(
                f"Serial {entry.serial} was revoked {entry.revoked} already ({entry.reason}).",
                hint="Sign a new list if partners do not know it: sottovoce ca crl.",
            )
        entry.revoked, entry.reason = now.isoformat(timespec="seconds"), args.reason
        home.record(now, "revoke", serial=entry.serial, names=entry.names, reason=args.reason)
        home.write_index(index)
    _print(
        args,
        vars(entry),
        [
            f"Revoked {', '.join(entry.names)} (serial {entry.serial}): {args.reason}.",
            (
                f"Partners learn it from the next list: sottovoce ca crl --dir {home.folder} "
                "--out FILE"
            ),
        ],
    )
    return _FINE


def _find(issued: list[Issued], typed: str) -> Issued:
    wanted = typed.replace(":", "").lower().removeprefix("0x").lstrip("0")
    found = [item for item in issued if item.serial == wanted] or [
        item for item in issued if len(wanted) >= SHORTEST_SERIAL and item.serial.startswith(wanted)
    ]
    if len(found) != 1:
        what = "several certificates begin" if found else "no certificate begins"
        raise IssuanceError(
            f"Of those issued here, {what} with serial {typed!r}.",
            hint="See: sottovoce ca list",
        )
    return found[0]


def _crl(args: argparse.Namespace, home: Home) -> int:
    now = utc_now()
    with home.locked():
        index = home.index()
        authority = home.load(_existing_password(args, home))
        revoked = [_revocation(item) for item in index.certificates if _still_listed(item, now)]
        index.crl_number += 1
        until = now + _life(args, timedelta(days=CRL_DAYS))
        crl = authority.revocation_list(
            revoked, this_update=now - BACKDATE, next_update=until, number=index.crl_number
        )
        home.record(now, "crl", number=index.crl_number, revoked=len(revoked))
        home.write_index(index)
        write_public(args.out, dump_crl(crl))
    _print(
        args,
        {
            "out": str(args.out),
            "number": index.crl_number,
            "revoked": len(revoked),
            "next_update": until.isoformat(timespec="seconds"),
        },
        [
            (
                f"Revocation list {index.crl_number} of "
                f"'{common_name(authority.certificate)}' with "
                f"{len(revoked)} certificates is in {args.out}, good until {until:%Y-%m-%d}."
            ),
        ],
    )
    return _FINE


def _still_listed(item: Issued, now: datetime) -> bool:
    return item.revoked is not None and datetime.fromisoformat(item.not_after) >= now


def _revocation(item: Issued) -> Revocation:
    assert item.revoked is not None
    return Revocation(
        serial=int(item.serial, 16),
        date=datetime.fromisoformat(item.revoked),
        reason=REASONS[item.reason or "unspecified"],
    )


#: Verb → what it does.
ACTS: dict[str, Callable[[argparse.Namespace, Home], int]] = {
    "create": _create,
    "sign": _sign,
    "list": _list,
    "revoke": _revoke,
    "crl": _crl,
}
