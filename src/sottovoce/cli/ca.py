"""``sottovoce ca``: its verbs and options; what they do is in ``ca_acts`` and ``ca_plan``.

Kept apart because every start of the command line builds this grammar. A password is never a word
on the command line (SPEC W20).
"""

import argparse
from pathlib import Path
from typing import Any

__all__ = ["COMPONENTS", "KEYS", "REASONS", "STEPS", "register", "run"]

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
STEPS = ("made", "trusted", "issuing", "renewed", "removed")

Verbs = Any  # argparse gives its sub-parsers' class no public name


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``ca`` and its verbs to the command line's *commands*."""
    parser = commands.add_parser(
        "ca",
        help="the installation's certificate authority: create, issuing, sign, list, revoke, crl, "
        "rollover",
        description="The installation's certificate authority: a root in a folder outside every "
        "server home (--dir), and the issuing authority below it in the home of HUB's server "
        "(--home).",
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    _create_parser(verbs)
    _issuing_parser(verbs)
    _sign_parser(verbs)
    _either(_verb(verbs, "list", "list every certificate that was issued"))
    _revoke_parser(verbs)
    _crl_parser(verbs)
    _rollover_parser(verbs)


def _verb(verbs: Verbs, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(
        name, help=text, description=f"{text[:1].upper()}{text[1:]}.", allow_abbrev=False
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)
    return parser


def _root(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument(
        "--dir", type=Path, required=required, metavar="ROOT", help="the folder of the root"
    )


def _hub(parser: argparse.ArgumentParser, *, required: bool, text: str) -> None:
    parser.add_argument("--home", type=Path, required=required, metavar="HUBHOME", help=text)


def _either(parser: argparse.ArgumentParser) -> None:
    _root(parser, required=False)
    _hub(parser, required=False, text="the home of HUB's server: its issuing authority is meant")


def _password(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument(
        "--password-file", type=Path, metavar="FILE", help=f"{text} (owner-only, one line)"
    )


def _days(parser: argparse.ArgumentParser, usual: str) -> None:
    parser.add_argument("--days", type=int, metavar="N", help=f"days of validity (default {usual})")


def _key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key",
        choices=KEYS,
        default=KEYS[0],
        metavar="KIND",
        help=f"kind of key: {', '.join(KEYS)} (default %(default)s)",
    )


def _hosts(parser: argparse.ArgumentParser, option: str, text: str) -> None:
    parser.add_argument(
        option, action="append", default=[], metavar="HOST", help=f"{text}; may be repeated"
    )


def _create_parser(verbs: Verbs) -> None:
    parser = _verb(verbs, "create", "make a root, and with --home an issuing authority below it")
    _root(parser, required=True)
    parser.add_argument("--name", required=True, help="what it is called, e.g. 'Example Mail CA'")
    _hub(parser, required=False, text="HUB's server: make its issuing authority as well")
    _hosts(
        parser,
        "--host",
        "a host name, or domain, that HUB may certify (default: HUB's server and those of LUI and "
        "TRK in hub.ini)",
    )
    _key(parser)
    _days(parser, "3650")
    _password(parser, "the password for its key")
    parser.add_argument(
        "--prompt",
        action="store_true",
        help="ask for the password; without this and --password-file one is generated into the "
        "folder, owner-only",
    )


def _issuing_parser(verbs: Verbs) -> None:
    parser = _verb(
        verbs, "issuing", "make HUB's issuing authority, renew its certificate, extend its names"
    )
    _root(parser, required=True)
    _hub(parser, required=True, text="the home of HUB's server")
    _hosts(parser, "--host", "a host name, or domain, that HUB may certify, instead of those now")
    _hosts(parser, "--add-host", "one more of them")
    parser.add_argument(
        "--new-key",
        action="store_true",
        help="after the issuing certificate was revoked: make a new key, and certify HUB's own "
        "server anew",
    )
    _password(parser, "the password of the root's key")


def _sign_parser(verbs: Verbs) -> None:
    parser = _verb(verbs, "sign", "sign a certificate request")
    _either(parser)
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
    _days(parser, "397")
    _password(parser, "the password of the authority's key")


def _revoke_parser(verbs: Verbs) -> None:
    parser = _verb(verbs, "revoke", "revoke a certificate, a server, or an issuing key")
    _either(parser)
    parser.add_argument(
        "serial",
        metavar="SERIAL",
        nargs="?",
        default="",
        help="its serial number, or how it begins",
    )
    parser.add_argument(
        "--server",
        metavar="HOST",
        help="every certificate in force for this name (with --home)",
    )
    parser.add_argument(
        "--issuing",
        action="store_true",
        help="HUB's issuing key, at the root (with --dir and --home): everything below it is "
        "refused from then on",
    )
    parser.add_argument(
        "--reason",
        default="unspecified",
        choices=REASONS,
        metavar="REASON",
        help=f"{', '.join(REASONS)} (default %(default)s)",
    )
    _password(parser, "the password of the root's key, for --issuing")


def _crl_parser(verbs: Verbs) -> None:
    parser = _verb(verbs, "crl", "sign a new revocation list")
    _either(parser)
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="where the list goes (PEM)"
    )
    _days(parser, "30; with --home 2")
    _password(parser, "the password of the authority's key")


def _rollover_parser(verbs: Verbs) -> None:
    parser = _verb(verbs, "rollover", "replace the root: say where that is, and take the next step")
    _root(parser, required=True)
    _hub(parser, required=True, text="the home of HUB's server")
    parser.add_argument(
        "--name", help="what the new root is called (default: the old name with a number)"
    )
    _key(parser)
    parser.add_argument(
        "--step",
        choices=STEPS,
        metavar="STEP",
        default="",
        help=f"take this step or none: {', '.join(STEPS)}",
    )
    parser.add_argument("--show", action="store_true", help="only say where it is")
    parser.add_argument(
        "--abandon",
        action="store_true",
        help="leave it and keep the old root, while no certificate under the new one is in use",
    )
    _password(parser, "the password of the root's key")


def run(args: argparse.Namespace) -> int:
    """Carry out the verb that *args* name.

    Returns:
        The exit status (DESIGN §7).

    Raises:
        SottovoceError: why it was not done.
    """
    from sottovoce.cli import ca_acts, ca_plan

    acts = {**ca_acts.ACTS, **ca_plan.ACTS}
    return acts[args.verb](args)
