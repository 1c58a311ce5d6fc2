"""Every code that the source text gives to a fault or an error is in the catalogue."""

import ast
from collections.abc import Iterator
from pathlib import Path

from sottovoce.diagnosis import entry_of

SOURCE = Path(__file__).resolve().parents[2] / "src" / "sottovoce"

#: ``code=`` that is no diagnosis, and why.
OTHER_CODES = {
    "allowed": "what the allowed list answers when it lets somebody in",
    "done": "the last word of a channel that ends in order",
    "cancelled": "the answer to a call that its caller no longer waits for",
}


def literals(value: ast.expr) -> Iterator[str]:
    """Yield the texts that an expression can be: itself, or either side of a choice."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from literals(value.body)
        yield from literals(value.orelse)


#: Calls that take a code by its place: what is said over a channel, and notes about keystores.
BY_PLACE = {"CallRefused": 0, "RemoteFault": 0, "Rejection": 1, "retire": 0, "note": 0}


def codes_in(tree: ast.Module) -> Iterator[str]:
    """Yield each text given as ``code``: to a call, or as a class attribute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "code":
            yield from literals(node.value)
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            place = BY_PLACE.get(called, len(node.args))
            yield from (code for given in node.args[place : place + 1] for code in literals(given))
        elif isinstance(node, ast.ClassDef):
            for line in node.body:
                if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "code":
                    yield from literals(line.value)


def test_every_code_in_the_source_text_has_an_entry() -> None:
    found = {
        code: path.relative_to(SOURCE)
        for path in SOURCE.rglob("*.py")
        for code in codes_in(ast.parse(path.read_text(encoding="utf-8")))
        if code
    }
    assert len(found) > 100
    unknown = {code: path for code, path in found.items() if entry_of(code) is None}
    assert {code: path for code, path in unknown.items() if code not in OTHER_CODES} == {}
