"""A diagnosis on a terminal, in a log, as data."""

from sottovoce.diagnosis import describe, explain, render_line, render_text
from sottovoce.errors import Fault

GOLDEN = """\
name-mismatch (fault): The certificate is for another name
  HUB did not accept TRK: asked for trk.test, the certificate is for
  trk-old.test.
  Next: Reissue TRK's certificate for trk.test, or dial TRK by a name that
        the certificate has.
  Seen: certificate is valid for trk-old.test, not trk.test"""


def test_a_diagnosis_reads_like_this() -> None:
    (found, *_) = explain(
        "error: certificate is valid for trk-old.test, not trk.test", {"own": "HUB", "peer": "TRK"}
    )
    assert render_text(found, width=75) == GOLDEN


def test_no_line_is_wider_than_the_terminal() -> None:
    for width in (40, 80, 100):
        for found in explain("no shared cipher"):
            body = render_text(found, width=width).split("\n")[1:]
            assert max(map(len, body)) <= width


def test_a_tiny_terminal_is_served_as_a_narrow_one() -> None:
    (found, *_) = explain("no shared cipher")
    assert render_text(found, width=1) == render_text(found, width=30)


def test_a_log_line_has_code_message_and_next_step() -> None:
    fault = Fault(code="weak-key", why="The key has 1024 bits.", hint="Make a new one.")
    assert render_line(describe(fault)) == "weak-key: The key has 1024 bits. Make a new one."
