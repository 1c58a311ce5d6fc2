"""Rows V and R: dates, clocks, revocation."""

from datetime import timedelta

from tests.loopback.matrix.rows import Row
from tests.loopback.matrix.stage import HUB, LUI, Stage, channel

from sottovoce.keystore import PrivateKeyEntry
from sottovoce.net import utc_now

__all__ = ["ROWS"]

AHEAD = timedelta(hours=3, minutes=12)


def _under_an_old_ca(at: Stage, name: str) -> PrivateKeyEntry:
    old = at.between("Intermediate One", end=at.moment - timedelta(days=1))
    return at.odd(name, by=old, above=[old])


ROWS = (
    Row(
        id="V1",
        cause="LUI's certificate expired",
        made=channel(lui=lambda at: at.lui(at.issue(LUI, days=(-3, -1)))),
        accepting=("certificate-expired",),
        calling="certificate-expired",
        told=("alert certificate_expired", "certificate-expired"),
    ),
    Row(
        id="V1",
        cause="HUB's certificate expired",
        made=channel(hub=lambda at: at.hub(at.issue(HUB, days=(-3, -1)))),
        accepting=("certificate-expired", "certificate-expired"),
        calling="certificate-expired",
        told=("alert certificate_expired", "certificate-expired"),
    ),
    Row(
        id="V2",
        cause="the intermediate above LUI expired",
        made=channel(lui=lambda at: at.lui(_under_an_old_ca(at, LUI))),
        accepting=("issuer-expired",),
        calling="issuer-expired",
        told=("alert certificate_expired", "issuer-expired"),
        says=("Intermediate One",),
    ),
    Row(
        id="V2",
        cause="the intermediate above HUB expired",
        made=channel(hub=lambda at: at.hub(_under_an_old_ca(at, HUB))),
        accepting=("issuer-expired", "issuer-expired"),
        calling="issuer-expired",
        told=("alert certificate_expired", "issuer-expired"),
        says=("Intermediate One",),
    ),
    Row(
        id="V3",
        cause="LUI's certificate is valid from tomorrow",
        made=channel(lui=lambda at: at.lui(at.issue(LUI, days=(1, 3)))),
        accepting=("not-yet-valid",),
        calling="not-yet-valid",
        told=("alert bad_certificate", "not-yet-valid"),
    ),
    Row(
        id="V3",
        cause="HUB's certificate is valid from tomorrow",
        made=channel(hub=lambda at: at.hub(at.issue(HUB, days=(1, 3)))),
        accepting=("not-yet-valid", "not-yet-valid"),
        calling="not-yet-valid",
        told=("alert bad_certificate", "not-yet-valid"),
    ),
    Row(
        id="V4",
        cause="HUB's clock is behind: LUI's certificate is fine",
        made=channel(
            lui=lambda at: at.lui(at.issue(LUI, days=(0.1, 3)), clock=lambda: utc_now() + AHEAD)
        ),
        accepting=("not-yet-valid", "clock-skew"),
        calling="clock-skew",
        told=("alert bad_certificate", "not-yet-valid"),
    ),
    Row(
        id="V4",
        cause="LUI's clock is behind: HUB's certificate is fine",
        made=channel(
            hub=lambda at: at.hub(at.issue(HUB, days=(0.1, 3)), clock=lambda: utc_now() + AHEAD)
        ),
        accepting=("refused-by-peer", "clock-skew"),
        calling="clock-skew",
        told=("alert bad_certificate", "clock-skew", "not-yet-valid"),
        says=("3 hours",),
    ),
    Row(
        id="R1",
        cause="LUI's certificate was revoked",
        made=channel(hub=lambda at: at.hub(crls=at.crl(at.good(LUI)))),
        accepting=("revoked",),
        calling="revoked",
        told=("alert certificate_revoked", "revoked"),
    ),
    Row(
        id="R1",
        cause="HUB's certificate was revoked",
        made=channel(lui=lambda at: at.lui(crls=at.crl(at.good(HUB)))),
        accepting=("revoked", "revoked"),
        calling="revoked",
        told=("alert certificate_revoked", "revoked"),
    ),
    Row(
        id="R3",
        cause="HUB has no list of LUI's issuer",
        made=channel(hub=lambda at: at.hub(crls=at.crl(by=at.stranger))),
        accepting=("revocation-unknown",),
        calling="revocation-unknown",
        told=("revocation-unknown",),
    ),
    Row(
        id="R3",
        cause="LUI has no list of HUB's issuer",
        made=channel(lui=lambda at: at.lui(crls=at.crl(by=at.stranger))),
        accepting=("revocation-unknown",),
        calling="revocation-unknown",
        told=("revocation-unknown",),
    ),
    Row(
        id="R4",
        cause="HUB's list is nine days too old",
        made=channel(hub=lambda at: at.hub(crls=at.crl(days=(-16, -9)))),
        accepting=("revocation-list-expired",),
        calling="revocation-list-expired",
        told=("revocation-list-expired",),
    ),
    Row(
        id="R4",
        cause="LUI's list is nine days too old",
        made=channel(lui=lambda at: at.lui(crls=at.crl(days=(-16, -9)))),
        accepting=("revocation-list-expired",),
        calling="revocation-list-expired",
        told=("revocation-list-expired",),
    ),
)
