"""The notebook: one broken check hides no other, and every fault of one is told."""

from itertools import count

from sottovoce.diagnosis import Finding, Status
from sottovoce.errors import Fault, KeystoreError, SettingsError
from sottovoce.server.checking import Notebook
from sottovoce.server.home import Faults


def notebook() -> Notebook:
    ticks = count()
    made = Notebook(monotonic=lambda: float(next(ticks)))
    made.group = "Some"
    return made


def statuses(book: Notebook) -> list[tuple[str, str]]:
    return [(each.status.value, each.anchor) for each in book.findings]


def test_a_check_that_finds_nothing_says_its_sentence_and_how_long_it_took() -> None:
    book = notebook()
    assert book.look("a-check", lambda _: 5, fine=lambda value: f"It is {value}.") == 5
    [found] = book.findings
    assert (found.message, found.status, found.seconds) == ("It is 5.", Status.FINE, 1.0)


def test_every_fault_and_warning_of_a_check_is_told_and_its_value_goes_on() -> None:
    def read(faults: Faults) -> str:
        faults.found.append(Fault(code="name-mismatch", why="A."))
        faults.warnings.append(Fault(code="strict-profile", why="B."))
        return "value"

    book = notebook()
    assert book.look("a-check", read, fine=str) == "value"
    assert statuses(book) == [("fault", "name-mismatch"), ("warning", "strict-profile")]
    assert book.is_faulty


def test_errors_of_ours_are_faults() -> None:
    def settings(_: Faults) -> str:
        raise SettingsError(
            [Fault(code="ini-bad-value", why="A."), Fault(code="revoked", why="B.")]
        )

    def keystore(_: Faults) -> str:
        raise KeystoreError("No.", code="keystore-no-key", hint="Do.")

    book = notebook()
    assert book.look("one", settings, fine=str) is None
    assert book.look("two", keystore, fine=str) is None
    assert [anchor for _, anchor in statuses(book)] == [
        "ini-bad-value",
        "revoked",
        "keystore-no-key",
    ]


def test_an_error_that_nobody_expected_is_not_told_and_nothing_of_it_is_shown() -> None:
    def broken(_: Faults) -> str:
        raise ZeroDivisionError("password=hunter2")

    book = notebook()
    assert book.look("one", broken, fine=str) is None
    [found] = book.findings
    assert (found.status, found.id, found.code) == (Status.UNTOLD, "one", "internal-error")
    assert "hunter2" not in found.message


def test_findings_are_shown_as_they_are_made() -> None:
    shown: list[Finding] = []
    book = notebook()
    book.on_finding = shown.append
    book.fine("one", "A.")
    book.skip("two", "B.")
    assert shown == book.findings == list(book.report.findings)
