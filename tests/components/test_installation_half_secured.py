"""One secured server against one that is not, in each direction and on both ports."""

from typing import TYPE_CHECKING, Any

import pytest

from sottovoce.policy import Component

if TYPE_CHECKING:
    from tests.components.conftest import Estate

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

HUB, LUI, TRK = Component.HUB, Component.LUI, Component.TRK

#: Who is secured → what the caller logs, what the called one logs.
CAUSES = {
    "front": ("peer-not-secured", "secured-caller"),
    "back": ("mode-mismatch", "plaintext-peer"),
}


@pytest.mark.parametrize("secured", ["front", "back"])
def test_a_half_secured_installation_is_refused_and_both_logs_name_the_cause(
    secured: str, estate: "Estate", eventually: Any
) -> None:
    """W4: LUI alone in front, HUB and TRK behind; one of the two servers is secured (P1, P2)."""
    estate.build(("front", [LUI]), ("back", [HUB, TRK]))
    estate.homes[secured].secure()
    estate.start("back")
    estate.start("front")
    by_caller, by_called = CAUSES[secured]
    for port in (estate.internal, estate.tracker):
        calling = eventually(lambda port=port: estate.security("front", port=port))[0]
        assert (calling["outcome"], calling["side"]) == ("refused", "calling")
        assert calling["code"] == by_caller
        wanted = {"port": port, "outcome": "refused", "side": "accepting"}
        accepting = eventually(lambda wanted=wanted: estate.security("back", **wanted))[0]
        assert accepting["code"] == by_called
        for line in (calling, accepting):
            assert line["why"]
            assert line["next"]
            assert line["secured"] is (secured == ("front" if line is calling else "back"))
    eventually(lambda: by_caller in estate.homes["front"].log("lui.log"))
    assert estate.stop_all() == [0, 0]
    # Nothing was ever admitted from the other side, in either log.
    assert estate.security("front", outcome="accepted") == []
    assert {line["component"] for line in estate.security("back", outcome="accepted")} == {"trk"}
