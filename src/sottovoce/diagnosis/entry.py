"""The words of the catalogue: an entry, the texts that point to it, and a diagnosis.

This module owns the shapes and the filling-in of a template. It knows no single entry, matches no
text and prints nothing.
"""

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = [
    "Alert",
    "Diagnosis",
    "Entry",
    "Says",
    "Severity",
    "Side",
    "When",
    "clean",
    "fields_of",
    "fill",
    "veiled",
]


class Severity(enum.Enum):
    """How bad it is."""

    #: Something was or will be refused.
    FAULT = "fault"
    #: Works today; will be refused by somebody, some day.
    WARNING = "warning"
    #: To be known; nothing to mend.
    NOTICE = "notice"


class Side(enum.Enum):
    """Who can mend it, seen from the server that found the fault."""

    OWN = "own"
    PEER = "peer"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Says:
    """A text by which some program reports this cause.

    Args:
        text: literal words; ``{}`` stands for anything on the same line (at most
            :data:`~sottovoce.diagnosis.matching.GAP` characters), ``{name}`` keeps it as a field
            of the message, ``{name:address}`` does so if it is an IP address. Case, underscores,
            runs of blanks and the kind of quotation marks do not count.
        weight: 0..1, how sure this cause is once the text has been seen.
        by: the program that speaks: ``openssl``, ``python``, ``java``, ``go``, …
        refused: whether it is the refused side that says so, as an alert does.
    """

    text: str
    weight: float = 0.9
    by: str = "any"
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Alert:
    """A TLS alert that a refusing side sends for this cause (failure catalogue, B.0).

    Args:
        sent_by: the library that refused: ``openssl``, ``java`` or ``go``.
        name: RFC 8446 §6 name with underscores.
        weight: 0..1, the share of this cause among those that send the same alert.
    """

    sent_by: str
    name: str
    weight: float


@dataclass(frozen=True, slots=True)
class When:
    """A circumstance that makes this cause more or less likely.

    Args:
        field: the name of a context field, see :data:`~sottovoce.diagnosis.CONTEXT_FIELDS`.
        value: its value; compared without regard to case.
        factor: above 1 raises the likelihood, below 1 lowers it, 0 rules the cause out.
    """

    field: str
    value: str
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One cause, with everything that there is to say about it.

    Args:
        code: stable, kebab-case.
        title: a few words for a heading.
        message: template, see :func:`fill`: what could not happen, why, with both values.
        next_step: template: the one next step.
        rows: ids of the failure catalogue that this entry covers.
        severity: how bad it is.
        side: who can mend it, seen from the server that found it.
        says: texts that point here.
        alerts: alerts that point here.
        verify_codes: OpenSSL's numbers (``X509_V_ERR_…``) for it.
        when: circumstances that raise or lower the likelihood.
        symptom: whether other causes bring it about, so that it seldom is what to begin with.
        apart: how to tell it from the causes that share its text; empty where none does.
    """

    code: str
    title: str
    message: str
    next_step: str
    rows: tuple[str, ...] = ()
    severity: Severity = Severity.FAULT
    side: Side = Side.OWN
    says: tuple[Says, ...] = ()
    alerts: tuple[Alert, ...] = ()
    verify_codes: tuple[int, ...] = ()
    when: tuple[When, ...] = ()
    symptom: bool = False
    apart: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """A cause as found in one case: sentences with the values filled in.

    Args:
        code: the key of the catalogue.
        title: a few words for a heading.
        message: what could not happen and why.
        next_step: the one next step.
        severity: how bad it is.
        side: who can mend it, seen from the reader's server.
        rows: ids of the failure catalogue.
        likelihood: 0..1.
        evidence: what it was concluded from, one bounded line each.
        apart: how to tell it from other causes with the same text; may be empty.
    """

    code: str
    title: str
    message: str
    next_step: str
    severity: Severity
    side: Side
    rows: tuple[str, ...]
    likelihood: float
    evidence: tuple[str, ...] = ()
    apart: str = ""

    def __str__(self) -> str:
        text = f"{self.code}: {self.message}"
        return f"{text} {self.next_step}" if self.next_step else text


#: What a template says for a field that is not known and has no wording of its own.
ABSENT: Mapping[str, str] = {
    "alias": "the alias",
    "expected": "the expected value",
    "file": "the file",
    "key": "the entry",
    "line": "?",
    "own": "this server",
    "peer": "the other server",
    "port": "the port",
    "presented": "another value",
    "why": "no further detail is known",
}

#: The longest value that a template takes, in characters; longer ones are cut.
VALUE_LIMIT = 400

_FIELD = re.compile(r"( ?)('?)\{([a-z_]+)(?:\|([^{}]*))?\}\2")
#: How a value stands in a sentence, where it does not stand alone.
_WORDED: Mapping[str, str] = {"port": "port {}"}
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")
_GUARDED = r"(?:password|passphrase|passwd|storepass|keypass|secret|token|ticket|set.?up.?code)"
#: What is kept, then what is not: a value after such a key, to the end of the line that the key
#: begins; after an option of a command; in an address; in a tracking link; a set-up code.
_SECRETS = (
    re.compile(rf"(?im)(^[ \t]*[\w.]*{_GUARDED}[\"']?[ \t]*[=:][ \t]*)((?!…(?:\s|$))\S.*)"),
    re.compile(rf"(?i)({_GUARDED}[\"']?\s?[=:]\s?)(\"[^\"]*\"|'[^']*'|(?!…(?:\s|$))\S+)"),
    re.compile(r"(?i)(-(?:src|dest)?(?:storepass|keypass|passin|passout|new) )(\S+)"),
    re.compile(r"(://[^\s:/@]{1,100}:)([^\s@/]{1,200})(?=@)"),
    re.compile(r"(/[ocup]/)([\w-]{44})"),
    re.compile(r"()(\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){4}\b)"),
)
#: A line of an INI file with a blank between key and value; in a sentence of ours those are words.
_BLANK_SEPARATED = re.compile(r"(\b[A-Z]\w*Password[ \t]+)([^\s=:•].*)")
_WORD = re.compile(r"[\w+/=~-]{16,}")
_SWITCH = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")


def veiled(text: str) -> str:
    """Return a text without the words that may be a key or a password: those that look drawn.

    Args:
        text: from outside, about to be repeated.

    Returns:
        the same with ``•••`` for long words that switch often between letters and digits.
    """
    return _WORD.sub(lambda word: "•••" if len(_SWITCH.findall(word[0])) >= 4 else word[0], text)


def clean(text: str, *, limit: int = VALUE_LIMIT, ours: bool = False) -> str:
    """Return one bounded printable line: no control characters, no value of a password.

    Args:
        text: anything, also hostile.
        limit: the longest result, in characters.
        ours: whether the sentence was written in this program: then what follows the name of a
            password in it is said of it (“SSLKeystorePassword is missing”).

    Returns:
        the text with control and direction characters as blanks, values that follow ``password=``
        and the like as ``•••``, cut with ``…`` where it was too long.
    """
    line = text[: limit * 4]
    for secret in _SECRETS if ours else (*_SECRETS, _BLANK_SEPARATED):
        line = secret.sub(r"\1•••", line)
    line = _UNPRINTABLE.sub(" ", line).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def fields_of(template: str) -> tuple[str, ...]:
    """Return the names of the fields of a template, in order of first appearance."""
    return tuple(dict.fromkeys(found.group(3) for found in _FIELD.finditer(template)))


def fill(
    template: str, facts: Mapping[str, str], *, words: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Fill in a template.

    Args:
        template: text with ``{field}`` or ``{field|wording when it is not known}``; quotation marks
            around a field are the value's, and go where it is not known.
        facts: what is known; empty values count as not known.
        words: wordings that go before :data:`ABSENT`.

    Returns:
        the sentence, its first letter upper case unless it is a value's; a field without a value
        and with an empty wording leaves no blank behind. A port is called one: “port 1099”.
    """

    def value(found: re.Match[str]) -> str:
        blank, quote, name, wording = found.groups()
        known = clean(facts.get(name, ""))
        if known:
            known = quote + _WORDED.get(name, "{}").replace("{}", known) + quote
        else:
            known = words.get(name, ABSENT.get(name, name)) if wording is None else wording
        if template[found.end() :].startswith(".") and known.endswith("."):
            known = known[:-1]  # a sentence within a sentence
        return blank + known if known else ""

    text = _FIELD.sub(value, template)
    start = _FIELD.match(template)
    if start is not None and (start.group(3) in _WORDED or not facts.get(start.group(3))):
        text = text[:1].upper() + text[1:]
    return text
