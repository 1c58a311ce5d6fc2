"""Foreign callers at our port: openssl s_client, the JDK's SSLSocket and curl, cause by cause.

Of each: the first code in our log and who refused, what the foreign program printed, and that
``explain`` puts the right entry first for that text: alone where it says enough, else with what a
look at the installation adds (issue 4).
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from sottovoce.diagnosis import explain
from sottovoce.net import LIMITS, Outcome
from sottovoce.pki import Purpose
from sottovoce.testing import Party, listening

if TYPE_CHECKING:
    from tests.loopback.foreign.wardrobe import Wardrobe

OPENSSL, CURL, JAVA = "openssl", "curl", "java"
ALL = (OPENSSL, CURL, JAVA)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One cause.

    Args:
        cause: catalogue row and words.
        code: the first in our log; by: who refused; phase: where.
        alert: that we send, if any; says: what each program prints, else by alert or code.
        entry: the first that ``explain`` finds; as a rule that code, empty where no text says it.
        context: what else is known where the text alone may mean several things.
        shows, asks, trusts, checks: the caller's certificate, the name it calls and verifies, the
            roots it trusts, the revocation list it has.
        hub, crls, allowed: what ours shows, which lists it has, whom it allows; plain: unsecured.
        more: options of each program.
        peers: the programs that can do it.
    """

    cause: str
    code: str
    by: str = "us"
    phase: str = "tls"
    alert: str = ""
    says: Mapping[str, str] = field(default_factory=dict)
    entry: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)
    shows: str = "good"
    asks: str = "hub.test"
    trusts: str = "roots"
    checks: str = ""
    hub: str = "good"
    crls: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ("hub.test", "lui.test", "trk.test")
    plain: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)
    peers: tuple[str, ...] = ALL

    def printed(self, peer: str, usual: Mapping[str, tuple[str, str]]) -> str:
        """Return a piece of what the program prints, *usual* for what it finds by itself."""
        if peer in self.says:
            return self.says[peer]
        if self.alert:
            return self.alert if peer == JAVA else f"alert {self.alert.replace('_', ' ')}"
        return usual[self.code][peer == JAVA]


def refused(cause: str, shows: str, code: str, alert: str, **more: Any) -> Case:
    """A caller whose certificate is refused in TLS: it sees an alert and nothing else."""
    return Case(cause=cause, shows=shows, code=code, alert=alert, **more)


def told(cause: str, code: str, **more: Any) -> Case:
    """A caller with a valid chain, refused by the gate: it can read the code inside TLS."""
    says = dict.fromkeys(ALL, code)
    return Case(cause=cause, code=code, phase="greeting", says=says, **more)


SECLEVEL = {OPENSSL: ("-cipher", "DEFAULT@SECLEVEL=0")}

CASES = [
    # Their certificate.
    refused("T4 no certificate", "none", "no-certificate", "certificate_required"),
    refused("T2 a stranger's CA", "stranger", "issuer-unknown", "unknown_ca"),
    refused("T7 a stranger's CA, root sent", "stranger-root", "root-untrusted", "unknown_ca"),
    refused("T6 self-signed", "self-signed", "self-signed", "unknown_ca"),
    refused("T5 intermediate not sent", "leaf-alone", "intermediate-missing", "unknown_ca"),
    refused("T8 another CA of that name", "namesake", "signature-mismatch", "unknown_ca"),
    refused("T9 issued by no CA", "no-authority", "not-a-ca", "unknown_ca"),
    refused("T9 too many CAs", "too-deep", "path-too-long", "unknown_ca"),
    refused("T9 name not permitted", "constrained", "name-constraint", "certificate_unknown"),
    refused("V1 expired", "expired", "certificate-expired", "certificate_expired"),
    refused("V2 CA expired", "expired-authority", "issuer-expired", "certificate_expired"),
    refused("V3 not yet valid", "early", "not-yet-valid", "bad_certificate"),
    refused("V3 CA not yet valid", "early-authority", "issuer-not-yet-valid", "bad_certificate"),
    refused(
        "X7 for servers only", "server-only", "purpose-client-missing", "unsupported_certificate"
    ),
    refused("X8 no digitalSignature", "key-usage", "key-usage", "unsupported_certificate"),
    refused("X4 RSA 1024", "weak-key", "weak-key", "bad_certificate",
            more=SECLEVEL, peers=(OPENSSL, JAVA)),
    # Java and curl do not even offer one.
    refused("X5 SHA-1", "weak-signature", "weak-signature", "bad_certificate",
            more=SECLEVEL, peers=(OPENSSL,)),
    refused("T9 unknown critical extension", "critical", "unknown-critical-extension",
            "certificate_unknown"),
    refused("R1 revoked", "revoked", "revoked", "certificate_revoked", crls=("fresh",)),
    told("R3 no list of its CA", "revocation-unknown", crls=("stranger",)),
    told("R4 list too old", "revocation-list-expired", crls=("stale",)),
    told("A1 not in the list", "not-in-allowed-list", allowed=("hub.test",)),
    told("A1 another name", "not-in-allowed-list", shows="other-name"),
    told("N6 no alternative name", "no-subject-alternative-name", shows="no-names"),
    told("K9 a CA's certificate", "leaf-is-ca", shows="ca-as-leaf"),
    # What they speak.
    Case(cause="X1 TLS 1.2 only", code="protocol-version", alert="protocol_version",
         more={OPENSSL: ("-tls1_2",), CURL: ("--tls-max", "1.2"), JAVA: {"protocols": "TLSv1.2"}}),
    Case(cause="X2 no common suite", code="no-common-cipher", alert="handshake_failure",
         more={OPENSSL: ("-ciphersuites", "TLS_AES_128_CCM_SHA256"),
               CURL: ("--tls13-ciphers", "TLS_AES_128_CCM_SHA256")},
         peers=(OPENSSL, CURL)),
    Case(cause="X2 no common group", code="no-common-cipher", alert="handshake_failure",
         more={OPENSSL: ("-groups", "ffdhe8192"), CURL: ("--curves", "ffdhe8192")},
         peers=(OPENSSL, CURL)),
    Case(cause="X2 no common signature", code="no-common-cipher", alert="handshake_failure",
         more={OPENSSL: ("-sigalgs", "RSA-PSS+SHA256")}, peers=(OPENSSL,)),
    Case(cause="P1 HTTP", code="http-peer", phase="preamble",
         says=dict.fromkeys(ALL, "HTTP belongs to the web port"),
         more={CURL: ("http",), JAVA: {"plain": "GET / HTTP/1.1\r\n\r\n"}}, peers=(CURL, JAVA)),
    Case(cause="P1 plain text", code="plaintext-peer", phase="preamble",
         says=dict.fromkeys(ALL, "only over mutual TLS"),
         more={CURL: ("dict",), JAVA: {"plain": "EHLO lui.test\r\n"}}, peers=(CURL, JAVA)),
    # openssl says nothing of what it got instead of XMPP.
    Case(cause="P1 plain text first", code="plaintext-peer", phase="preamble", entry="",
         says={OPENSSL: "read 76 bytes"}, more={OPENSSL: ("-starttls", "xmpp")}, peers=(OPENSSL,)),
    Case(cause="P1 Java's own RMI", code="plaintext-peer", phase="preamble",
         entry="foreign-service", says={JAVA: "non-JRMP server at remote endpoint"},
         more={JAVA: {"rmi": 1}}, peers=(JAVA,)),
    Case(cause="P1 HTTP inside TLS", code="http-peer", phase="greeting",
         says={CURL: "Received HTTP/0.9 when not allowed"}, more={CURL: ("https",)}, peers=(CURL,)),
    Case(cause="P1 HTTP inside TLS, announced", code="http-peer", phase="greeting", entry="",
         says={OPENSSL: "No ALPN negotiated", JAVA: "read:"},
         more={OPENSSL: ("-alpn", "h2,http/1.1"), JAVA: {"alpn": "h2"}}, peers=(OPENSSL, JAVA)),
    Case(cause="P2 we are not secured", code="secured-caller", phase="preamble", plain=True,
         entry="peer-not-secured",
         says={OPENSSL: "wrong version number", CURL: "wrong version number",
               JAVA: "Unsupported or unrecognized SSL message"}),
    Case(cause="P7 nothing said", code="closed-early", phase="preamble", entry="",
         says={JAVA: "read: "}, more={JAVA: {"plain": ""}}, peers=(JAVA,)),
    Case(cause="P7 goes in mid-handshake", code="closed-early", entry="",
         says={JAVA: "Socket closed"}, more={JAVA: {"abort": 1}}, peers=(JAVA,)),
    Case(cause="P6 silent inside TLS", code="phase-timeout", phase="greeting", entry="",
         says={OPENSSL: "Verify return code: 0 (ok)", JAVA: "read:"}, peers=(OPENSSL, JAVA)),
]  # fmt: skip


def theirs(cause: str, hub: str, code: str, **more: Any) -> Case:
    """A caller that refuses our certificate: an alert is all that we get, and we look at ours."""
    return Case(cause=cause, hub=hub, code=code, by="peer", **more)


CASES += [
    Case(cause="T2 they do not know our CA", trusts="others", code="issuer-unknown", by="peer"),
    theirs("T2 ours is a stranger's", "stranger", "issuer-unknown"),
    theirs("T7 ours, with its root", "stranger-root", "root-untrusted"),
    theirs("T6 ours is self-signed", "self-signed", "self-signed"),
    theirs("T5 ours without intermediate", "leaf-alone", "intermediate-missing"),
    theirs("T8 ours of another CA of that name", "namesake", "signature-mismatch"),
    theirs("T9 ours by no CA", "no-authority", "not-a-ca"),
    theirs("T9 ours under too many CAs", "too-deep", "path-too-long"),
    theirs("T9 ours not permitted", "constrained", "name-constraint"),
    theirs("V1 ours expired", "expired", "certificate-expired"),
    theirs("V2 our CA expired", "expired-authority", "issuer-expired"),
    theirs("V3 ours not yet valid", "early", "not-yet-valid"),
    theirs("V3 our CA not yet valid", "early-authority", "issuer-not-yet-valid"),
    theirs("X6 ours for clients only", "client-only", "purpose-server-missing"),
    theirs("T9 ours critical", "critical", "unknown-critical-extension"),
    theirs("X5 ours SHA-1", "weak-signature", "weak-signature", peers=(OPENSSL, CURL)),
    theirs("X8 ours without digitalSignature", "key-usage", "key-usage", peers=(JAVA,)),
    theirs("R1 ours revoked", "revoked", "revoked", checks="fresh", peers=(OPENSSL, CURL)),
    # Java says certificate_unknown of that too, and without a list we cannot see it.
    replace(theirs("R1 ours revoked, and we know", "revoked", "revoked", checks="fresh",
                   peers=(JAVA,)), crls=("fresh",)),
    # From unknown_ca nobody can tell that it is only a list that is missing there (B.0, R3).
    Case(cause="R3 they have no list", checks="stranger", code="issuer-unknown", by="peer",
         entry="revocation-unknown",
         says={OPENSSL: "unable to get certificate CRL", CURL: "unable to get certificate CRL",
               JAVA: "Could not determine revocation status"}),
    Case(cause="R4 their list is too old", checks="stale", code="refused-by-peer", by="peer",
         entry="revocation-list-expired", says=dict.fromkeys(ALL, "CRL has expired"),
         peers=(OPENSSL, CURL)),
    Case(cause="N1 they call us by another name", asks="evil.test", code="name-mismatch", by="peer",
         says={OPENSSL: "hostname mismatch", JAVA: "matching evil.test found"},
         peers=(OPENSSL, JAVA)),
    # curl compares the name after TLS and goes without an alert.
    Case(cause="N1 curl calls us by another name", asks="evil.test", code="name-mismatch",
         phase="greeting", by="peer", says={CURL: "matches target host name 'evil.test'"},
         peers=(CURL,)),
    Case(cause="N1 ours is for another name", hub="other-name", code="name-mismatch", by="peer",
         says={OPENSSL: "hostname mismatch", JAVA: "matching hub.test found"},
         peers=(OPENSSL, JAVA)),
    Case(cause="N7 our wildcard", hub="wildcard", code="wildcard-mismatch", by="peer",
         asks="hub.east.test",
         says={OPENSSL: "hostname mismatch", JAVA: "matching hub.east.test found"},
         peers=(OPENSSL, JAVA)),
    Case(cause="N4 they call us by address", asks="127.0.0.1", code="address-mismatch", by="peer",
         says={OPENSSL: "IP address mismatch"}, peers=(OPENSSL,)),
    # certificate_unknown without a name asked for: their roots or the address, as likely.
    Case(cause="N4 Java calls us by address", asks="127.0.0.1", code="refused-by-peer", by="peer",
         entry="address-mismatch", says={JAVA: "matching IP address 127.0.0.1"}, peers=(JAVA,)),
]  # fmt: skip

HAVE = {OPENSSL: "openssl", CURL: "curl", JAVA: "javac"}
PARAMS = [
    pytest.param(
        case,
        peer,
        id=f"{peer}: {case.cause}",
        marks=[
            pytest.mark.skipif(not shutil.which(HAVE[peer]), reason=f"no {HAVE[peer]} here"),
            *([pytest.mark.jdk] if peer == JAVA else []),
        ],
    )
    for peer in ALL
    for case in CASES
    if peer in case.peers
]


@pytest.mark.parametrize("peer", ALL)
def test_there_are_causes_enough_for_each_program(peer: str) -> None:
    """Issue 4: at least 15 causes each; here for the role of the caller."""
    causes = {case.cause for case in CASES if peer in case.peers}
    assert len(causes) >= 15


class Caller:
    """Calls with any of the programs as a case wants it."""

    def __init__(self, case: Case, wardrobe: "Wardrobe", peers: Any, java: Any) -> None:
        self.case, self.wardrobe, self.peers, self.java = case, wardrobe, peers, java

    async def call(self, peer: str, port: int) -> str:
        """Return what the program prints."""
        return str(await getattr(self, f"_{peer}")(port, self.case.more.get(peer, ())))

    @property
    def _roots(self) -> Any:
        return getattr(self.wardrobe, self.case.trusts)

    @property
    def _shown(self) -> Any:
        kind = self.case.shows
        return None if kind == "none" else self.wardrobe.show(kind, "lui.test")

    async def _openssl(self, port: int, more: tuple[str, ...]) -> str:
        case, shown = self.case, self._shown
        words: list[Any] = ["-verify_return_error", *more]
        if case.asks == "127.0.0.1":
            words += ["-noservername", "-verify_ip", case.asks]
        else:
            words += ["-servername", case.asks, "-verify_hostname", case.asks]
        if case.checks:
            words += ["-crl_check"]
        usable = case.checks in ("fresh", "stale")
        words += ["-CAfile", self.wardrobe.crl_pem(case.checks) if usable else self._roots]
        if shown is not None:
            words += ["-cert", shown.pem]
            words += ["-cert_chain", shown.pem] if len(shown.chain) > 1 else []
        return str(await self.peers.s_client(port, *words))

    async def _curl(self, port: int, more: tuple[str, ...]) -> str:
        case, shown = self.case, self._shown
        scheme, *options = more if more and not more[0].startswith("-") else ("https", *more)
        words: list[Any] = ["--cacert", self._roots, *options]
        words += ["--resolve", f"{case.asks}:{port}:127.0.0.1"]
        words += ["--http0.9", "--output", "-"] if case.code in case.says.values() else []
        words += ["--cert", shown.pem] if shown is not None else []
        if case.checks:
            words += ["--crlfile", self.wardrobe.crl_pem(case.checks, with_root=False)]
        return str(await self.peers.curl(f"{scheme}://{case.asks}:{port}/", *words))

    async def _java(self, port: int, more: Any) -> str:
        case, shown = self.case, self._shown
        wanted: dict[str, Any] = {"name": case.asks, "identify": 1, "roots": self._roots}
        if shown is not None:
            wanted["store"] = shown.p12
        if case.checks:
            wanted["crl"] = self.wardrobe.crl_pem(case.checks, with_root=False)
        return str(await self.java.call(port=port, **{**wanted, **dict(more)}))


@pytest.mark.parametrize(("case", "peer"), PARAMS)
async def test_a_foreign_caller(
    case: Case, peer: str, wardrobe: "Wardrobe", peers: Any, request: pytest.FixtureRequest
) -> None:
    java = request.getfixturevalue("java") if peer == JAVA else None
    generation = None
    if not case.plain:
        generation = wardrobe.generation(case.hub, "hub.test", crls=case.crls, allowed=case.allowed)
    quick = 0.2 if case.code in {"phase-timeout", "http-peer"} else LIMITS.greeting
    hub = Party("hub.test", generation, limits=replace(LIMITS, greeting=quick))
    async with listening(hub) as port:
        said = await Caller(case, wardrobe, peers, java).call(peer, port.port)
        record = await hub.logged(Outcome.REFUSED)
    assert (record.code, record.refused_by, record.phase) == (case.code, case.by, case.phase)
    assert not case.alert or record.told == (f"alert {case.alert}",)
    assert not hub.of(Outcome.ACCEPTED)
    assert case.printed(peer, peers.SAID) in said
    _assert_explained(case, said, wardrobe)


async def test_a_java_client_that_comes_back_after_it_was_revoked_is_refused(
    wardrobe: "Wardrobe", request: pytest.FixtureRequest
) -> None:
    """R2: with the cache of sessions of its first, good connection: nothing is resumed."""
    java = request.getfixturevalue("java")
    hub = Party(
        "hub.test",
        wardrobe.generation("good", "hub.test", allowed=("hub.test", "lui.test")),
        limits=replace(LIMITS, greeting=0.2),
    )
    wanted = {"name": "hub.test", "roots": wardrobe.roots, "shared": "revoked later"}
    wanted["store"] = wardrobe.show("revoked", "lui.test").p12
    async with listening(hub) as port:
        before = await java.call(port=port.port, **wanted)
        again = await java.call(port=port.port, **wanted)
        hub.trust.current = wardrobe.generation(
            "good", "hub.test", crls=("fresh",), allowed=("hub.test", "lui.test")
        )
        after = await java.call(port=port.port, **wanted)
        assert (await hub.logged(Outcome.REFUSED, code="revoked")).told == (
            "alert certificate_revoked",
        )
    assert "hub.test" in before
    assert "hub.test" in again
    assert "hub.test" not in after
    assert "certificate_revoked" in after


def _assert_explained(case: Case, said: str, wardrobe: "Wardrobe") -> None:
    """The right entry comes first: alone, or with a look at the certificate complained of."""
    entry = case.code if case.entry is None else case.entry
    if not entry:
        return
    context = {"side": "caller", **case.context}
    if case.alert and case.shows != "good":
        context["own-faults"] = wardrobe.faults(case.shows, "lui.test", purpose=Purpose.CLIENT)
    elif case.by == "peer":
        context["peer-faults"] = wardrobe.faults(
            case.hub, "hub.test", purpose=Purpose.SERVER, asked=case.asks
        )
    found = explain(said, context)
    assert found[0].code == entry, [(one.code, one.likelihood) for one in found]
