"""The end of ``security.log`` as events: whatever stands there, nothing is raised."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.net import Outcome, SecurityRecord
from sottovoce.server.checking import history
from sottovoce.server.checking.history import read_history
from sottovoce.tls import Side

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def written(path: Path, *lines: Any) -> Path:
    log = path / "security.log"
    log.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    return log


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_history(tmp_path / "security.log").events == ()


def test_what_the_server_writes_is_read_back(tmp_path: Path) -> None:
    record = SecurityRecord(
        at=AT,
        outcome=Outcome.ACCEPTED,
        side=Side.ACCEPTING,
        connection_id="c1",
        address="[::1]:4000",
        port=1099,
        names=("a.test", "b.test"),
        announced="a.test",
        component="lui",
        key="AA:BB",
        clock_difference=-0.25,
    )
    [event] = read_history(written(tmp_path, record.as_fields())).events
    assert (event.at, event.outcome, event.side, event.port) == (AT, "accepted", "accepting", 1099)
    assert (event.host, event.all_names, event.key) == ("::1", ("a.test", "b.test"), "AA:BB")
    assert event.clock_difference == -0.25
    assert event.is_of("B.TEST.")
    assert not event.is_of("c.test")


def test_the_newest_come_first_and_closed_connections_are_known(tmp_path: Path) -> None:
    base = {"side": "accepting", "outcome": "accepted", "names": ["a.test"]}
    log = written(
        tmp_path,
        base | {"at": AT.isoformat(), "connection": "old"},
        base | {"at": (AT + timedelta(hours=1)).isoformat(), "connection": "new"},
        {"at": AT.isoformat(), "side": "accepting", "outcome": "closed", "connection": "old"},
    )
    found = read_history(log)
    assert [each.connection for each in found.of(outcome="accepted")] == ["new", "old"]
    assert found.closed == {"old"}
    assert found.has_seen("a.test")
    assert not found.has_seen("b.test")


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(history, "LONGEST_TAIL", 300)
    lines = [{"at": AT.isoformat(), "outcome": "closed", "connection": str(n)} for n in range(99)]
    found = read_history(written(tmp_path, *lines))
    assert 0 < len(found.events) < 10
    assert found.events[-1].connection == "98"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["at", "names", "port", "secured", "clock_difference", "why"]), inner
        )
    ),
    max_leaves=8,
)


@given(st.lists(_JSON | st.fixed_dictionaries({"at": st.just(AT.isoformat()), "port": _JSON})))
def test_lines_of_any_shape_are_read_or_passed_over(lines: list[Any]) -> None:
    for line in lines:
        history._event(json.dumps(line).encode("utf-8", "replace"))


@pytest.mark.parametrize("port", ["1e999", "-1e999", "NaN", "1" + "0" * 40, "true", "[1]"])
def test_a_number_that_is_none_counts_as_not_there(port: str) -> None:
    event = history._event(b'{"at": "%s", "port": %s}' % (AT.isoformat().encode(), port.encode()))
    assert event is not None
    assert event.port == 0


def test_a_moment_beyond_the_calendar_is_no_moment() -> None:
    assert history._event(b'{"at": "0001-01-01T00:00:00+23:00"}') is None


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_read_or_passed_over(data: bytes) -> None:
    history._event(data)
