"""Fills in the parts of ``docs/`` that are made from the code, so that they are never out of date.

A page is written by hand; between ``<!-- made: NAME -->`` and ``<!-- end -->`` stands what the
maker of that name returns. With ``--check`` nothing is written: exit status 1 when a page differs.
"""

import argparse
import ast
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PART = re.compile(r"(<!-- made: ([a-z0-9-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
NUMBER = re.compile(r"\bW(\d{1,2})\b")
REQUIREMENTS = range(1, 21)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *cells]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def first_line(thing: object) -> str:
    """Return the first sentence of a docstring as one line of Markdown."""
    text = (thing.__doc__ or "").strip().split("\n\n")[0]
    return code(" ".join(text.split()))


def code(text: str) -> str:
    """Turn the markup of docstrings into Markdown's; references to design papers are left out."""
    text = re.sub(r" ?\((?:catalogue|DESIGN|SPEC|W\d)[^)]*\)", "", text)
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")


# Requirements and the tests that prove them.


@cache
def proofs() -> tuple[tuple[int, str, str], ...]:
    """Return (requirement, test file, test or nothing for the whole file), all of them."""
    return tuple(found())


def found() -> Iterator[tuple[int, str, str]]:
    """Yield them one by one."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        name = path.relative_to(ROOT).as_posix()
        module = ast.parse(path.read_text("utf-8"))
        for number in numbers(module):
            yield number, name, ""
        for node in module.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for number in numbers(node) if node.name.startswith("test_") else ():
                    yield number, name, node.name


def numbers(node: ast.Module | ast.FunctionDef | ast.AsyncFunctionDef) -> list[int]:
    """Return the requirements that a docstring names."""
    return sorted({int(digits) for digits in NUMBER.findall(ast.get_docstring(node) or "")})


def requirement(number: int) -> Callable[[], str]:
    """Return the maker of one requirement's list of tests."""

    def make() -> str:
        files: dict[str, list[str]] = {}
        for proved, file, test in proofs():
            if proved == number:
                files.setdefault(file, []).append(test)
        return "".join(proof_line(file, tests) for file, tests in files.items()) or "No test yet.\n"

    return make


def proof_line(file: str, tests: list[str]) -> str:
    """Return one file with its tests, the whole file first."""
    named = [f"`{test}`" for test in tests if test]
    whole = "the whole file" if "" in tests else ""
    return f"- `{file}`: {', '.join([*([whole] if whole else []), *named])}\n"


# INI files.


def keys_of(name: str) -> Callable[[], str]:
    """Return the maker of one key table."""

    def make() -> str:
        from sottovoce.hub import HUB_KEYS
        from sottovoce.lui import LUI_KEYS
        from sottovoce.policy import SSL_KEYS
        from sottovoce.server import SERVER_KEYS
        from sottovoce.trk import TRK_KEYS

        tables = {
            "server": SERVER_KEYS,
            "ssl": SSL_KEYS,
            "hub": HUB_KEYS,
            "lui": LUI_KEYS,
            "tracker": TRK_KEYS,
        }
        rows = []
        for key in tables[name]:
            default = f"`{key.default_text}`" if key.default_text else ""
            third = "required" if key.required else default
            rows.append((f"`{key.name}`", key.kind.label, third, code(key.help)))
        return table(("key", "value", "default", "meaning"), rows)

    return make


# The protocol.


def messages() -> str:
    """Return the messages by their numbers on the wire."""
    import typing

    from sottovoce.rpc import Message

    kinds = sorted(typing.get_args(Message), key=lambda kind: kind.__struct_config__.tag)
    rows = [
        (
            str(kind.__struct_config__.tag),
            f"`{kind.__name__}`",
            ", ".join(f"`{field}`" for field in kind.__struct_fields__),
            first_line(kind),
        )
        for kind in kinds
    ]
    return table(("number", "message", "items", "meaning"), rows)


def states() -> str:
    """Return the state diagram, drawn from the table of transitions."""
    from sottovoce.rpc import TRANSITIONS, State

    edges: dict[tuple[str, str], list[str]] = {}
    for (state, speaks, message), after in TRANSITIONS.items():
        edges.setdefault((state.value, after.value), []).append(f"{speaks}: {message.__name__}")
    lines = [f"    [*] --> {State.GREETING}", f"    [*] --> {State.WHY}: asks why"]
    lines.append(f"    [*] --> {State.JOIN}: wants to join")
    lines.append(f"    [*] --> {State.LISTS}: wants revocation lists")
    lines += [f"    {a} --> {b}: {'<br>'.join(said)}" for (a, b), said in edges.items()]
    lines.append(f"    {State.CLOSED} --> [*]")
    return "```mermaid\nstateDiagram-v2\n" + "\n".join(lines) + "\n```\n"


def calls() -> str:
    """Return every call that crosses between components."""
    from sottovoce.contracts import HubCalls, TrkCalls, calls_of

    rows = []
    for contract in (HubCalls, TrkCalls):
        for spec in calls_of(contract).values():
            roles = ", ".join(sorted(role.label for role in spec.roles))
            about = first_line(getattr(contract, spec.attribute))
            rows.append((f"`{spec.name}`", roles, f"{spec.deadline:g} s", about))
    return table(("call", "made by", "deadline", "meaning"), rows)


def limits() -> str:
    """Return the limits of a connection with what they bound."""
    from sottovoce.net import LIMITS, Limits

    about = re.findall(r"^ {8}(\w+): (.+?)$", Limits.__doc__ or "", re.MULTILINE)
    rows = [(name, f"{getattr(LIMITS, name):g}", code(text)) for name, text in about]
    return table(("limit", "value", "meaning"), rows)


# Commands.


def commands() -> str:
    """Return every command with its arguments, from the parsers themselves."""
    os.environ.pop("SOTTOVOCE_HOME", None)
    from sottovoce.cli import COMMANDS, build_parser

    parser = build_parser(list(COMMANDS.values()))
    parts = []
    for name, command in subparsers(parser).items():
        parts.append(described(command, f"## {name}", keytool() if name == "keytool" else ""))
        parts += [
            described(verb, f"### {name} {word}") for word, verb in subparsers(command).items()
        ]
    return "\n".join(parts)


def subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return a parser's commands in their order."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def described(parser: argparse.ArgumentParser, heading: str, more: str = "") -> str:
    """Return one command's section."""
    rows = []
    for action in parser._actions:
        unseen = action.help == argparse.SUPPRESS or action.nargs == argparse.REMAINDER
        if unseen or isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
            continue
        help_text = (action.help or "") % {**vars(action), "prog": parser.prog}
        needed = " (required)" if action.required and action.option_strings else ""
        rows.append((f"`{argument(action)}`", help_text + needed))
    about = f"{parser.description}\n\n" if parser.description else ""
    return f"{heading}\n\n{about}{table(('argument', 'meaning'), rows) if rows else ''}{more}"


def argument(action: argparse.Action) -> str:
    """Return how an argument is typed."""
    choices = "|".join(map(str, action.choices)) if action.choices else ""
    metavar = action.metavar if isinstance(action.metavar, str) else choices or action.dest.upper()
    value = "" if action.nargs == 0 else f" {metavar}"
    if not action.option_strings:
        return f"[{metavar}]" if action.nargs in {"?", "*"} else metavar
    return action.option_strings[-1] + value


def keytool() -> str:
    """Return keytool's usage texts, which are its own."""
    from sottovoce.keytool import VERBS, usage

    texts = [usage(), *(usage(verb) for verb in VERBS.values())]
    return "\n".join(f"```text\n{text.rstrip()}\n```\n" for text in texts)


# Errors.


def errors() -> str:
    """Return the tree of exceptions with their codes."""
    from sottovoce.errors import SottovoceError

    def rows(kind: type[SottovoceError], depth: int) -> Iterator[tuple[str, str, str]]:
        yield "· " * depth + f"`{kind.__name__}`", f"`{kind.code}`", first_line(kind)
        for child in kind.__subclasses__():
            if child.__module__ == "sottovoce.errors":
                yield from rows(child, depth + 1)

    return table(("exception", "code", "meaning"), rows(SottovoceError, 0))


MAKERS: dict[str, Callable[[], str]] = {
    **{f"w{number}": requirement(number) for number in REQUIREMENTS},
    **{f"keys-{name}": keys_of(name) for name in ("server", "ssl", "hub", "lui", "tracker")},
    "messages": messages,
    "states": states,
    "calls": calls,
    "limits": limits,
    "commands": commands,
    "errors": errors,
}


def filled(text: str) -> str:
    """Return a page with its made parts as they should be."""
    return PART.sub(lambda part: part[1] + MAKERS[part[2]]() + part[3], text)


def main() -> int:
    """Write the pages, or compare them; return the exit status."""
    check = sys.argv[1:] == ["--check"]
    stale = []
    for path in sorted((ROOT / "docs").rglob("*.md")):
        text = path.read_text("utf-8")
        wanted = filled(text)
        if wanted != text:
            stale.append(path.relative_to(ROOT).as_posix())
            if not check:
                path.write_text(wanted, "utf-8")
    if stale:
        print(f"{'out of date, run scripts/docs' if check else 'written'}: {', '.join(stale)}")
    return 1 if stale and check else 0


if __name__ == "__main__":
    sys.exit(main())
