"""``sottovoce acme``: a certificate from an authority that speaks ACME, put where it is used."""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sottovoce.cli.options import add_home, home_of
from sottovoce.errors import IssuanceError, KeystoreError, WrongUsage

if TYPE_CHECKING:
    from sottovoce.server.outside import Order, Place, Use
    from sottovoce.server.outside.issuing import Issued

__all__ = ["register", "run"]

_USES = ("web", "internal")


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``acme`` to the commands."""
    parser = commands.add_parser(
        "acme",
        help="get a certificate from an authority that speaks ACME, or renew it",
        description="Get a certificate from an authority that speaks ACME (RFC 8555), with a new "
        "key, and put it into the keystore in use: for the tracker's pages, or for the traffic "
        "between the servers where the authority gives both purposes. The proof is http-01, shown "
        "while the command runs. What was ordered is kept: later --renew-if-due alone is enough.",
        allow_abbrev=False,
    )
    add_home(parser)
    parser.add_argument("--directory", metavar="URL", help="the authority's ACME directory")
    parser.add_argument(
        "--contact",
        action="append",
        default=[],
        metavar="MAIL",
        help="where the authority writes to; may be repeated",
    )
    parser.add_argument(
        "--for",
        dest="use",
        choices=_USES,
        help="web: WebKeystorePath of tracker.ini; internal: SSLKeystorePath of ssl.ini "
        "(default: web; with --renew-if-due: all that were ordered)",
    )
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="HOST",
        help="for which it is (default: that of PublicUrl, or ServerName); may be repeated",
    )
    parser.add_argument(
        "--agree-terms", action="store_true", help="agree to the authority's terms of service"
    )
    _add_places(parser)
    parser.add_argument(
        "--renew-if-due",
        action="store_true",
        help="do nothing while more than a third of the certificate's life is left",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def _add_places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port", type=int, metavar="N", help="where the proof is shown (default 80)"
    )
    parser.add_argument(
        "--address", metavar="IP", help="on which address (default 0.0.0.0; :: for IPv6)"
    )
    parser.add_argument(
        "--ca-file",
        type=Path,
        metavar="FILE",
        help="the roots by which the directory itself is verified (PEM; default: the system's)",
    )
    parser.add_argument(
        "--eab-key-id", metavar="ID", help="the account outside of ACME, where one is wanted"
    )
    parser.add_argument(
        "--eab-key-file", type=Path, metavar="FILE", help="its key (owner-only, base64url)"
    )


def run(args: argparse.Namespace) -> int:
    """Order, or renew what is due; return the exit status.

    Raises:
        WrongUsage: what is wanted is not clear.
        IssuanceError: the authority declined.
    """
    from sottovoce.server import Home
    from sottovoce.server.outside import Use

    home = Home(home_of(args))
    if args.use is not None:
        uses = [Use(args.use)]
    else:
        uses = list(Use) if args.renew_if_due and not args.directory else [Use.WEB]
    done = [_one(home, use, args) for use in uses]
    found = [each for each in done if each is not None]
    if not found:
        raise WrongUsage("Nothing was ordered yet.", hint="Order once, with --directory URL.")
    if args.json:
        print(json.dumps({"certificates": [fields for fields, _ in found]}))
    else:
        print("\n".join(line for _, line in found))
    return 0


Told = tuple[dict[str, Any], str]


def _one(home: Any, use: "Use", args: argparse.Namespace) -> Told | None:
    """Do one order; return what to print, None when there is no such order."""
    from sottovoce.net import utc_now
    from sottovoce.server.outside import place_of, read_order
    from sottovoce.server.outside.issuing import is_due, issue

    kept = read_order(home, use)
    if kept is None and args.directory is None:
        if args.use is None:
            return None
        raise WrongUsage(
            f"Nothing was ordered for {use} yet, so it must be said where.",
            hint="Give --directory URL and --contact MAIL.",
        )
    place = place_of(home, use)
    order = _order(args, kept, place)
    if args.renew_if_due and not is_due(place, order, utc_now()):
        entry = place.current(order.names[0])
        assert entry is not None
        until = entry.chain[0].not_valid_after_utc
        fields = _fields(use, order, place.keystore, until.isoformat(), renewed=False)
        return fields, f"Not due: the certificate for {use} lasts until {until:%Y-%m-%d %H:%M} UTC."
    try:
        issued = issue(place, order, clock=utc_now, agreed=args.agree_terms)
    except ModuleNotFoundError as error:
        raise _not_installed(error) from error
    except OSError as error:
        raise _unwritable(place, error) from error
    if issued.terms and not args.json:
        print(f"The authority's terms of service: {issued.terms}", file=sys.stderr)
    fields = _fields(use, order, issued.keystore, issued.until.isoformat(), renewed=True)
    fields |= {"alias": issued.alias, "issuer": issued.issuer}
    return fields, _line(issued, order, use)


def _order(args: argparse.Namespace, kept: "Order | None", place: "Place") -> "Order":
    """Return the order: what the words say, else what is kept."""
    from sottovoce.server.outside import Order

    def chosen(given: Any, name: str, usual: Any) -> Any:
        if given:
            return given
        return usual if kept is None else getattr(kept, name)

    if (args.eab_key_id is None) != (args.eab_key_file is None):
        raise WrongUsage("--eab-key-id and --eab-key-file go together.")
    if args.port is not None and not 0 < args.port < 65536:
        raise WrongUsage(f"--port {args.port} is no port.")
    return Order(
        directory=chosen(args.directory, "directory", ""),
        names=chosen(tuple(dict.fromkeys(args.name)), "names", (place.name,)),
        contact=chosen(tuple(args.contact), "contact", ()),
        address=chosen(args.address, "address", "0.0.0.0"),  # noqa: S104 - asked from outside
        port=chosen(args.port, "port", 80),
        ca_file=chosen(_absolute(args.ca_file), "ca_file", ""),
        eab_key_id=chosen(args.eab_key_id, "eab_key_id", ""),
        eab_key_file=chosen(_absolute(args.eab_key_file), "eab_key_file", ""),
    )


def _absolute(path: Path | None) -> str:
    return str(path.absolute()) if path is not None else ""


def _fields(
    use: "Use", order: "Order", keystore: Path, until: str, *, renewed: bool
) -> dict[str, Any]:
    return {
        "for": str(use),
        "names": list(order.names),
        "keystore": str(keystore),
        "until": until,
        "renewed": renewed,
    }


def _line(issued: "Issued", order: "Order", use: "Use") -> str:
    where = f"{issued.keystore} (alias {issued.alias}, with a new key)"
    what = f"A certificate for {_listed(order.names)}, until {issued.until:%Y-%m-%d %H:%M} UTC"
    return f"{what}, by '{issued.issuer}', is in {where}, for {use}."


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _not_installed(error: ModuleNotFoundError) -> IssuanceError:
    if error.name not in {"acme", "josepy", "requests"}:
        raise error
    return IssuanceError(
        "The library that speaks ACME is not installed.",
        code="acme-not-installed",
        hint="Install sottovoce with it: pip install 'sottovoce[acme]'",
    )


def _unwritable(place: "Place", error: OSError) -> KeystoreError:
    return KeystoreError(
        f"{error.filename or place.keystore} cannot be written: {error.strerror}. The old "
        "certificate stays.",
        hint=f"Let this user write to {place.keystore.parent} and to the home's conf.",
        code="file-unwritable",
    )
