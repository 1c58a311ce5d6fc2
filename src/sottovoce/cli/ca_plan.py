"""What ``sottovoce ca create``, ``issuing`` and ``rollover`` do: what needs the root's key."""

import argparse
import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sottovoce.cli.ca_passwords import new_password
from sottovoce.cli.ca_places import FINE, WARNINGS, HubHome, emit, hub_of, life, root_of
from sottovoce.errors import WrongUsage
from sottovoce.hub.authority import (
    REMOVED,
    STEPS,
    AuthorityFolder,
    Issuer,
    OpenRoot,
    Plan,
    Reported,
    Step,
    abandon,
    advance,
    create_issuing,
    create_root,
    next_step,
    renew_issuing,
    replace_issuing,
    untrusted_roots,
)
from sottovoce.net.clock import utc_now
from sottovoce.pki import (
    ROOT_LIFETIME,
    KeyAlgorithm,
    common_name,
    display_name,
    fingerprint,
    permitting,
)
from sottovoce.server.securing import check_outside

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["ACTS", "WORDS"]


def _create(args: argparse.Namespace) -> int:
    hub = hub_of(args) if args.home is not None else None
    if hub is None and args.host:
        raise WrongUsage("--host goes with --home HUBHOME.")
    folder = AuthorityFolder(args.dir)
    check_outside(args.dir, *([] if hub is None else [hub.home.path]))
    hosts = _new_hosts(hub, args) if hub is not None else ()
    authority = create_root(
        folder,
        args.name,
        password=(password := new_password(args.password_file, prompt=args.prompt)),
        algorithm=KeyAlgorithm(args.key),
        lifetime=life(args, ROOT_LIFETIME),
        now=utc_now(),
    )
    certificate = authority.certificate
    facts: dict[str, Any] = {
        "name": display_name(certificate.subject),
        "certificate": str(folder.files(folder.index().current).certificate),
        "fingerprint": fingerprint(certificate),
        "not_after": certificate.not_valid_after_utc.isoformat(),
    }
    lines = [
        f"Made the certificate authority '{args.name}' in {folder.folder}.",
        f"  SHA-256 {facts['fingerprint']}",
        f"  valid until {certificate.not_valid_after_utc:%Y-%m-%d}",
        f"Import {facts['certificate']} into the trusted roots of every server.",
    ]
    if hub is not None:
        root = OpenRoot(folder, password or folder.password())
        issuer = create_issuing(root, hub.home.path, hosts, now=utc_now())
        hub.settle(issuer, utc_now())
        facts["issuing"] = _issuing_facts(issuer)
        lines[-1:] = _issuing_lines(issuer, "Made")
    emit(args, facts, lines)
    return FINE


def _new_hosts(hub: HubHome, args: argparse.Namespace) -> tuple[str, ...]:
    """Return what a new issuing authority may certify, before anything is made for it."""
    hosts = tuple(dict.fromkeys((*(args.host or hub.hosts), *getattr(args, "add_host", ()))))
    permitting(hosts)
    return hosts


def _issuing_facts(issuer: Issuer) -> dict[str, Any]:
    certificate = issuer.certificate
    return {
        "name": display_name(certificate.subject),
        "hosts": list(issuer.names),
        "fingerprint": fingerprint(certificate),
        "not_after": certificate.not_valid_after_utc.isoformat(),
    }


def _issuing_lines(issuer: Issuer, done: str) -> list[str]:
    certificate = issuer.certificate
    return [
        f"{done} HUB's issuing authority '{common_name(certificate)}'.",
        f"  valid until {certificate.not_valid_after_utc:%Y-%m-%d}",
        f"  HUB may certify: {', '.join(issuer.names)}, and names below them",
    ]


def _issuing(args: argparse.Namespace) -> int:
    hub, root, now = hub_of(args), root_of(args), utc_now()
    issuer = Issuer.open(hub.home.path)
    own: x509.Certificate | None = None
    if issuer is None:
        if args.new_key:
            raise WrongUsage(f"{hub.home.path} has no issuing authority yet: leave out --new-key.")
        check_outside(args.dir, hub.home.path)
        issuer, done = create_issuing(root, hub.home.path, _new_hosts(hub, args), now=now), "Made"
    elif args.new_key:
        replace_issuing(root, issuer, _hosts(issuer, args), now=now)
        own, done = _certify_hub(hub, issuer), "Replaced"
    else:
        renew_issuing(root, issuer, _hosts(issuer, args), now=now)
        done = "Renewed"
    hub.settle(issuer, now)
    facts = _issuing_facts(issuer)
    lines = _issuing_lines(issuer, done)
    if own is not None:
        facts["own_certificate"] = fingerprint(own)
        lines.append(
            f"  {hub.settings.server_name} has a new key and certificate; every other server joins "
            "again: sottovoce invite"
        )
    emit(args, facts, lines)
    return FINE


def _hosts(issuer: Issuer, args: argparse.Namespace) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*(args.host or issuer.names), *args.add_host)))


def _certify_hub(hub: HubHome, issuer: Issuer) -> "x509.Certificate | None":
    """Certify HUB's own server anew, when it is secured: its old certificate is void."""
    from sottovoce.server import is_secured
    from sottovoce.server.own_trust import certify_anew

    if not is_secured(hub.home):
        return None
    return certify_anew(hub.home, hub.settings, issuer, lifetime=hub.lifetime, now=utc_now())


#: What is printed as taken when a rollover was left.
_ABANDONED = "abandoned"

#: Step → what is true when it has been taken.
WORDS: Mapping[str, str] = {
    Step.MADE: "the new root is made, and HUB gives it out",
    Step.TRUSTED: "every server trusts the new root",
    Step.ISSUING: "HUB issues certificates under the new root",
    Step.RENEWED: "every server has a certificate under the new root",
    REMOVED: "the old root is removed",
}


def _rollover(args: argparse.Namespace) -> int:
    hub = hub_of(args)
    issuer = hub.issuer()
    under_way = issuer.folder.index().rollover
    if args.abandon and (args.show or args.name or args.step):
        raise WrongUsage("--abandon goes without --name, --step and --show.")
    if under_way is None and not (args.name or args.show or args.abandon):
        raise WrongUsage(
            "No rollover is under way.",
            hint="Begin one with --name NAME: what the new root is called.",
        )
    reports = _reports(hub)
    if args.show:
        return _show(args, issuer, reports, "")
    now = utc_now()
    plan = Plan(
        root=root_of(args),
        issuer=issuer,
        reports=reports,
        name=args.name or "",
        algorithm=KeyAlgorithm(args.key),
        now=now,
    )
    # What an interrupted step left undone is made up for first: the reports depend on it.
    hub.settle(issuer, now, gone=untrusted_roots(plan))
    if args.abandon:
        abandon(plan, connections=_standing(hub, issuer))
        taken = _ABANDONED
    else:
        taken = advance(plan, args.step)
    checked = hub.settle(issuer, now, gone=untrusted_roots(plan))
    return _show(args, issuer, _reports(hub), taken) if checked else WARNINGS


def _standing(hub: HubHome, issuer: Issuer) -> list[str]:
    """Return the connections that stand on a certificate under the new root, as HUB knows them."""
    from sottovoce.hub import open_report

    index = issuer.folder.index()
    if index.rollover is None:
        return []
    new_key = index.rollover.new_key
    marks = {item.fingerprint for item in index.certificates if item.issuer == new_key}
    own = hub.settings.server_name
    report = asyncio.run(
        open_report(hub.home.path, hub.hub, own_name=own, secured=True, clock=utc_now)
    )
    return [
        f"the connection {edge.caller.label} → {edge.called.label}"
        for edge in report.edges
        if edge.state == "secured"
        for shown in (edge.caller_certificate, edge.called_certificate)
        if shown is not None and shown.fingerprint in marks
    ]


def _reports(hub: HubHome) -> dict[str, Reported]:
    from sottovoce.server import read_plan
    from sottovoce.server.own_trust import reports

    plan = read_plan(hub.home.path, at=utc_now())
    return asyncio.run(reports(plan, clock=utc_now))


def _show(
    args: argparse.Namespace, issuer: Issuer, reports: Mapping[str, Reported], taken: str
) -> int:
    index = issuer.folder.index()
    rollover = index.rollover
    following = next_step(rollover) if rollover is not None else ""
    servers: dict[str, dict[str, bool]] = {}
    if rollover is not None:
        new = fingerprint(issuer.folder.files(rollover.new_root).certificates()[0])
        marks = index.signers[rollover.new_key]
        servers = {
            name: {"trusts": new in report.roots, "renewed": report.issuer in marks}
            for name, report in sorted(reports.items())
        }
    roots = [{"name": common_name(each), "fingerprint": fingerprint(each)} for each in issuer.roots]
    facts = {"taken": taken, "next": following, "roots": roots, "servers": servers}
    emit(args, facts, _plan_lines(issuer, following, taken, servers))
    return FINE


def _plan_lines(
    issuer: Issuer, following: str, taken: str, servers: Mapping[str, Mapping[str, bool]]
) -> list[str]:
    if not following:
        (root,) = issuer.roots
        if taken == _ABANDONED:
            return [
                f"The rollover is left; '{common_name(root)}' stays the installation's root.",
                f"  SHA-256 {fingerprint(root)}",
                "HUB gives the new root out no more; servers that take their trust from HUB drop",
                "it with their next heartbeat, and on others delete it from the trusted roots.",
                "The new root's key in its folder is of no use any more and may be destroyed.",
            ]
        if taken:
            return [
                f"The old root is removed; '{common_name(root)}' is the installation's root.",
                f"  SHA-256 {fingerprint(root)}",
                "The old root's key in its folder is of no use any more and may be destroyed.",
            ]
        return [f"No rollover is under way; the root is '{common_name(root)}'."]
    old, new = issuer.roots
    lines = [f"Replacing the root '{common_name(old)}' by '{common_name(new)}':"]
    at = STEPS.index(following)
    for number, step in enumerate(STEPS):
        mark = "√" if number < at else "→" if number == at else " "
        lines.append(f"  {mark} {step:8} {WORDS[step]}")
    lines += [
        f"    {name}: {'trusts' if is_so['trusts'] else 'does not trust'} the new root"
        f"{', has a certificate under it' if is_so['renewed'] else ''}"
        for name, is_so in servers.items()
    ]
    return lines


#: Verb → what it does.
ACTS: dict[str, Callable[[argparse.Namespace], int]] = {
    "create": _create,
    "issuing": _issuing,
    "rollover": _rollover,
}
