"""``sottovoce ca``: its verbs and options; what they do is in ``ca_acts``.

Kept apart because every start of the command line builds this grammar. A password is never a word
on the command line (SPEC W20).
"""

import argparse
from pathlib import Path
from typing import Any

__all__ = ["COMPONENTS", "KEYS", "REASONS", "register", "run"]

#: The words of the options (a test compares them with the types that they stand for).
KEYS = ("ec-p256", "ec-p384", "rsa-2048", "rsa-3072", "rsa-4096", "ed25519")
COMPONENTS = ("hub", "lui", "trk")
REASONS = (
    "unspecified",
    "keyCompromise",
    "cACompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "certificateHold",
    "privilegeWithdrawn",
    "aACompromise",
)

Verbs = Any  # argparse gives its sub-parsers' class no public name


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``ca`` and its verbs to the command line's *commands*."""
    parser = commands.add_parser(
        "ca",
        help="a small certificate authority: create, sign, list, revoke, crl",
        description="A small certificate authority in a folder of its own.",
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    _create_parser(verbs)
    _sign_parser(verbs)
    _verb(verbs, "list", "list every certificate that was issued")
    _revoke_parser(verbs)
    _crl_parser(verbs)


def _verb(verbs: Verbs, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(
        name, help=text, description=f"{text[:1].upper()}{text[1:]}.", allow_abbrev=False
    )
    parser.add_argument(
        "--dir", type=Path, required=True, metavar="DIR", help="the authority's folder"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)
    return parser


def _password(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument(
        "--password-file", type=Path, metavar="FILE", help=f"{text} (owner-only, one line)"
    )


def _days(parser: argparse.ArgumentParser, usual: int) -> None:
    parser.add_argument("--days", type=int, metavar="N", help=f"days of validity (default {usual})")


def _create_parser(verbs: Verbs) -> None:
    parser = _verb(verbs, "create", "make a certificate authority")
    parser.add_argument("--name", required=True, help="what it is called, e.g. 'Example Mail CA'")
    parser.add_argument(
        "--key",
        choices=KEYS,
        default=KEYS[0],
        metavar="KIND",
        help=f"kind of key: {', '.join(KEYS)} (default %(default)s)",
    )
    _days(parser, 3650)
    _password(parser, "the password for its key")
    parser.add_argument(
        "--prompt",
        action="store_true",
        help="ask for the password; without this and --password-file one is generated into the "
        "folder, owner-only",
    )


def _sign_parser(verbs: Verbs) -> None:
    parser = _verb(verbs, "sign", "sign a certificate request")
    parser.add_argument("--request", type=Path, required=True, metavar="FILE", help="the request")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="where the reply goes (PEM chain)"
    )
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="DNS",
        dest="names",
        help="a DNS name or address to certify instead of those in the request; may be repeated",
    )
    parser.add_argument(
        "--component",
        action="append",
        default=[],
        choices=COMPONENTS,
        metavar="NAME",
        dest="components",
        help=f"a component that the server may be: {', '.join(COMPONENTS)}; may be repeated",
    )
    _days(parser, 397)
    _password(parser, "the password of the authority's key")


def _revoke_parser(verbs: Verbs) -> None:
    parser = _verb(verbs, "revoke", "revoke a certificate")
    parser.add_argument("serial", metavar="SERIAL", help="its serial number, or how it begins")
    parser.add_argument(
        "--reason",
        default="unspecified",
        choices=REASONS,
        metavar="REASON",
        help=f"{', '.join(REASONS)} (default %(default)s)",
    )


def _crl_parser(verbs: Verbs) -> None:
    parser = _verb(verbs, "crl", "sign a new revocation list")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="where the list goes (PEM)"
    )
    _days(parser, 30)
    _password(parser, "the password of the authority's key")


def run(args: argparse.Namespace) -> int:
    """Carry out the verb that *args* name.

    Returns:
        The exit status (DESIGN §7).

    Raises:
        SottovoceError: why it was not done.
    """
    from sottovoce.cli import ca_acts
    from sottovoce.hub.authority import AuthorityFolder

    return ca_acts.ACTS[args.verb](args, AuthorityFolder(args.dir))
