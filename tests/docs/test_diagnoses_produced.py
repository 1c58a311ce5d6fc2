"""Every code is produced by a test, or there is a reason why none does; see tests/producing.py."""

import pytest
from tests.producing import COMMAND, EXPLAINED, WATCH, Registry, Watch, exists, read_registry

from sottovoce.diagnosis import CATALOGUE, Finding, Status
from sottovoce.errors import Fault, RemoteFault, SottovoceError
from sottovoce.ini import parse
from sottovoce.keystore import loads
from sottovoce.net.telling import faults_told
from sottovoce.rpc import Reason

REGISTRY = read_registry()


def test_every_code_is_produced_by_a_test_or_has_a_reason_why_not() -> None:
    """Issue 4 (7)."""
    known = {*REGISTRY.produced, *REGISTRY.recorded}
    unknown = sorted(set(CATALOGUE) - known)
    assert unknown == [], f"write a test that asserts them, then: {COMMAND} ITS_FILE"
    gone = sorted(known - set(CATALOGUE))
    assert gone == [], f"these codes are gone: {COMMAND} tests/docs"
    assert not set(REGISTRY.produced) & set(REGISTRY.recorded)


def test_few_codes_are_not_produced_and_each_says_why() -> None:
    assert len(REGISTRY.recorded) <= len(CATALOGUE) // 20
    assert [code for code, why in REGISTRY.recorded.items() if len(why.split()) < 8] == []


def test_the_functions_named_exist() -> None:
    gone = {code: test for code, test in REGISTRY.produced.items() if not exists(test)}
    assert gone == {}, f"renamed or moved: {COMMAND} THE_FILES_WHERE_THEY_ARE_NOW"


def test_causes_of_other_programs_are_few_and_there() -> None:
    assert set(CATALOGUE) > EXPLAINED
    assert len(EXPLAINED) <= 5


def test_only_a_function_that_has_run_whole_can_break_its_word() -> None:
    """What two workers have seen is one; a case left out, or one that failed, says nothing."""
    words = {"revoked": "t.py::test_a", "same-key": "t.py::test_b", "no-answer": "t.py::test_c"}
    seen = {"seen": {"t.py::test_a": ["revoked"]}, "done": {"t.py::test_a": 1, "t.py::test_b": 1}}
    rest = {"seen": {}, "done": {"t.py::test_a": 1, "t.py::test_b": 1, "t.py::test_c": 1}}
    cases = {"t.py::test_a": 2, "t.py::test_b": 2, "t.py::test_c": 2}
    watch = Watch(Registry(words, {}))
    watch.take({**seen, "cases": cases, "partial": []})
    assert watch.broken() == {}
    watch.take({**rest, "cases": cases, "partial": []})
    assert watch.broken() == {"same-key": "t.py::test_b"}
    watch.take({"seen": {}, "cases": {}, "done": {}, "partial": ["t.py::test_b"]})
    assert watch.broken() == {}


def test_who_watches_sees_the_product_and_not_the_test(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch itself: what a test makes by its own hand, or was told, counts for nothing."""
    codes: set[str] = set()
    monkeypatch.setattr(request.config.stash[WATCH], "codes", codes)
    Fault(code="revoked", why="By hand.")
    Finding(id="x", group="x", status=Status.FAULT, message="x", code="same-key")
    SottovoceError("By hand.", code="error")
    RemoteFault("job-unknown", "Told.")
    reason = Reason(code="certificate-expired", expected="", presented="", hint="")
    assert [fault.code for fault in faults_told([reason], teller="HUB")] == ["certificate-expired"]
    assert codes == set()
    with pytest.raises(SottovoceError):
        loads(b"", "x")
    with pytest.raises(SottovoceError):
        parse(b"a=\\u12x")
    assert codes >= {"keystore-empty", "ini-malformed-escape"}
