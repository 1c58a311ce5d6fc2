"""The same command lines, given to the JDK's keytool and to ours, leave stores that are read alike.

The JDK is the judge (W13, W14): exit status, what is printed, and the stores entry by entry, ours
read by theirs and theirs by ours. The key material differs, so facts are compared, not octets.

What differs on purpose:

* a reply whose root is not trusted is refused even with ``-noprompt`` and a bundle (W14);
* a reply under a new alias is refused, where the JDK stores it as a trusted certificate (K11);
* ``-certreq`` asks for the certificate's DNS names, or its common name, when none are given;
* RSA keys below 2048 bits, above 8192 bits, and DSA keys are not made;
* failures end with status 2, wrong words with 64, where the JDK has 1 for both;
* PKCS#12 keeps no date for a trusted certificate: ``(unknown)``, where the JDK shows today;
* secret keys, providers, ``-signer``, ``-sslserver``, ``-jarfile``, ``-showinfo`` are not there.
"""

import argparse
import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509

from sottovoce.cli import keytool as ours
from sottovoce.errors import SottovoceError
from sottovoce.keystore import LockedKeyEntry, PrivateKeyEntry, TrustedCertificateEntry, loads
from sottovoce.pki import describe_key, display_name, fingerprint

pytestmark = [
    pytest.mark.jdk,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(
        shutil.which("javac") is None, reason="no JDK: its keytool is the judge of these tests"
    ),
]

PASS = "-storepass changeit"
#: The fewest rounds of JCEKS that the JDK takes (``jdk.jceks.iterationCount`` in java.security).
LEAST_ROUNDS = 10_000
KEYS = {
    "ec": "-keyalg EC -groupname secp256r1",
    "ec384": "-keyalg EC -groupname secp384r1",
    "ec521": "-keyalg EC -groupname secp521r1",
    "rsa": "-keyalg RSA -keysize 2048",
    "ed25519": "-keyalg Ed25519",
}
FORMATS = ("PKCS12", "JKS", "JCEKS")
#: The format that each is converted into at the end.
NEXT = {"PKCS12": "JKS", "JKS": "PKCS12", "JCEKS": "PKCS12"}

#: KEY, TYPE and NEXT are filled in. The words before the first colon are the expected result.
SCRIPT = r"""
ok:   -genkeypair -alias Srv KEY -dname NAME -ext san=dns:trk.test,ip:127.0.0.3 -ext ku:c=dig \
      -validity 200 STORE
fail: -genkeypair -alias srv KEY -dname NAME STORE
ok:   -list STORE
ok:   -list -v -alias srv STORE
ok:   -certreq -alias srv -file srv.csr -ext san=dns:trk.test -ext eku=sA,cA STORE
ok:   -printcertreq -file srv.csr
ok:   -gencert -alias ca -infile srv.csr -outfile srv.crt -rfc -validity 100 -ext honored=all \
      -keystore ca.p12 PASS
ok:   -printcert -file srv.crt
fail: -importcert -alias srv -file srv.crt STORE
ok:   -importcert -alias root -file ca.crt -noprompt STORE
fail: -importcert -alias root -file ca.crt -noprompt STORE
ok:   -importcert -alias srv -file srv.crt STORE
fail: -importcert -alias srv -file srv.crt STORE
ok:   -list -v STORE
ok:   -exportcert -alias srv -rfc -file out.pem STORE
ok:   -exportcert -alias srv -file out.der STORE
ok:   -printcert -file out.der
ok:   -changealias -alias srv -destalias Web STORE
fail: -changealias -alias web -destalias root STORE
fail: -list -alias srv STORE
ok:   -importkeystore -srckeystore s -srcstorepass changeit -destkeystore d \
      -deststoretype NEXT -deststorepass changeit
ok:   -list -v -keystore d PASS
ok:   -delete -alias root STORE
fail: -delete -alias root STORE
ok:   -storepasswd -new changed7 STORE
fail: -list STORE
ok:   -list -keystore s -storepass changed7 -storetype TYPE
"""

#: Once for each format: verbs and refusals that do not depend on the kind of key.
MORE = r"""
ok:   -genkeypair -alias a -keyalg EC -dname CN=a.test -startdate 2026/01/02 -validity 1000 STORE
ok:   -genkeypair -alias b -keyalg EC -dname CN=b.test -startdate -10d \
      -ext bc:c=ca:true,pathlen:2 STORE
ok:   -genkey -alias c -keyalg RSA -keysize 3072 -sigalg SHA512withRSA -dname CN=c STORE
ok:   -genkeypair -alias d -keyalg EC -dname CN=d -ext san=email:a@b.test,uri:http://x.test \
      -ext eku=codeSigning,1.2.3.4 STORE
ok:   -list -v -alias a STORE
ok:   -list -v -alias b STORE
ok:   -list -v -alias c STORE
ok:   -list -v -alias d STORE
ok:   -list -rfc STORE
fail: -list -v -rfc STORE
fail: -list -foo STORE
fail: -list -alias
fail: -nonsense
fail: -genkeypair -alias e -dname CN=e STORE
fail: -genkeypair -alias e -keyalg NONE -dname CN=e STORE
fail: -genkeypair -alias e -keyalg EC -groupname nonsense -dname CN=e STORE
fail: -genkeypair -alias e -keyalg EC -dname CN=e -ext zz=1 STORE
fail: -genkeypair -alias e -keyalg EC -dname CN=e -validity -3 STORE
fail: -genkeypair -alias e -keyalg EC -dname CN=e -startdate never STORE
fail: -genkeypair -alias e -keyalg RSA -sigalg SHA256withECDSA -dname CN=e STORE
fail: -genkeypair -alias e -keyalg EC -dname CN=e -keystore new -storepass short
fail: -certreq -alias nobody STORE
fail: -exportcert -alias nobody STORE
fail: -delete -alias nobody STORE
fail: -importcert -alias x -file nowhere.crt STORE
fail: -printcert -file s
fail: -list -keystore nowhere PASS
fail: -storepasswd -new short STORE
fail: -importkeystore -srckeystore nowhere -srcstorepass changeit -destkeystore d \
      -deststorepass changeit
ok:   -certreq -alias a -file a.csr -sigalg SHA384withECDSA -dname CN=other \
      -ext san=dns:a.test STORE
ok:   -printcertreq -file a.csr
ok:   -gencert -alias b -infile a.csr -outfile a.crt -ext ku=digitalSignature,keyAgreement \
      -ext san=dns:a.test -validity 10 STORE
ok:   -printcert -file a.crt
ok:   -importkeystore -srckeystore s -srcstorepass changeit -srcalias a -destalias z \
      -destkeystore d -deststorepass changeit
ok:   -importkeystore -srckeystore s -srcstorepass changeit -destkeystore d \
      -deststorepass changeit -noprompt
ok:   -list -keystore d PASS
"""


def commands(script: str, **words: str) -> list[tuple[bool, list[str]]]:
    """Return (should succeed, words) for each line of *script*, with its capitals filled in."""
    found = []
    words["STORE"] = f"-keystore s {PASS} -storetype {words['TYPE']}"
    words["PASS"] = PASS
    for line in script.replace("\\\n", " ").strip().splitlines():
        result, _, text = line.partition(":")
        for name, value in words.items():
            text = re.sub(rf"(?<!\S){name}(?!\S)", value.replace("\\", r"\\"), text)
        # A distinguished name is one word.
        parts = [part.replace("~", " ") for part in text.split()]
        found.append((result == "ok", parts))
    return found


class Jvm:
    """The JDK keytool in one folder, one JVM for all command lines: a start costs a second."""

    def __init__(self, classes: Path, folder: Path) -> None:
        self.process = subprocess.Popen(
            [
                "java",
                "-XX:+UseSerialGC",
                f"-Djdk.jceks.iterationCount={LEAST_ROUNDS}",
                "-Djava.security.manager=allow",
                "--add-exports=java.base/sun.security.tools.keytool=ALL-UNNAMED",
                "-cp",
                str(classes),
                "Keytool",
            ],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8", "HOME": str(folder)},
        )

    def run(self, words: list[str]) -> tuple[bool, str]:
        """Run one command line; return whether it succeeded and what it printed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\t".join(words).encode() + b"\n")
        self.process.stdin.flush()
        status, size = self.process.stdout.readline().split()
        shown = self.process.stdout.read(int(size)).decode()
        self.process.stdout.readline()
        return int(status) == 0, shown

    def close(self) -> None:
        """End the JVM."""
        self.process.communicate()


class Sides:
    """Two folders: in one works the JDK's keytool, in the other ours."""

    def __init__(self, jvms: dict[Path, Jvm], capture: Callable[[], str]) -> None:
        self.jvms = jvms
        self.theirs, self.ours = jvms
        self.capture = capture
        self.count = 0

    def by_jdk(self, folder: Path, words: list[str]) -> tuple[bool, str]:
        return self.jvms[folder].run(words)

    def by_us(self, folder: Path, words: list[str]) -> tuple[bool, str]:
        os.chdir(folder)
        self.capture()
        try:
            status = ours.run(argparse.Namespace(words=words))
        except SottovoceError as error:
            refusal = error
        else:
            return status == 0, self.capture()
        assert refusal.code
        assert "changeit" not in str(refusal)
        return False, ""

    def both(self, expected: bool, words: list[str]) -> None:
        """Run one command line on both sides; results and printed facts must be alike."""
        self.count += 1
        theirs, shown = self.by_jdk(self.theirs, words)
        mine, shown_here = self.by_us(self.ours, words)
        line = " ".join(words)
        assert (theirs, mine) == (expected, expected), f"{line}\n{shown}"
        if expected:
            assert facts_printed(shown_here) == facts_printed(shown), line

    def compare_stores(self, name: str, password: str) -> None:
        """Compare the stores of both sides, each read by both programs."""
        sets = []
        for folder in (self.theirs, self.ours):
            data = (folder / name).read_bytes()
            sets.append(entries(data, password))
            listed = self.by_jdk(folder, ["-list", "-keystore", name, "-storepass", password])
            assert listed[0], listed[1]
            assert listing(listed[1]) == fingerprints(data, password)
        assert sets[0] == sets[1]


#: What names key material, moments to the second, or the program itself.
_OWN = re.compile(
    r"^(Keystore provider|Serial number|Creation date|\s+SHA1|\s+SHA256|[0-9A-F]{4}: |"
    r"Certificate fingerprint \(|[A-Za-z0-9+/]+={0,2}$)"
)
_MOMENT = re.compile(r"\w{3} (\w{3} \d\d) \d\d:\d\d:\d\d UTC (\d{4})")
_SHORT_DATE = re.compile(r"\w{3} \d{1,2}, \d{4}|\(unknown\)")


def facts_printed(text: str) -> list[str]:
    lines = (_SHORT_DATE.sub("DATE", _MOMENT.sub(r"\1 \2", line)) for line in text.splitlines())
    return [line.rstrip() for line in lines if line.strip() and not _OWN.match(line)]


def described(certificate: x509.Certificate) -> tuple[object, ...]:
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    kinds = {
        (
            each.oid.dotted_string,
            each.critical,
            # Key identifiers are as different as the keys.
            "" if "KeyIdentifier" in type(each.value).__name__ else repr(each.value),
        )
        for each in certificate.extensions
    }
    return (
        display_name(certificate.subject),
        display_name(certificate.issuer),
        describe_key(certificate.public_key()),
        certificate.signature_algorithm_oid.dotted_string,
        lifetime,
        frozenset(kinds),
    )


def entries(data: bytes, password: str) -> dict[str, object]:
    found: dict[str, object] = {}
    store = loads(data, password)
    for alias, entry in store.entries.items():
        if isinstance(entry, TrustedCertificateEntry):
            found[alias] = ("trusted", described(entry.certificate))
        else:
            assert isinstance(entry, PrivateKeyEntry), f"{alias} is locked"
            chain = tuple(described(each) for each in entry.chain)
            found[alias] = ("key", describe_key(entry.key), chain)
            store.key_entry(alias)
    return found


def fingerprints(data: bytes, password: str) -> dict[str, str]:
    found = {}
    for alias, entry in loads(data, password).entries.items():
        assert not isinstance(entry, LockedKeyEntry)
        kind = "PrivateKeyEntry" if isinstance(entry, PrivateKeyEntry) else "trustedCertEntry"
        found[alias] = f"{kind} {fingerprint(entry.certificate)}"
    return found


def listing(text: str) -> dict[str, str]:
    """Return alias → kind and fingerprint from what ``-list`` printed."""
    pattern = re.compile(
        r"^(.+), \w{3} \d{1,2}, \d{4}, (\w+), \n.*\(SHA-256\): ([0-9A-F:]+)$", re.MULTILINE
    )
    return {match[1]: f"{match[2]} {match[3]}" for match in pattern.finditer(text)}


@pytest.fixture(scope="session")
def keytool_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classes")
    source = Path(__file__).parent / "stores" / "Keytool.java"
    exports = "--add-exports=java.base/sun.security.tools.keytool=ALL-UNNAMED"
    subprocess.run(
        ["javac", "-nowarn", exports, "-d", str(folder), str(source)],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture(scope="module")
def jvms(
    keytool_classes: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Path, Jvm]]:
    """A folder for each side with a JVM that stays there, for all cases: a JVM has to warm up."""
    folders = [tmp_path_factory.mktemp(name) for name in ("theirs", "ours")]
    made = {folder: Jvm(keytool_classes, folder) for folder in folders}
    yield made
    for jvm in made.values():
        jvm.close()


@pytest.fixture
def sides(
    jvms: dict[Path, Jvm],
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> Sides:
    """Both folders with nothing but an authority in them."""
    for folder in jvms:
        for path in folder.iterdir():
            path.unlink()
    monkeypatch.chdir(next(iter(jvms)))
    monkeypatch.delenv("SOTTOVOCE_HOME", raising=False)

    def capture() -> str:
        return capfdbinary.readouterr().out.decode()

    made = Sides(jvms, capture)
    lines = [
        f"-genkeypair -alias ca -keyalg EC -dname {ROOT} -ext bc:c=ca:true {PASS} -keystore ca.p12",
        f"-exportcert -alias ca -rfc -file ca.crt -keystore ca.p12 {PASS}",
    ]
    for line in lines:  # theirs made by ours, ours by theirs: each reads the other's
        words = [part.replace("~", " ") for part in line.split()]
        assert made.by_us(made.theirs, words)[0]
        assert made.by_jdk(made.ours, words)[0]
    return made


def fewer_rounds(patch: pytest.MonkeyPatch) -> None:
    """Have ours hide the keys of JCEKS with as many rounds as the JDK here.

    What the JDK makes by default ours reads in ``test_keystore_stores.py``.
    """
    patch.setattr("sottovoce.keystore.protection.JCEKS_ROUNDS", LEAST_ROUNDS)


ROOT = "CN=Root~One,O=Test"
NAME = "CN=trk.test,OU=Mail~Room,O=Test,C=DE"


#: Every kind of key in every format; JCEKS, which hides all of them alike, with two.
CASES = [
    (key, kind)
    for key, kind in itertools.product(KEYS, FORMATS)
    if kind != "JCEKS" or key in ("ec", "rsa")
]


@pytest.mark.parametrize(("key", "kind"), CASES)
def test_from_the_key_to_the_reply_both_programs_do_the_same(
    key: str, kind: str, sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one case with our 200,000 rounds of JCEKS, which take long."""
    if key != "ec":
        fewer_rounds(monkeypatch)
    steps = commands(SCRIPT, KEY=KEYS[key], TYPE=kind, NEXT=NEXT[kind], NAME=NAME)
    for expected, words in steps:
        sides.both(expected, words)
        if words[0] in ("-storepasswd", "-importkeystore"):
            name, password = (
                ("d", "changeit") if words[0] == "-importkeystore" else ("s", "changed7")
            )
            if not (kind != "PKCS12" and words[0] == "-storepasswd"):
                sides.compare_stores(name, password)
    assert sides.count == len(steps) == 27


@pytest.mark.parametrize("kind", FORMATS)
def test_the_other_verbs_and_the_refusals_are_the_same(
    kind: str, sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    fewer_rounds(monkeypatch)
    steps = commands(MORE, TYPE=kind)
    for expected, words in steps:
        sides.both(expected, words)
    sides.compare_stores("s", "changeit")
    sides.compare_stores("d", "changeit")
    assert sides.count == len(steps) == 36


def test_more_than_400_command_lines_are_compared() -> None:
    assert 27 * len(CASES) + 36 * len(FORMATS) >= 400
