"""The words of a keytool command line: which verbs there are and which options each takes.

Owns the table of verbs × options and the parsing; the grammar is that of the JDK's keytool, whose
help texts are the source of the table. It carries out nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from sottovoce.errors import WrongUsage
from sottovoce.ini import Secret

__all__ = ["VERBS", "Command", "Verb", "parse_command", "usage"]


class Takes(Enum):
    """What follows an option."""

    NOTHING = "nothing"
    VALUE = "value"
    PASSWORD = "password"  # noqa: S105 - a kind of option
    VALUES = "values"  # the option may be repeated
    REFUSED = "refused"  # known to the JDK, not offered here


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its name without the dash, what follows it, and one line of help."""

    name: str
    takes: Takes
    help: str
    value: str = ""

    def line(self) -> str:
        """Return the option's line in a usage text."""
        word = f"-{self.name} <{self.value}>" if self.value else f"-{self.name}"
        return f" {word:<24}{self.help}"


def _options(*options: Option) -> Mapping[str, Option]:
    return MappingProxyType({option.name: option for option in options})


_V, _N, _P = Takes.VALUE, Takes.NOTHING, Takes.PASSWORD

_ALL = _options(
    Option("alias", _V, "alias name of the entry to process", "alias"),
    Option("keyalg", _V, "key algorithm name: EC, RSA or Ed25519", "alg"),
    Option("keysize", _V, "key bit size", "size"),
    Option("groupname", _V, "name of the elliptic curve, such as secp256r1", "name"),
    Option("sigalg", _V, "signature algorithm name", "alg"),
    Option("dname", _V, "distinguished name", "name"),
    Option("startdate", _V, "start of validity: yyyy/mm/dd HH:MM:SS or +-nnn[ymdHMS]", "date"),
    Option("ext", Takes.VALUES, "X.509 extension, such as san=dns:hub.example.com", "value"),
    Option("validity", _V, "validity number of days", "days"),
    Option("keypass", _P, "key password", "arg"),
    Option("keystore", _V, "keystore name", "keystore"),
    Option("storepass", _P, "keystore password", "arg"),
    Option("storetype", _V, "keystore type: PKCS12, JKS or JCEKS", "type"),
    Option("v", _N, "verbose output"),
    Option("rfc", _N, "output in RFC style (PEM)"),
    Option("file", _V, "input or output file name", "file"),
    Option("infile", _V, "input file name", "file"),
    Option("outfile", _V, "output file name", "file"),
    Option("noprompt", _N, "do not prompt"),
    Option("trustcacerts", _N, "trust certificates from cacerts"),
    Option("cacerts", _N, "access the cacerts keystore of the server home"),
    Option("destalias", _V, "destination alias", "alias"),
    Option("new", _P, "new password", "arg"),
    Option("srckeystore", _V, "source keystore name", "keystore"),
    Option("destkeystore", _V, "destination keystore name", "keystore"),
    Option("srcstoretype", _V, "source keystore type", "type"),
    Option("deststoretype", _V, "destination keystore type", "type"),
    Option("srcstorepass", _P, "source keystore password", "arg"),
    Option("deststorepass", _P, "destination keystore password", "arg"),
    Option("srcalias", _V, "source alias", "alias"),
    Option("srckeypass", _P, "source key password", "arg"),
    Option("destkeypass", _P, "destination key password", "arg"),
)

_REFUSED = _options(
    *(
        Option(name, Takes.REFUSED, "")
        for name in (
            "protected",
            "srcprotected",
            "destprotected",
            "providername",
            "srcprovidername",
            "destprovidername",
            "addprovider",
            "providerclass",
            "providerarg",
            "providerpath",
            "signer",
            "signerkeypass",
            "sslserver",
            "jarfile",
            "conf",
        )
    )
)

_STORE = "keystore storepass storetype v"


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb: its name without the dash, one line of help, and the options it takes."""

    name: str
    help: str
    options: tuple[str, ...]
    writes: bool = False
    aliases: tuple[str, ...] = ()


def _verb(
    name: str, help_: str, options: str, *, writes: bool = False, aliases: tuple[str, ...] = ()
) -> Verb:
    return Verb(name, help_, tuple(options.split()), writes, aliases)


VERBS: Mapping[str, Verb] = MappingProxyType(
    {
        verb.name: verb
        for verb in (
            _verb(
                "genkeypair",
                "Generates a key pair",
                "alias keyalg keysize groupname sigalg dname startdate ext validity keypass "
                f"{_STORE}",
                writes=True,
                aliases=("genkey",),
            ),
            _verb(
                "certreq",
                "Generates a certificate request",
                f"alias sigalg file keypass dname ext {_STORE}",
            ),
            _verb(
                "gencert",
                "Generates certificate from a certificate request",
                "rfc infile outfile alias sigalg dname startdate ext validity keypass " + _STORE,
            ),
            _verb(
                "importcert",
                "Imports a certificate or a certificate chain",
                f"noprompt trustcacerts alias file keypass cacerts {_STORE}",
                writes=True,
                aliases=("import",),
            ),
            _verb(
                "exportcert",
                "Exports certificate",
                f"rfc alias file cacerts {_STORE}",
                aliases=("export",),
            ),
            _verb("list", "Lists entries in a keystore", f"rfc alias cacerts {_STORE}"),
            _verb("printcert", "Prints the content of a certificate", f"rfc file {_STORE}"),
            _verb("printcertreq", "Prints the content of a certificate request", "file v"),
            _verb("printcrl", "Prints the content of a CRL file", f"file {_STORE}"),
            _verb("delete", "Deletes an entry", f"alias cacerts {_STORE}", writes=True),
            _verb(
                "changealias",
                "Changes an entry's alias",
                f"alias destalias keypass cacerts {_STORE}",
                writes=True,
            ),
            _verb(
                "storepasswd",
                "Changes the store password of a keystore",
                f"new cacerts {_STORE}",
                writes=True,
            ),
            _verb(
                "keypasswd",
                "Changes the key password of an entry",
                f"alias keypass new {_STORE}",
                writes=True,
            ),
            _verb(
                "importkeystore",
                "Imports one or all entries from another keystore",
                "srckeystore destkeystore srcstoretype deststoretype srcstorepass deststorepass "
                "srcalias destalias srckeypass destkeypass noprompt v",
                writes=True,
            ),
        )
    }
)

_BY_WORD = {word: verb for verb in VERBS.values() for word in (verb.name, *verb.aliases)}


@dataclass(frozen=True, slots=True)
class PasswordSource:
    """Where a password comes from: the word itself, a variable, or a file's first line."""

    kind: str
    value: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A keytool command line, understood.

    Args:
        verb: the verb, under its present name (``genkeypair``, never ``genkey``).
        values: option → value, for options with one value.
        flags: the options without a value that were given.
        extensions: the values of ``-ext``, in order.
        passwords: option → where the password comes from.
        help: True when only the usage is asked for.
    """

    verb: Verb
    values: Mapping[str, str] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    extensions: tuple[str, ...] = ()
    passwords: Mapping[str, PasswordSource] = field(default_factory=dict)
    help: bool = False

    def value(self, option: str) -> str | None:
        """Return the value of *option*, or None when it was not given."""
        return self.values.get(option)

    @property
    def store(self) -> str | None:
        """The option value that names the store this command is about, if it was given."""
        return self.values.get("destkeystore" if self.verb.name == "importkeystore" else "keystore")


def usage(verb: Verb | None = None) -> str:
    """Return the usage of *verb*, or of the whole command when it is None."""
    if verb is None:
        lines = ["Key and Certificate Management Tool", "", "Commands:", ""]
        lines += [f" -{each.name:<19}{each.help}" for each in VERBS.values()]
        lines += ["", 'Use "sottovoce keytool -VERB --help" for the options of a verb.']
        return "\n".join(lines) + "\n"
    lines = [f"sottovoce keytool -{verb.name} [OPTION]...", "", verb.help, "", "Options:", ""]
    lines += [_ALL[name].line() for name in verb.options]
    lines.append("")
    lines.append("A password option also takes :env NAME and :file PATH (-storepass:file PATH).")
    return "\n".join(lines) + "\n"


def parse_command(argv: Sequence[str]) -> Command:
    """Understand the words of a keytool command line.

    Args:
        argv: the words after ``keytool``; the verb may stand anywhere among them, as the JDK
            allows, and is usually the first.

    Raises:
        WrongUsage: no verb, two verbs, an unknown option, or an option without its value; the
            message carries the usage.
    """
    words = list(argv)
    at = next(
        (i for i, word in enumerate(words) if word[:1] == "-" and _word(word) in _BY_WORD), None
    )
    if at is None:
        first = next((word for word in words if word.startswith("-")), None)
        if first is None or _word(first) in ("help", "h", "?"):
            raise WrongUsage("Which verb?", hint=usage())
        raise WrongUsage(f"Illegal option: {first}", hint=f"\n{usage()}")
    verb = _BY_WORD[_word(words.pop(at))]
    return _Parser(verb, words).parse()


def _word(word: str) -> str:
    return word.lstrip("-").lower()


class _Parser:
    def __init__(self, verb: Verb, words: list[str]) -> None:
        self.verb = verb
        self.words = words
        self.values: dict[str, str] = {}
        self.flags: set[str] = set()
        self.extensions: list[str] = []
        self.passwords: dict[str, PasswordSource] = {}

    def wrong(self, message: str) -> WrongUsage:
        return WrongUsage(message, hint=f"\n{usage(self.verb)}")

    def parse(self) -> Command:
        rest = iter(self.words)
        for word in rest:
            if _word(word) in ("help", "h", "?"):
                return Command(verb=self.verb, help=True)
            self._option(word, rest)
        return Command(
            verb=self.verb,
            values=MappingProxyType(self.values),
            flags=frozenset(self.flags),
            extensions=tuple(self.extensions),
            passwords=MappingProxyType(self.passwords),
        )

    def _option(self, word: str, rest: Iterator[str]) -> None:
        if not word.startswith("-"):
            raise self.wrong(f"Illegal option: {word}")
        name, _, modifier = word[1:].lower().partition(":")
        if name in _REFUSED:
            raise self.wrong(
                f"The option -{name} of the JDK's keytool is not supported here: there are no "
                "providers, tokens or connections, only files."
            )
        option = _ALL.get(name)
        if option is None or name not in self.verb.options:
            raise self.wrong(f"Illegal option:  {word}")
        if option.takes is Takes.NOTHING:
            self.flags.add(name)
            return
        value = next(rest, None)
        if value is None:
            raise self.wrong(f"Command option {word} needs an argument.")
        self._store(option, modifier, value)

    def _store(self, option: Option, modifier: str, value: str) -> None:
        if option.takes is Takes.PASSWORD:
            if modifier not in ("", "env", "file"):
                raise self.wrong(f"A password comes by :env or :file, not by :{modifier}.")
            self.passwords[option.name] = PasswordSource(modifier, Secret(value))
        elif modifier:
            raise self.wrong(f"The option -{option.name} takes no :{modifier}.")
        elif option.takes is Takes.VALUES:
            self.extensions.append(value)
        elif option.name in self.values and self.values[option.name] != value:
            raise self.wrong(f"The option -{option.name} is given twice, with different values.")
        else:
            self.values[option.name] = value
