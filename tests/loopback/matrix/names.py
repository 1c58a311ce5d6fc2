"""Rows N: the name in the certificate, the dialled name, the announced name."""

from tests.conformance.chains.forge import dns
from tests.loopback.matrix.rows import Row
from tests.loopback.matrix.stage import HUB, channel

__all__ = ["ROWS"]

ROWS = (
    Row(
        id="N1",
        cause="the server's certificate is for another name",
        made=channel(hub=lambda at: at.hub(at.issue("old.test"))),
        accepting=("name-mismatch",),
        calling="name-mismatch",
        told=("name-mismatch",),
        says=(HUB, "old.test"),
    ),
    Row(
        id="N1",
        cause="the server announces a name that its certificate does not have",
        made=channel(hub=lambda at: at.hub(announces="new.test")),
        accepting=("announced-name-mismatch",),
        calling="announced-name-mismatch",
        told=("announced-name-mismatch", "not-in-allowed-list"),
        says=(HUB, "new.test"),
    ),
    Row(
        id="N1",
        cause="the caller announces a name that its certificate does not have",
        made=channel(lui=lambda at: at.lui(announces="new.test")),
        accepting=("announced-name-mismatch",),
        calling="announced-name-mismatch",
        told=("announced-name-mismatch", "not-in-allowed-list"),
        says=("lui.test", "new.test"),
    ),
    Row(
        id="N3",
        cause="dialled by its short name",
        made=channel(dial="hub"),
        accepting=("name-mismatch",),
        calling="name-mismatch",
        told=("name-mismatch",),
        says=("Asked for hub,", HUB),
    ),
    Row(
        id="N3",
        cause="a final dot and capital letters are the same name",
        made=channel(dial="Hub.Test."),
    ),
    Row(
        id="N4",
        cause="dialled by address",
        made=channel(dial="127.0.0.1"),
        accepting=("address-mismatch",),
        calling="address-mismatch",
        told=("address-mismatch",),
        says=("127.0.0.1", HUB),
    ),
    Row(
        id="N5",
        cause="the address is there, as a DNS name",
        made=channel(
            hub=lambda at: at.hub(at.odd(HUB, san=[dns(HUB), dns("127.0.0.1")])), dial="127.0.0.1"
        ),
        accepting=("address-as-dns-name",),
        calling="address-as-dns-name",
        told=("address-as-dns-name",),
        says=("IP:127.0.0.1", "DNS:127.0.0.1"),
    ),
    Row(
        id="N6",
        cause="a common name only",
        made=channel(hub=lambda at: at.hub(at.odd(HUB, san=None))),
        accepting=("no-subject-alternative-name",),
        calling="no-subject-alternative-name",
        told=("no-subject-alternative-name",),
        says=(HUB, "CN=hub.test"),
    ),
    Row(
        id="N6",
        cause="the caller's certificate has a common name only",
        made=channel(lui=lambda at: at.lui(at.odd("lui.test", san=None))),
        accepting=("no-subject-alternative-name",),
        calling="no-subject-alternative-name",
        told=("no-subject-alternative-name",),
    ),
    Row(
        id="N7",
        cause="a wildcard for one label, asked for two",
        made=channel(hub=lambda at: at.hub(at.issue("*.site.test")), dial="hub.east.site.test"),
        accepting=("wildcard-mismatch",),
        calling="wildcard-mismatch",
        told=("wildcard-mismatch",),
        says=("*.site.test", "hub.east.site.test"),
    ),
    Row(
        id="N7",
        cause="a wildcard right below the top",
        made=channel(hub=lambda at: at.hub(at.issue("*.test"))),
        accepting=("wildcard-mismatch",),
        calling="wildcard-mismatch",
        told=("wildcard-mismatch",),
        says=("*.test", HUB),
    ),
)
