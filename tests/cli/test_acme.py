"""``sottovoce acme`` against Debian's ``pebble``, which asks for the proof as real ones do.

``pebble`` and the DNS server that it asks run on loopback; nothing of the validation is switched
off.
"""

import http.server
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sottovoce.keystore import PrivateKeyEntry, loads
from sottovoce.net import utc_now
from sottovoce.pki import dns_names, dump_certificates, load_certificates
from sottovoce.server import Home
from sottovoce.server.outside import Use, place_of, read_order
from sottovoce.server.outside.issuing import is_due
from sottovoce.store import write_atomically
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.testing.homes import Premises

if TYPE_CHECKING:
    from tests.cli.conftest import Printed, Run

needs_pebble = pytest.mark.skipif(
    not (shutil.which("pebble") and shutil.which("pebble-challtestsrv")),
    reason="needs Debian's pebble",
)

_PLAIN = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

#: As an authority gives them for an account outside of ACME.
KEY_ID, HMAC_KEY = "kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"


def free_ports(count: int, address: str = "127.0.0.1") -> list[int]:
    held = [socket.create_server((address, 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


@dataclass
class Pebble:
    """An authority under way."""

    directory: str
    roots: Path
    port: int
    management: str

    def issuing_root(self) -> x509.Certificate:
        found = requests.get(f"{self.management}/roots/0", verify=str(self.roots), timeout=10)
        return load_certificates(found.content)[0]


@pytest.fixture(scope="module")
def pebble(
    tmp_path_factory: pytest.TempPathFactory, authority: ThrowAwayAuthority
) -> Iterator[Pebble]:
    """Start an authority that wants accounts outside of ACME; yield it when it answers."""
    folder = tmp_path_factory.mktemp("pebble")
    entry = authority.issue("localhost", "127.0.0.1")
    (folder / "cert.pem").write_bytes(dump_certificates(entry.chain))
    key = entry.key.private_bytes(*_PLAIN)
    (folder / "key.pem").write_bytes(key)
    (folder / "roots.pem").write_bytes(dump_certificates([authority.root]))
    acme, management, proofs, dns, mock = free_ports(5)
    config: dict[str, Any] = {
        "listenAddress": f"127.0.0.1:{acme}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": "cert.pem",
        "privateKey": "key.pem",
        "httpPort": proofs,
        "tlsPort": proofs,
        "externalAccountBindingRequired": True,
        "externalAccountMACKeys": {KEY_ID: HMAC_KEY},
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
    off = [word for kind in ("http01", "https01", "tlsalpn01") for word in (f"-{kind}", "")]
    dns_words = ["-dns01", f"127.0.0.1:{dns}", "-defaultIPv6", ""]
    dns_words += ["-management", f"127.0.0.1:{mock}"]
    commands = (
        ["pebble-challtestsrv", *off, *dns_words],
        ["pebble", "-config", "pebble.json", "-dnsserver", f"127.0.0.1:{dns}"],
    )
    # That it refuses one nonce in twenty, to see whether a client tries again, is not our matter.
    settings = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}
    running = [
        subprocess.Popen(
            words,
            cwd=folder,
            env=os.environ | settings,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for words in commands
    ]
    base = f"https://127.0.0.1:{acme}"
    made = Pebble(f"{base}/dir", folder / "roots.pem", proofs, f"https://127.0.0.1:{management}")
    try:
        for _ in range(600):
            try:
                requests.get(made.directory, verify=str(made.roots), timeout=5)
                break
            except requests.ConnectionError:
                time.sleep(0.05)
        yield made
    finally:
        for process in running:
            process.kill()
            process.wait()


@pytest.fixture
def place(home: Premises) -> Premises:
    """A home whose pages have a keystore named for them, which is not there yet."""
    home.set("trk/tracker.ini", "PublicUrl", "https://news.sottovoce.test")
    home.set("trk/tracker.ini", "WebKeystorePath", str(home.path / "conf" / "web.p12"))
    home.set("trk/tracker.ini", "WebKeystorePassword", "for the pages")
    (home.path / "trk" / "tracker.ini").chmod(0o600)
    return home


@dataclass
class Ordering:
    """The command, with what is said each time."""

    run: "Run"
    home: Path
    pebble: Pebble
    key: Path

    def __call__(self, *words: str, first: bool = True, bound: bool = True) -> "Printed":
        given = ["--directory", self.pebble.directory, "--contact", "admin@sottovoce.test"]
        given += ["--agree-terms", "--ca-file", str(self.pebble.roots)]
        given += ["--port", str(self.pebble.port), "--address", "127.0.0.1"]
        if bound:
            given += ["--eab-key-id", KEY_ID, "--eab-key-file", str(self.key)]
        more = given if first else []
        printed = self.run("acme", "--home", self.home, *more, *words)
        assert "Traceback" not in printed.text
        return printed


@pytest.fixture
def order(place: Premises, sottovoce: "Run", pebble: Pebble, tmp_path: Path) -> Ordering:
    key = tmp_path / "hmac"
    write_atomically(key, f"{HMAC_KEY}\n".encode())
    return Ordering(sottovoce, place.path, pebble, key)


def entry_in(path: Path, password: str, alias: str) -> PrivateKeyEntry:
    return loads(path.read_bytes(), password).key_entry(alias)


@needs_pebble
def test_a_certificate_for_the_pages_is_ordered_kept_and_renewed_with_a_new_key(
    place: Premises, order: Ordering
) -> None:
    """Issue 5 (8): from nothing to the keystore, and again with one word."""
    keystore = place.path / "conf" / "web.p12"
    printed = order("--json")
    assert (printed.status, printed.err) == (0, "")
    (told,) = json.loads(printed.out)["certificates"]
    assert (told["for"], told["names"], told["alias"], told["renewed"]) == (
        "web",
        ["news.sottovoce.test"],
        "acme",
        True,
    )
    first = entry_in(keystore, "for the pages", "acme")
    assert dns_names(first.certificate) == ("news.sottovoce.test",)
    assert len(first.chain) >= 2
    assert stat.S_IMODE(keystore.stat().st_mode) == 0o600
    (key_file,) = (place.path / "conf" / "acme").glob("account-*.key.pem")
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600

    later = order("--renew-if-due", first=False)
    assert (later.status, later.out.startswith("Not due:")) == (0, True)
    assert entry_in(keystore, "for the pages", "acme").certificate == first.certificate

    again = order(first=False)  # everything said before is kept
    assert again.status == 0, again.err
    second = entry_in(keystore, "for the pages", "acme")
    assert second.key.public_key() != first.key.public_key()
    kept = entry_in(keystore.with_name("web.p12.bak"), "for the pages", "acme")
    assert kept.certificate == first.certificate
    home = Home(place.path)
    found, wanted = place_of(home, Use.WEB), read_order(home, Use.WEB)
    assert wanted is not None
    life = second.certificate.not_valid_after_utc - second.certificate.not_valid_before_utc
    begin = second.certificate.not_valid_before_utc
    assert not is_due(found, wanted, begin + life * 0.6)
    assert is_due(found, wanted, begin + life * 0.7)
    other = type(wanted)(directory=wanted.directory, names=("other.sottovoce.test",))
    assert is_due(found, other, utc_now())


@needs_pebble
def test_for_internal_traffic_the_root_must_be_trusted_and_then_the_server_starts(
    place: Premises, order: Ordering, pebble: Pebble, sottovoce: "Run"
) -> None:
    """Issue 5 (8): it takes the place of the key that stands for the server's name (SPEC W12)."""
    before = place.keystore.read_bytes()
    refused = order("--for", "internal")
    assert refused.status == 2
    assert refused.codes()[0] in {"root-untrusted", "issuer-unknown"}
    assert "is not used: the old one stays" in refused.err
    assert place.keystore.read_bytes() == before

    place.write_roots(place.authority.root, pebble.issuing_root())
    assert order("--for", "internal").status == 0
    entry = entry_in(place.keystore, place.password, "server")
    assert dns_names(entry.certificate) == (place.name,)
    place.set("trk/tracker.ini", "WebKeystorePath", str(place.keystore))
    place.set("trk/tracker.ini", "WebKeystorePassword", place.password)
    (place.path / "trk" / "tracker.ini").chmod(0o600)
    assert sottovoce("start", "--home", place.path).codes() == ["port-in-use"] * 3
    later = order("--renew-if-due", first=False)
    assert later.out.startswith("Not due: the certificate for internal lasts until ")


@needs_pebble
def test_a_proof_that_is_not_found_is_said_in_the_authoritys_words(
    place: Premises, order: Ordering, pebble: Pebble
) -> None:
    """Somebody else answers where the authority asks; nothing is written."""

    class Elsewhere(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", pebble.port), Elsewhere) as web:
        serving = threading.Thread(target=web.serve_forever, args=(0.05,))
        serving.start()
        busy = order()
        other = order("--port", str(free_ports(1)[0]))
        web.shutdown()
        serving.join()
    assert busy.faults() == [("port-in-use", "")]
    assert other.status == 2
    assert other.err.startswith("acme-not-proved: The authority did not find the proof: news.")
    assert "404" in other.err
    assert not (place.path / "conf" / "web.p12").exists()
    assert read_order(Home(place.path), Use.WEB) is None


@needs_pebble
def test_the_authority_declines_in_its_own_words(order: Ordering) -> None:
    """Terms that are not agreed to, a name that nobody may have, a wildcard, an account unknown."""
    unfit = order("--name", "bad_name.test")
    assert unfit.err.startswith("acme-refused: ")
    wildcard = order("--name", "*.sottovoce.test")
    assert wildcard.err.startswith("acme-refused: ")
    folder = order.home / "conf" / "acme"
    (address,) = folder.glob("*.address")
    write_atomically(address, f"{address.read_text().strip()}0\n".encode())
    unknown = order()
    assert unknown.err.startswith("acme-refused: The authority declines (")
    assert address.read_text().strip() == ""  # the next time another account is made
    terms = order.run(
        *("acme", "--home", order.home, "--directory", order.pebble.directory),
        *("--ca-file", order.pebble.roots, "--port", str(order.pebble.port)),
        *("--address", "127.0.0.1"),
    )
    assert terms.err.startswith("acme-terms: The authority wants its terms of service")


@needs_pebble
def test_an_account_outside_of_acme_is_bound_by_its_key(order: Ordering) -> None:
    """RFC 8555 7.3.4; the key is in a file of its owner's, and shows itself nowhere."""
    assert order(bound=False).err.startswith("acme-refused: The authority wants an account outside")
    order.key.chmod(0o644)
    assert order().codes() == ["file-not-owner-only"]
    order.key.chmod(0o600)
    for text, why in (("abcde\n", "holds no key"), (f"{HMAC_KEY[::-1]}\n", "declines")):
        order.key.write_text(text)
        printed = order()
        assert printed.err.startswith("acme-refused: ")
        assert why in printed.err
        assert text.strip() not in printed.text


def test_what_cannot_be_done_is_said_before_anybody_is_asked(
    place: Premises, sottovoce: "Run"
) -> None:
    nobody = f"https://127.0.0.1:{free_ports(1)[0]}/dir"
    base = ("acme", "--home", place.path)
    assert sottovoce(*base).status == 64
    assert sottovoce(*base, "--renew-if-due").status == 64
    assert sottovoce(*base, "--for", "internal").status == 64
    assert sottovoce(*base, "--directory", nobody, "--eab-key-id", "x").status == 64
    port = str(free_ports(1)[0])
    away = sottovoce(*base, "--directory", nobody, "--port", port, "--address", "127.0.0.1")
    assert away.err.startswith("acme-unreachable: The authority at 127.0.0.1:")
    place.ssl_ini.unlink()
    switch = sottovoce(*base, "--directory", nobody, "--for", "internal")
    assert switch.faults() == [("file-missing", str(place.ssl_ini))]
    place.set("trk/tracker.ini", "WebKeystorePath", "")
    text = (place.path / "trk" / "tracker.ini").read_text().replace("WebKeystore", "#")
    (place.path / "trk" / "tracker.ini").write_text(text)
    pages = sottovoce(*base, "--directory", nobody)
    assert [code for code, _ in pages.faults()] == ["ini-missing-key"]


def test_a_certificate_for_servers_only_is_refused_for_internal_traffic(place: Premises) -> None:
    """Catalogue X7: as every public authority issues them now; it says where it would do."""
    from cryptography.x509.oid import ExtendedKeyUsageOID

    from sottovoce.pki.profiles import SERVER

    web_only = replace(SERVER, purposes=(ExtendedKeyUsageOID.SERVER_AUTH,))
    entry = place.authority.issue(place.name, profile=web_only)
    internal = place_of(Home(place.path), Use.INTERNAL)
    (fault,) = internal.faults(entry, (place.name,), utc_now())
    assert fault.code == "purpose-client-missing"
    assert "Between the servers each is both" in fault.why
    assert "sottovoce ca create" in fault.hint
    pages = place_of(Home(place.path), Use.WEB)
    assert pages.faults(entry, (place.name,), utc_now()) == ()
    wrong = pages.faults(entry, ("other.test",), utc_now() + timedelta(days=999))
    assert {fault.code for fault in wrong} == {"certificate-expired", "name-mismatch"}


def test_without_the_library_the_command_says_how_to_get_it(
    place: Premises, sottovoce: "Run", monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an extra: nothing else needs it, and nothing else imports it."""
    monkeypatch.delitem(sys.modules, "sottovoce.server.outside.protocol", raising=False)
    monkeypatch.setitem(sys.modules, "acme", None)
    printed = sottovoce("acme", "--home", place.path, "--directory", "https://x.test/")
    assert printed.err.startswith("acme-not-installed: ")
    assert "pip install 'sottovoce[acme]'" in printed.err
    code = "import sys, sottovoce.cli.acme, sottovoce.server.outside; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = {name.partition(".")[0] for name in done.stdout.split()}
    assert imported & {"acme", "josepy", "requests"} == set()
