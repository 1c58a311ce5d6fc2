"""The documentation page of each code: its head from the catalogue, its body by hand.

This module owns the layout of ``docs/reference/diagnoses``. It reads and writes no file.
"""

import re
from collections.abc import Iterable

from sottovoce.diagnosis.catalogue import CATALOGUE, FAMILIES
from sottovoce.diagnosis.entry import Entry, Says, Side, fill

__all__ = ["BODY", "END", "body_of", "head", "index", "page"]

#: Between these two lines stands what is written by hand.
BODY = "<!-- body: written by hand -->"
END = "<!-- end of body -->"

_GAP = re.compile(r"\{[a-z_:]*\}")
_GENERATED = "<!-- head: made from sottovoce.diagnosis by scripts/diagnosis-pages -->"

_MENDERS = {
    Side.OWN: "this server",
    Side.PEER: "the other server",
    Side.BOTH: "either server: look at both",
}

#: What an alert list says of its sender.
_LIBRARIES = {"openssl": "OpenSSL (and this program)", "java": "Java", "go": "Go"}


def _code(text: str) -> str:
    return f"``{text}``" if "`" in text else f"`{text}`"


def _strings(says: Iterable[Says]) -> list[str]:
    return [
        f"- {_code(_GAP.sub('…', one.text))}" + ("" if one.by == "any" else f" ({one.by})")
        for one in says
    ]


def _seen(entry: Entry) -> list[str]:
    lines = _strings(entry.says)
    for name in dict.fromkeys(alert.name for alert in entry.alerts):
        senders = [alert.sent_by for alert in entry.alerts if alert.name == name]
        by = ", ".join(_LIBRARIES.get(sender, sender) for sender in dict.fromkeys(senders))
        lines.append(f"- the TLS alert `{name}`, sent by {by}")
    if entry.verify_codes:
        numbers = ", ".join(map(str, entry.verify_codes))
        lines.append(f"- OpenSSL's verify code {numbers}")
    return lines


def head(entry: Entry) -> str:
    """Return the generated head of a page, without a line end at the end."""
    rows = ", ".join(entry.rows) or "none of its own"
    lines = [
        _GENERATED,
        f"# {entry.code}",
        "",
        f"**{entry.title}**",
        "",
        "| | |",
        "|---|---|",
        f"| severity | {entry.severity.value} |",
        f"| who can mend it | {_MENDERS[entry.side]} |",
        f"| rows of the failure catalogue | {rows} |",
        "",
        f"> {fill(entry.message, {})}",
        ">",
        f"> **Next:** {fill(entry.next_step, {})}",
    ]
    seen = _seen(entry)
    if seen:
        lines += ["", "Texts that point here:", "", *seen]
    if entry.apart:
        lines += ["", f"To tell it from other causes with the same text: {entry.apart}"]
    return "\n".join(lines)


def body_of(text: str) -> str:
    """Return what is written by hand in a page; empty when there is nothing.

    Args:
        text: the page.
    """
    _, begins, rest = text.partition(BODY)
    body, ends, _ = rest.partition(END)
    return body.strip() if begins and ends else ""


def page(entry: Entry, body: str) -> str:
    """Return a whole page.

    Args:
        entry: the entry.
        body: what is written by hand.
    """
    return f"{head(entry)}\n\n{BODY}\n\n{body.strip()}\n\n{END}\n"


def index() -> str:
    """Return the list of all pages by family."""
    lines = [
        _GENERATED,
        "# Diagnoses",
        "",
        "Every failure that this program names has a code, and every code has a page.",
        "`sottovoce explain CODE` shows the same on a terminal, `sottovoce explain TEXT` finds the",
        "code of any error text.",
    ]
    for family, entries in FAMILIES.items():
        lines += ["", f"## {family.capitalize()}", "", "| code | what it is |", "|---|---|"]
        lines += [f"| [{one.code}]({one.code}.md) | {one.title} |" for one in entries]
    assert sum(len(entries) for entries in FAMILIES.values()) == len(CATALOGUE)
    return "\n".join(lines) + "\n"
