"""Our caller at foreign ports: openssl s_server, the JDK's SSLSocket, and servers that curl calls.

Of each: the first code of our error and in our log, what the foreign program printed, and that
``explain`` puts the right entry first for that text. curl only calls: for it an HTTPS server
(openssl s_server -www) has the fault, our dialler and curl both call it, and curl's text is
explained.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from sottovoce.diagnosis import explain
from sottovoce.errors import ChannelError
from sottovoce.net import LIMITS, Outcome
from sottovoce.pki import Purpose
from sottovoce.testing import Party
from sottovoce.tls.contexts import calling_context

if TYPE_CHECKING:
    from tests.loopback.foreign.wardrobe import Wardrobe

OPENSSL, CURL, JAVA = "openssl", "curl", "java"
ALL = (OPENSSL, CURL, JAVA)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One cause.

    Args:
        cause: catalogue row and words.
        code: our first; by: who refused; phase: where; alert: that we send, if any.
        says: what each program prints, else by alert or code; empty for one that notices nothing.
        entry: the first that ``explain`` finds; as a rule that code, empty where no text says it.
        context: what else is known where the text alone may mean several things.
        shows: the server's certificate; trusts, checks: its roots and its revocation list; more:
            options of each program.
        own, crls, allowed, dial: our certificate, lists, allowed names, the name that we dial.
        silent: which phase our patience ends in, when the server says nothing.
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
    trusts: str = "roots"
    checks: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)
    own: str = "good"
    crls: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ("hub.test", "hub.east.test", "lui.test")
    dial: str = "hub.test"
    silent: str = ""
    peers: tuple[str, ...] = ALL

    def printed(self, peer: str, usual: Mapping[str, tuple[str, str]]) -> str:
        """Return a piece of what the program prints, *usual* for what it finds by itself."""
        if peer in self.says:
            return self.says[peer]
        if self.alert and peer == OPENSSL:
            return f"alert {self.alert.replace('_', ' ')}"
        if self.alert and peer == JAVA:
            # OpenSSL's callers refuse before they encrypt: Java cannot read the alert.
            return "Insufficient buffer remaining for AEAD cipher fragment"
        return usual[self.code][peer == JAVA] if self.entry != "" else ""


def refused(cause: str, shows: str, code: str, alert: str, **more: Any) -> Case:
    """A server whose certificate we refuse in TLS."""
    return Case(cause=cause, shows=shows, code=code, alert=alert, **more)


def unheard(cause: str, code: str, **more: Any) -> Case:
    """A server that our gate refuses: TLS is complete, and it is told nothing that it reads."""
    settings = {"entry": "", "peers": (OPENSSL, JAVA)} | more
    return Case(cause=cause, code=code, phase="greeting", silent="greeting", **settings)


def theirs(cause: str, own: str, code: str, **more: Any) -> Case:
    """A server that refuses our certificate: an alert is all that we get, and we look at ours."""
    settings = {"peers": (OPENSSL, JAVA)} | more
    return Case(cause=cause, own=own, code=code, by="peer", phase="greeting", **settings)


SECLEVEL = {OPENSSL: ("-cipher", "DEFAULT@SECLEVEL=0"), CURL: ("-cipher", "DEFAULT@SECLEVEL=0")}

CASES = [
    # Their certificate.
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
        "X6 for clients only", "client-only", "purpose-server-missing", "unsupported_certificate"
    ),
    refused("X4 RSA 1024", "weak-key", "weak-key", "bad_certificate", more=SECLEVEL),
    refused("X5 SHA-1", "weak-signature", "weak-signature", "bad_certificate",
            more=SECLEVEL, peers=(OPENSSL, CURL)),
    refused("T9 unknown critical extension", "critical", "unknown-critical-extension",
            "certificate_unknown"),
    refused("R1 revoked", "revoked", "revoked", "certificate_revoked", crls=("fresh",)),
    Case(cause="N1 another name", code="name-mismatch", shows="other-name", phase="greeting",
         silent="greeting", says={OPENSSL: "", JAVA: "", CURL: "target host name 'hub.test'"}),
    Case(cause="N7 a wildcard", code="wildcard-mismatch", shows="wildcard", dial="hub.east.test",
         phase="greeting", silent="greeting",
         says={OPENSSL: "", JAVA: "", CURL: "target host name 'hub.east.test'"}),
    Case(cause="N4 dialled by address", code="address-mismatch", dial="127.0.0.1",
         phase="greeting", silent="greeting",
         says={OPENSSL: "", JAVA: "", CURL: "target host name '127.0.0.1'"}),
    unheard("N6 no alternative name", "no-subject-alternative-name", shows="no-names"),
    unheard("A1 not in our list", "not-in-allowed-list", allowed=("lui.test",)),
    unheard("K9 a CA's certificate", "leaf-is-ca", shows="ca-as-leaf"),
    unheard("X8 no digitalSignature", "key-usage", shows="key-usage"),
    unheard("R3 no list of its CA", "revocation-unknown", crls=("stranger",),
            says={CURL: "unable to get certificate CRL"}),
    unheard("R4 list too old", "revocation-list-expired", crls=("stale",)),
    # curl has the same lists as we.
    replace(unheard("R3 no list of its CA, and curl", "revocation-unknown", crls=("stranger",)),
            entry=None, peers=(CURL,)),
    replace(unheard("R4 list too old, and curl", "revocation-list-expired", crls=("stale",)),
            entry=None, peers=(CURL,)),
    # What they speak.
    Case(cause="X1 TLS 1.2 only", code="protocol-version", by="peer",
         says={OPENSSL: "unsupported protocol", CURL: "alert protocol version",
               JAVA: "are not accepted by server preferences"},
         more={OPENSSL: ("-tls1_2",), CURL: ("-tls1_2",), JAVA: {"protocols": "TLSv1.2"}}),
    Case(cause="X2 no common suite", code="no-common-cipher", by="peer",
         says={OPENSSL: "no shared cipher", CURL: "alert handshake failure"},
         more={OPENSSL: ("-ciphersuites", "TLS_AES_128_CCM_SHA256"),
               CURL: ("-ciphersuites", "TLS_AES_128_CCM_SHA256")}, peers=(OPENSSL, CURL)),
    Case(cause="X2 no common group", code="no-common-cipher", by="peer",
         says={OPENSSL: "no suitable key share"}, more={OPENSSL: ("-groups", "ffdhe8192")},
         peers=(OPENSSL,)),
    # Neither alert tells that the server has no usable certificate; its own text does, with Java.
    Case(cause="X3 Java has no key", code="no-common-cipher", by="peer", shows="none",
         entry="keystore-no-key", says={JAVA: "No available authentication scheme"}, peers=(JAVA,)),
    Case(cause="X3 openssl has no key", code="protocol-version", by="peer", shows="none",
         entry="keystore-no-key", context={"key-count": "0"},
         says={OPENSSL: "unsupported protocol"}, more={OPENSSL: ("-nocert",)}, peers=(OPENSSL,)),
    Case(cause="P3 another protocol in TLS", code="foreign-service", by="peer",
         says={OPENSSL: "no application protocol", JAVA: "No matching application layer protocol"},
         more={OPENSSL: ("-alpn", "h2"), JAVA: {"alpn": "h2"}}, peers=(OPENSSL, JAVA)),
    unheard("P3 a web server with our keystore", "foreign-service", says={CURL: "s_server -accept"},
            peers=ALL, more={JAVA: {"say": "HTTP/1.1 400 Bad Request\r\n\r\n"},
                             OPENSSL: ("-www",)}),
    unheard("P3 asks nobody for a certificate", "foreign-service",
            more={OPENSSL: ("-verify", "0"), JAVA: {"anybody": 1}}),
    Case(cause="P3 SSH", code="foreign-service", entry="", peers=(JAVA,),
         more={JAVA: {"banner": "SSH-2.0-OpenSSH_9.2p1\r\n"}}),
    Case(cause="P3 HTTP", code="foreign-service", entry="", peers=(JAVA,),
         more={JAVA: {"banner": "HTTP/1.1 400 Bad Request\r\n\r\n"}}),
    Case(cause="P3 mail", code="foreign-service", entry="", peers=(JAVA,),
         more={JAVA: {"banner": "220 mail.test ESMTP\r\n"}}),
    Case(cause="P2 one of ours, not secured", code="peer-not-secured", entry="", peers=(JAVA,),
         more={JAVA: {"banner": "sottovoce/1 plain\n"}}),
    Case(cause="O6 closes at once", code="closed-early", entry="", peers=(JAVA,),
         more={JAVA: {"close": 1}}),
    # For us the handshake is complete then, and it has shown that it is not one of ours.
    Case(cause="O6 goes in mid-handshake", code="foreign-service", phase="greeting", peers=(JAVA,),
         entry="", says={JAVA: "Socket closed"}, more={JAVA: {"abort": 1}}),
    Case(cause="P6 says nothing", code="tls-not-started", entry="", silent="tls", peers=(JAVA,),
         more={JAVA: {"silent": 1}}),
    # Their refusal of our certificate.
    Case(cause="T3 they do not know our CA", trusts="others", code="issuer-unknown", by="peer",
         phase="greeting", peers=(OPENSSL, JAVA)),
    Case(cause="T3 they do not know our CA, nor curl's", trusts="others", code="issuer-unknown",
         by="peer", phase="greeting", says={CURL: "alert unknown ca"}, peers=(CURL,)),
    theirs("T4 we have no certificate", "none", "no-certificate", peers=(OPENSSL,)),
    theirs("T4 neither has curl", "none", "no-certificate", peers=(CURL,),
           says={CURL: "alert certificate required"}),
    theirs("T2 ours is a stranger's", "stranger", "issuer-unknown"),
    theirs("T7 ours, with its root", "stranger-root", "root-untrusted"),
    theirs("T6 ours is self-signed", "self-signed", "self-signed"),
    theirs("T5 ours without intermediate", "leaf-alone", "intermediate-missing"),
    theirs("T8 ours of another CA of that name", "namesake", "signature-mismatch"),
    theirs("T9 ours by no CA", "no-authority", "not-a-ca"),
    theirs("T9 ours under too many CAs", "too-deep", "path-too-long"),
    theirs("T9 ours not permitted", "constrained", "name-constraint"),
    theirs("V1 ours expired", "expired", "certificate-expired"),
    theirs("V1 ours expired, and curl's", "expired", "certificate-expired", peers=(CURL,),
           says={CURL: "alert certificate expired"}),
    theirs("V2 our CA expired", "expired-authority", "issuer-expired"),
    theirs("V3 ours not yet valid", "early", "not-yet-valid"),
    theirs("X7 ours for servers only", "server-only", "purpose-client-missing"),
    theirs("X7 ours for servers only, and curl's", "server-only", "purpose-client-missing",
           peers=(CURL,), says={CURL: "alert unsupported certificate"}),
    theirs("X8 ours without digitalSignature", "key-usage", "key-usage"),
    theirs("T9 ours critical", "critical", "unknown-critical-extension"),
    theirs("X5 ours SHA-1", "weak-signature", "weak-signature", peers=(OPENSSL,)),
    theirs("R1 ours revoked, and we know", "revoked", "revoked", checks="fresh", crls=("fresh",)),
    # From unknown_ca nobody can tell that it is only a list that is missing there (B.0, R3).
    theirs("R3 they have no list", "good", "issuer-unknown", checks="stranger",
           entry="revocation-unknown", says={OPENSSL: "unable to get certificate CRL",
                                             JAVA: "Could not determine revocation status"}),
    theirs("R4 their list is too old", "good", "refused-by-peer", checks="stale",
           entry="revocation-list-expired", says={OPENSSL: "CRL has expired"}, peers=(OPENSSL,)),
]  # fmt: skip

HAVE = {OPENSSL: ("openssl",), CURL: ("openssl", "curl"), JAVA: ("javac",)}


def marks(peer: str) -> list[pytest.MarkDecorator]:
    missing = [name for name in HAVE[peer] if not shutil.which(name)]
    skip = pytest.mark.skipif(bool(missing), reason=f"no {' and no '.join(missing)} here")
    return [skip, pytest.mark.jdk] if peer == JAVA else [skip]


PARAMS = [
    pytest.param(case, peer, id=f"{peer}: {case.cause}", marks=marks(peer))
    for peer in ALL
    for case in CASES
    if peer in case.peers
]


@pytest.mark.parametrize("peer", ALL)
def test_there_are_causes_enough_for_each_program(peer: str) -> None:
    """Issue 4: at least 15 causes each; here for the role of the listener."""
    causes = {case.cause for case in CASES if peer in case.peers}
    assert len(causes) >= 15


class Server:
    """Listens with any of the programs as a case wants it, and lets us call."""

    def __init__(self, case: Case, wardrobe: "Wardrobe", peers: Any, java: Any) -> None:
        self.case, self.wardrobe, self.peers, self.java = case, wardrobe, peers, java
        kind = case.shows
        self.shown = None if kind == "none" else wardrobe.show(kind, "hub.test")
        self.party = Party("lui.test", self._ours(), limits=self._limits())

    def _ours(self) -> Any:
        case, bare = self.case, self.case.own == "none"
        ours = self.wardrobe.generation(
            "good" if bare else case.own, "lui.test", crls=case.crls, allowed=case.allowed
        )
        return replace(ours, calling=calling_context(None, ours.roots)) if bare else ours

    def _limits(self) -> Any:
        match self.case.silent:
            case "greeting":
                return replace(LIMITS, greeting=0.2)
            case "tls":
                return replace(LIMITS, handshake=0.2)
            case _:
                return LIMITS

    async def meet(self, peer: str) -> tuple[ChannelError, str]:
        """Return our error, and what the program prints."""
        met: tuple[ChannelError, str] = await getattr(self, f"_{peer}")()
        return met

    async def _dial(self, port: int) -> ChannelError:
        with pytest.raises(ChannelError) as caught:
            await self.party.connect(port, dial=self.case.dial)
        return caught.value

    def _s_server(self, peer: str) -> Any:
        case, shown = self.case, self.shown
        words: list[Any] = ["-Verify", "3", "-verify_return_error"]
        usable = case.checks in ("fresh", "stale")
        trusted = getattr(self.wardrobe, case.trusts)
        words += ["-CAfile", self.wardrobe.crl_pem(case.checks) if usable else trusted]
        words += ["-crl_check"] if case.checks else []
        if shown is not None:
            words += ["-cert", shown.pem]
            words += ["-cert_chain", shown.pem] if len(shown.chain) > 1 else []
        return self.peers.s_server(*words, *case.more.get(peer, ()))

    async def _openssl(self) -> tuple[ChannelError, str]:
        async with self._s_server(OPENSSL) as server:
            error = await self._dial(server.port)
        return error, server.said

    async def _curl(self) -> tuple[ChannelError, str]:
        """Both call an HTTPS server that has the fault; what it prints itself is not looked at."""
        case = self.case
        own = None if case.own == "none" else self.wardrobe.show(case.own, "lui.test")
        async with self._s_server(CURL) as server:
            error = await self._dial(server.port)
            words: list[Any] = ["--resolve", f"{case.dial}:{server.port}:127.0.0.1"]
            words += ["--cacert", self.wardrobe.roots, "--tlsv1.3"]
            words += ["--cert", own.pem] if own is not None else []
            for kind in case.crls:
                words += ["--crlfile", self.wardrobe.crl_pem(kind, with_root=False)]
            said = await self.peers.curl(f"https://{case.dial}:{server.port}/", *words)
        return error, said

    async def _java(self) -> tuple[ChannelError, str]:
        case = self.case
        wanted: dict[str, Any] = {"roots": getattr(self.wardrobe, case.trusts)}
        if self.shown is not None:
            wanted["store"] = self.shown.p12
        if case.checks:
            wanted["crl"] = self.wardrobe.crl_pem(case.checks, with_root=False)
        listening = await self.java.listen(**{**wanted, **case.more.get(JAVA, {})})
        error = await self._dial(listening.port)
        return error, await listening.said()


@pytest.mark.parametrize(("case", "peer"), PARAMS)
async def test_a_foreign_listener(
    case: Case, peer: str, wardrobe: "Wardrobe", peers: Any, request: pytest.FixtureRequest
) -> None:
    java = request.getfixturevalue("java") if peer == JAVA else None
    if peer == CURL:
        case = replace(case, more={**case.more, CURL: ("-www", *case.more.get(CURL, ()))})
    server = Server(case, wardrobe, peers, java)
    error, said = await server.meet(peer)
    (record,) = server.party.of(Outcome.REFUSED)
    assert (record.code, record.refused_by, record.phase) == (case.code, case.by, case.phase)
    assert error.faults[0].code == case.code
    assert case.printed(peer, peers.SAID) in said
    if (case.code if case.entry is None else case.entry) and case.says.get(peer) != "":
        _assert_explained(case, peer, said, wardrobe)


def _assert_explained(case: Case, peer: str, said: str, wardrobe: "Wardrobe") -> None:
    """The right entry comes first: alone, or with a look at the certificate complained of."""
    entry = case.code if case.entry is None else case.entry
    side = "caller" if peer == CURL else "accepting"
    context = {"side": side, **case.context}
    if case.phase == "greeting" and case.by == "peer":
        own = "peer-faults" if peer != CURL else "own-faults"
        context[own] = wardrobe.faults(case.own, "lui.test", purpose=Purpose.CLIENT)
    elif case.shows != "none":
        other = "own-faults" if peer != CURL else "peer-faults"
        context[other] = wardrobe.faults(
            case.shows, "hub.test", purpose=Purpose.SERVER, asked=case.dial
        )
    found = explain(said, context)
    assert found[0].code == entry, [(one.code, one.likelihood) for one in found]
