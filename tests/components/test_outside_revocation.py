"""Lists and answers of an outside CA are fetched, and kept when they are good.

The CA is ``openssl ca``, its responder ``openssl ocsp``, its lists lie on a small web server: what
is fetched here was made by somebody else, at addresses that stand in the certificates.
"""

import http.server
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from sottovoce.errors import Fault
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.net import utc_now
from sottovoce.pki import (
    Purpose,
    answers_about,
    load_answer,
    load_certificates,
    load_private_key,
    verify,
)
from sottovoce.policy import Component
from sottovoce.server.fetching import RevocationFetcher, needed
from sottovoce.server.revocation import read_revocations
from sottovoce.server.settings import ServerSettings

if TYPE_CHECKING:
    from tests.components.conftest import Estate

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")

CONFIG = """
[ca]
default_ca = authority
[authority]
database = index.txt
serial = serial
crlnumber = crlnumber
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_days = 30
default_crl_hours = 1
policy = anything
unique_subject = no
[anything]
commonName = supplied
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
crlDistributionPoints = URI:http://127.0.0.1:WEB/ca.crl
authorityInfoAccess = OCSP;URI:http://127.0.0.1:OCSP/
subjectAltName = DNS:$ENV::NAME
[responder]
basicConstraints = CA:FALSE
keyUsage = digitalSignature
extendedKeyUsage = OCSPSigning
authorityKeyIdentifier = keyid
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@dataclass
class OutsideAuthority:
    """A CA that knows nothing of us: files, a web server for its list, an OCSP responder."""

    folder: Path
    web: http.server.ThreadingHTTPServer
    responder: "subprocess.Popen[str] | None" = None
    port: int = 0

    def openssl(self, *words: str, name: str = "x") -> None:
        done = subprocess.run(
            ["openssl", *words],
            cwd=self.folder,
            env={"NAME": name, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def set_up(self) -> None:
        (self.folder / "index.txt").touch()
        for file in ("serial", "crlnumber"):
            (self.folder / file).write_text("1000\n")
        new = ("req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        ca = ("-subj", "/CN=Outside CA", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self.openssl(*new, "-keyout", "ca.key", "-out", "ca.pem", "-days", "99", *ca)
        self.configure(0)
        self.issue("responder.test", section="responder")
        self.start_responder()

    def configure(self, port: int) -> None:
        text = CONFIG.replace("WEB", str(self.web.server_port)).replace("OCSP;", "OCSP\0;")
        text = text.replace(":OCSP/", f":{port}/").replace("\0", "")
        (self.folder / "ca.cnf").write_text(text)

    def start_responder(self) -> None:
        """Start it, on the port that it had before; the index is read at its start only."""
        self.stop_responder()
        port = str(self.port)
        words = ["-index", "index.txt", "-port", port, "-CA", "ca.pem", "-nmin", "30"]
        signer = ["-rsigner", "responder.test.pem", "-rkey", "responder.test.key"]
        self.responder = subprocess.Popen(
            ["openssl", "ocsp", *words, *signer],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.responder.stdout is not None
        line = next(line for line in self.responder.stdout if "ACCEPT" in line)
        found = re.search(r":(\d+) PID", line)
        assert found
        self.port = int(found[1])
        self.configure(self.port)

    def stop_responder(self) -> None:
        if self.responder is not None:
            self.responder.kill()
            self.responder.communicate()
            self.responder = None

    def issue(self, name: str, *, section: str = "server") -> PrivateKeyEntry:
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        files = ("-keyout", f"{name}.key", "-out", f"{name}.csr")
        self.openssl("req", "-new", "-nodes", *curve, *files, "-subj", f"/CN={name}")
        sign = ("ca", "-batch", "-config", "ca.cnf", "-notext", "-extensions", section)
        self.openssl(*sign, "-in", f"{name}.csr", "-out", f"{name}.pem", name=name)
        key = load_private_key((self.folder / f"{name}.key").read_bytes(), None)
        return PrivateKeyEntry(key, (*self.read(f"{name}.pem"), self.root))

    def read(self, file: str) -> tuple[x509.Certificate, ...]:
        return tuple(load_certificates((self.folder / file).read_bytes()))

    @property
    def root(self) -> x509.Certificate:
        return self.read("ca.pem")[0]

    def revoke(self, name: str) -> None:
        self.openssl("ca", "-config", "ca.cnf", "-revoke", f"{name}.pem", name=name)

    def publish(self) -> bytes:
        self.openssl("ca", "-config", "ca.cnf", "-gencrl", "-out", "ca.crl")
        return (self.folder / "ca.crl").read_bytes()


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OutsideAuthority]:
    folder = tmp_path_factory.mktemp("outside")
    handler = partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
        serving = threading.Thread(target=web.serve_forever)
        serving.start()
        made = OutsideAuthority(folder, web)
        try:
            made.set_up()
            made.publish()
            yield made
        finally:
            made.stop_responder()
            web.shutdown()
            serving.join()


@dataclass
class Fetching:
    """A fetcher at work for one server's certificate, and the folder that it fills."""

    settings: ServerSettings
    root: x509.Certificate
    chains: list[tuple[x509.Certificate, ...]]
    ahead: timedelta = timedelta(0)
    warned: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.fetcher = RevocationFetcher(
            self.settings,
            roots=lambda: (self.root,),
            chains=lambda: self.chains,
            clock=self.now,
            warn=self.warned.append,
        )

    def now(self) -> datetime:
        return utc_now() + self.ahead

    async def again(self) -> bool:
        """Fetch once more, as after the interval."""
        self.ahead += timedelta(seconds=self.settings.revocation_fetch_interval)
        return await self.fetcher.refresh()

    def codes(self, chain: tuple[x509.Certificate, ...] | None = None) -> tuple[str, ...]:
        return verify(
            chain or self.chains[0],
            roots=[self.root],
            purpose=Purpose.SERVER,
            name=None,
            at=self.now(),
            crls=read_revocations(self.settings),
        ).codes

    def said(self) -> list[str]:
        told = [fault.code for fault in self.warned]
        self.warned.clear()
        return told

    def files(self) -> list[str]:
        folder = self.settings.revocation_lists
        assert folder is not None
        return sorted(path.suffix for path in folder.iterdir())


Begin = Callable[..., Fetching]


@pytest.fixture
def begin(outside: OutsideAuthority, tmp_path: Path) -> Begin:
    def start(*chains: tuple[x509.Certificate, ...], **changed: Any) -> Fetching:
        settings = ServerSettings(
            server_name="hub.test",
            components=(Component.HUB,),
            bind_address="127.0.0.1",
            revocation_lists=tmp_path / "revocation",
            revocation_fetch_interval=2.0,
            **changed,
        )
        return Fetching(settings, outside.root, list(chains))

    return start


@pytest.mark.parametrize("how", ["from the certificate", "from the settings"])
async def test_a_list_is_fetched_and_a_revocation_in_it_counts(
    outside: OutsideAuthority, begin: Begin, how: str
) -> None:
    """Issue 5 (6): CRL addresses are honoured when configured."""
    name = f"list-{how[9]}.test"
    entry = outside.issue(name)
    outside.publish()
    url = f"http://127.0.0.1:{outside.web.server_port}/ca.crl"
    keys = {"revocation_list_urls": (url,)} if "settings" in how else {"revocation_fetch": ("crl",)}
    at_work = begin(entry.chain, **keys)
    roots = (outside.root,)
    assert needed(at_work.settings, at_work.chains, roots=roots, at=utc_now())
    assert await at_work.fetcher.refresh() is True
    assert not needed(at_work.settings, at_work.chains, roots=roots, at=utc_now())
    assert (at_work.codes(), at_work.said(), at_work.files()) == ((), [], [".crl"])
    assert await at_work.fetcher.refresh() is False  # nothing is due
    outside.revoke(name)
    outside.publish()
    assert await at_work.again() is True
    assert (at_work.codes(), at_work.said()) == (("revoked",), [])


async def test_without_the_setting_no_address_of_a_certificate_is_followed(
    outside: OutsideAuthority, begin: Begin
) -> None:
    at_work = begin(outside.issue("unasked.test").chain)
    assert await at_work.fetcher.refresh() is False
    assert (at_work.said(), at_work.fetcher._turns) == ([], {})


async def test_the_addresses_of_a_chain_without_a_trusted_root_are_not_followed(
    outside: OutsideAuthority, begin: Begin, independent_root: x509.Certificate
) -> None:
    """Nobody sends this server anywhere but whom it trusts."""
    at_work = begin(outside.issue("stranger.test").chain, revocation_fetch=("crl", "ocsp"))
    at_work.root = independent_root
    at_work.fetcher.saw(at_work.chains[0])
    assert await at_work.fetcher.refresh() is False
    assert at_work.fetcher._turns == {}


async def test_what_is_not_good_is_not_kept_and_the_one_before_stays(
    outside: OutsideAuthority, begin: Begin, tmp_path: Path
) -> None:
    """Older than what is kept, of somebody else, no list at all, or nothing there."""
    entry = outside.issue("kept.test")
    old = outside.publish()
    outside.publish()
    at_work = begin(entry.chain, revocation_fetch=("crl",))
    await at_work.fetcher.refresh()
    published = outside.folder / "ca.crl"
    (kept,) = (tmp_path / "revocation").iterdir()
    good = kept.read_bytes()
    forged = tmp_path / "forged"
    forged.mkdir()
    other = OutsideAuthority(forged, outside.web)
    try:
        other.set_up()
    finally:
        other.stop_responder()
    for data, code, why in (
        (old, "fetched-not-kept", "its number"),
        (other.publish(), "fetched-not-kept", "it is not signed by the authority that it names"),
        (b"<html>sold</html>", "fetched-not-kept", "it is no revocation list"),
        (good[: len(good) // 2], "fetched-not-kept", "it is no revocation list"),
        (None, "fetch-failed", "HTTP 404"),
    ):
        if data is None:
            published.unlink()
        else:
            published.write_bytes(data)
        at_work.ahead += timedelta(minutes=5)
        assert await at_work.again() is False
        assert why in at_work.warned[0].why
        assert at_work.said() == [code]
        assert kept.read_bytes() == good
    assert at_work.codes() == ()
    outside.publish()


async def test_an_answer_is_fetched_and_a_revocation_in_it_counts(
    outside: OutsideAuthority, begin: Begin
) -> None:
    """Issue 5 (6), RFC 6960: signed by a responder that the CA has appointed, nonce and all."""
    entry = outside.issue("answer.test")
    partner = outside.issue("partner.test").chain
    outside.start_responder()
    at_work = begin(entry.chain, revocation_fetch=("ocsp",))
    await at_work.fetcher.refresh()
    assert [fault.why for fault in at_work.warned] == []
    assert (at_work.codes(), at_work.said(), at_work.files()) == ((), [], [".ocsp"])
    assert at_work.codes(partner) == ("revocation-unknown",)
    at_work.fetcher.saw(partner)
    assert await at_work.fetcher.refresh() is True
    assert at_work.codes(partner) == ()
    outside.revoke("partner.test")
    outside.start_responder()
    await at_work.again()
    assert (at_work.codes(partner), at_work.codes()) == (("revoked",), ())
    assert at_work.said() == []


async def test_a_responder_that_is_gone_changes_nothing_until_its_answers_end(
    outside: OutsideAuthority, begin: Begin
) -> None:
    entry = outside.issue("silent.test")
    outside.start_responder()
    at_work = begin(entry.chain, revocation_fetch=("ocsp",))
    await at_work.fetcher.refresh()
    outside.stop_responder()
    try:
        assert await at_work.again() is False
        assert (at_work.codes(), at_work.said()) == ((), ["fetch-failed"])
        at_work.ahead = timedelta(minutes=31)
        assert at_work.codes() == ("revocation-unknown",)
    finally:
        outside.start_responder()


def test_an_answer_about_several_certificates_is_left_aside(outside: OutsideAuthority) -> None:
    """RFC 5019 2.2.1: a responder answers one question with one answer; ``openssl`` makes both."""
    leaves = [outside.issue(name).certificate for name in ("one.test", "two.test")]
    signer = ("-rsigner", "responder.test.pem", "-rkey", "responder.test.key", "-CA", "ca.pem")
    one, two = ("-cert", "one.test.pem"), ("-cert", "two.test.pem")
    for asked in (one, (*one, *two)):
        words = ("-index", "index.txt", *signer, "-issuer", "ca.pem", *asked, "-nmin", "9")
        outside.openssl("ocsp", *words, "-respout", "answer.der", "-noverify")
        answer = load_answer((outside.folder / "answer.der").read_bytes())
        assert answer is not None
        found, why = answers_about(answer, leaves[0], outside.root, utc_now())
        assert (found is None) == (len(asked) > 2)
        assert ("several certificates" in why) == (len(asked) > 2)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_servers_under_an_outside_ca_meet_and_a_revoked_one_is_cut_off(
    outside: OutsideAuthority, estate: "Estate", eventually: Any
) -> None:
    """Issue 5 (6): HUB knows nothing of its caller at first: it refuses it, asks, lets it in.

    Nothing is at hand before the first start either; in the end the open connection is closed.
    """
    estate.build(("hub", [Component.HUB]), ("far", [Component.LUI, Component.TRK]))
    for home in estate.homes.values():
        home.secure()
        home.write_identity(outside.issue(home.name))
        home.write_roots(outside.root)
        home.set("server.ini", "RevocationLists", str(home.path / "conf" / "revocation"))
        home.set("server.ini", "RevocationFetch", "ocsp")
        home.set("server.ini", "RevocationFetchInterval", "1")
    outside.start_responder()
    for label in ("hub", "far"):
        estate.start(label)
    far = estate.homes["far"].name
    eventually(lambda: estate.security("hub", outcome="accepted", names=[far]))
    first = estate.security("hub", outcome="refused", names=[far])[0]
    assert first["codes"] == ["revocation-unknown"]
    outside.revoke(far)
    outside.start_responder()
    eventually(lambda: estate.security("hub", outcome="closed", names=[far], code="revoked"))
    eventually(lambda: estate.security("hub", outcome="refused", names=[far], code="revoked"))
    warned = [line for line in estate.homes["hub"].log("server.log").splitlines() if "warn" in line]
    assert [line for line in warned if "fetch" in line] == []


@pytest.fixture(scope="module")
def independent_root(independent_ca: Any) -> x509.Certificate:
    return load_certificates(independent_ca.cert_pem.bytes())[0]
