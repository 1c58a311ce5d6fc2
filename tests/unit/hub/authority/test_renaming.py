"""What the issuing authority certifies for a server that is being renamed."""

import pytest
from cryptography import x509
from tests.unit.hub.authority.conftest import NAMES, NOW, Estate, Request

from sottovoce.errors import IssuanceError
from sottovoce.hub import why_renew
from sottovoce.hub.authority import (
    forget_rename,
    names_without,
    permits,
    rename,
    renew_issuing,
    settle_rename,
)
from sottovoce.pki import dns_names, fingerprint

ROLE = "urn:sottovoce:role:lui"


def renewed(estate: Estate, request_for: Request, before: x509.Certificate) -> x509.Certificate:
    chain = estate.issuer.renew(
        request_for("whatever.test"), fingerprint=fingerprint(before), now=NOW
    )
    return chain[0]


@pytest.fixture
def lui(estate: Estate, request_for: Request) -> x509.Certificate:
    renew_issuing(estate.root, estate.issuer, [*NAMES, "mail.test"], now=NOW)
    chain = estate.issuer.sign(
        request_for("lui.test"), names=["lui.test", "www.lui.test"], roles=[ROLE], now=NOW
    )
    return chain[0]


def test_first_both_names_then_the_new_one_alone_then_it_is_over(
    estate: Estate, request_for: Request, lui: x509.Certificate
) -> None:
    issuer = estate.issuer
    above = fingerprint(issuer.certificate)

    def why(certificate: x509.Certificate, *, proved: bool = True) -> str:
        return why_renew(issuer, fingerprint(certificate), issued_by=above, proved=proved, now=NOW)

    assert why(lui) == ""
    rename(issuer, "lui.test", "mail.test", now=NOW)
    assert why(lui) == "it is to be for lui.test, mail.test, www.lui.test"

    both = renewed(estate, request_for, lui)
    assert dns_names(both) == ("lui.test", "mail.test", "www.lui.test")
    assert why(both) == ""
    assert issuer.folder.index().rename is not None

    rename(issuer, "lui.test", "mail.test", alone=True, now=NOW)
    alone = renewed(estate, request_for, both)
    assert dns_names(alone) == ("mail.test", "www.lui.test")
    assert why(alone, proved=False) == ""
    assert issuer.folder.index().rename is not None, "somebody's word ended it"
    assert why(alone) == ""
    assert issuer.folder.index().rename is None
    written = (issuer.folder.folder / "audit.log").read_text()
    assert [
        written.count(f'"state": "{state}"') for state in ("both names", "new name alone", "over")
    ] == [1, 1, 1]


def test_other_servers_are_renewed_as_before(
    estate: Estate, request_for: Request, lui: x509.Certificate
) -> None:
    trk = estate.issuer.sign(request_for("trk.test"), names=["trk.test"], roles=[], now=NOW)[0]
    rename(estate.issuer, "lui.test", "mail.test", now=NOW)

    assert settle_rename(estate.issuer, fingerprint(trk), proved=True, now=NOW) == ()
    assert settle_rename(estate.issuer, "AB:CD", proved=True, now=NOW) == ()
    assert dns_names(renewed(estate, request_for, trk)) == ("trk.test",)


def test_a_renaming_can_be_taken_back(
    estate: Estate, request_for: Request, lui: x509.Certificate
) -> None:
    rename(estate.issuer, "lui.test", "mail.test", now=NOW)
    both = renewed(estate, request_for, lui)
    rename(estate.issuer, "mail.test", "lui.test", alone=True, now=NOW)

    assert dns_names(renewed(estate, request_for, both)) == ("lui.test", "www.lui.test")


def test_what_was_taken_back_before_the_server_heard_of_it_is_certified_no_more(
    estate: Estate, request_for: Request, lui: x509.Certificate
) -> None:
    issuer, print_ = estate.issuer, fingerprint(lui)
    rename(issuer, "lui.test", "mail.test", now=NOW)
    rename(issuer, "mail.test", "lui.test", alone=True, now=NOW)
    assert settle_rename(issuer, print_, proved=True, now=NOW) == ()
    assert issuer.folder.index().rename is None
    assert dns_names(renewed(estate, request_for, lui)) == ("lui.test", "www.lui.test")

    rename(issuer, "lui.test", "mail.test", now=NOW)
    assert not forget_rename(issuer, "lui.test", "other.test", now=NOW)
    assert forget_rename(issuer, "mail.test", "lui.test", now=NOW)
    assert settle_rename(issuer, print_, proved=True, now=NOW) == ()


def test_the_renaming_of_a_server_that_is_gone_is_in_nobodys_way(
    estate: Estate, request_for: Request, lui: x509.Certificate
) -> None:
    issuer = estate.issuer
    trk = issuer.sign(request_for("trk.test"), names=["trk.test"], roles=[], now=NOW)[0]
    rename(issuer, "lui.test", "mail.test", now=NOW)
    issuer.revoke_server("lui.test", x509.ReasonFlags.cessation_of_operation, NOW)

    rename(issuer, "trk.test", "click.trk.test", now=NOW)

    assert settle_rename(issuer, fingerprint(trk), proved=True, now=NOW) == (
        "trk.test",
        "click.trk.test",
    )


@pytest.mark.parametrize(
    ("names", "old", "new", "rest"),
    [
        ("hub.test lui.test mail.test", "lui.test", "mail.test", "hub.test mail.test"),
        ("hub.test lui.test", "lui.test", "new.lui.test", "hub.test new.lui.test"),
        ("test hub.test", "hub.test", "core.test", ""),
        ("test", "lui.test", "mail.test", ""),
        ("hub.test mail.test", "lui.test", "mail.test", ""),
    ],
)
def test_the_old_name_is_taken_from_the_authority_and_the_new_one_stays(
    names: str, old: str, new: str, rest: str
) -> None:
    assert names_without(names.split(), old, new) == tuple(rest.split())


@pytest.mark.parametrize(
    ("old", "new", "why", "hint"),
    [
        ("lui.test", "mail.example", "may not certify mail.example", "--add-host mail.example"),
        ("lui.test", "trk.test", "is for trk.test, and not for lui.test", "revoke --server trk"),
        ("hub.test", "mail.test", "lui.test is being renamed to mail.test", "take it back"),
    ],
)
def test_what_would_break_is_refused(
    estate: Estate,
    request_for: Request,
    lui: x509.Certificate,
    old: str,
    new: str,
    why: str,
    hint: str,
) -> None:
    issuer = estate.issuer
    issuer.sign(request_for("trk.test"), names=["trk.test"], roles=[], now=NOW)
    if old == "hub.test":
        rename(issuer, "lui.test", "mail.test", now=NOW)
    before = issuer.folder.index()

    with pytest.raises(IssuanceError) as caught:
        rename(issuer, old, new, now=NOW)

    assert caught.value.code == "rename-order"
    assert why in caught.value.message
    assert hint in caught.value.hint
    assert issuer.folder.index() == before


def test_a_name_below_a_permitted_one_may_be_certified(estate: Estate) -> None:
    assert permits(estate.issuer.names, "lui.test")
    assert permits(estate.issuer.names, "www.lui.test")
    assert not permits(estate.issuer.names, "notlui.test")
