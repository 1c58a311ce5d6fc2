"""Pasted logs from public issues, noise and all, lead to the right entry first.

Beside ``test_explain_issues.py``, of other threads: pieces of logs with time stamps, prefixes of
other products, stack traces, and lines that have nothing to do with it. ``pasted_logs.txt`` has
them as they were pasted; a line ``=== owner/repository#number code`` stands before each. Every code
was written down before its text was tried. At first sight, before anything was changed for them,
55 of the first 84, 23 of the next 35 and 11 of the last 18 were right.
"""

import re
from pathlib import Path

import pytest

from sottovoce.diagnosis import CATALOGUE, explain

_LOGS = Path(__file__).with_name("pasted_logs.txt")
_HEAD = re.compile(r"(?m)^=== (\S+/\S+#\d+) ([a-z0-9-]+)\n")


def _reports() -> dict[str, tuple[str, str]]:
    """Return thread → code, text."""
    parts = _HEAD.split(_LOGS.read_text("utf-8"))
    assert parts[0] == ""
    threads, codes, texts = parts[1::3], parts[2::3], parts[3::3]
    assert len(set(threads)) == len(threads)
    return {
        thread: (code, text.removesuffix("\n"))
        for thread, code, text in zip(threads, codes, texts, strict=True)
    }


REPORTS = _reports()


@pytest.mark.parametrize("thread", REPORTS)
def test_the_pasted_log_leads_to_its_cause(thread: str) -> None:
    """The right entry ranks first."""
    code, text = REPORTS[thread]
    assert code in CATALOGUE
    assert explain(text)[0].code == code
