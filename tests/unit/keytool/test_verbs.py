"""The other verbs, on values: keys, requests, lists, changes, and moves (W13, W15, W16)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.errors import (
    AliasMissing,
    AliasTaken,
    EntryLocked,
    IntegrityError,
    KeystoreError,
    WrongUsage,
)
from sottovoce.keystore import LockedKeyEntry
from sottovoce.pki import dns_names, load_certificates, load_request

S = "-keystore s.p12 -storepass changeit"
NEW = f"-genkeypair -alias srv -keyalg EC -dname CN=hub.test {S}"
Signed = Callable[..., Any]


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ("-keyalg EC", ec.EllipticCurvePrivateKey),
        ("-keyalg ec -groupname P-384", ec.EllipticCurvePrivateKey),
        ("-keyalg RSA -keysize 2048", rsa.RSAPrivateKey),
        ("-keyalg EdDSA", ed25519.Ed25519PrivateKey),
    ],
)
def test_a_key_is_made_with_its_temporary_certificate(
    world: Any, options: str, kind: type[Any]
) -> None:
    outcome = world.keytool(f"-genkeypair -alias Srv {options} -dname CN=hub.test {S}")

    entry = world.store().key_entry("srv")
    assert isinstance(entry.key, kind)
    assert entry.created == world.now()
    assert entry.certificate.serial_number == 1000
    assert (
        entry.certificate.not_valid_after_utc - entry.certificate.not_valid_before_utc
    ).days == 90
    assert "key pair and self-signed certificate" in outcome.messages[0]
    assert [write.mode for write in outcome.writes] == [0o600]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("-dname CN=a", "-keyalg option must be specified"),
        ("-keyalg ROT13 -dname CN=a", "not available"),
        ("-keyalg RSA -keysize 512 -dname CN=a", "not made here"),
        ("-keyalg RSA -keysize x -dname CN=a", "Illegal value for -keysize"),
        ("-keyalg EC -groupname x -dname CN=a", "Not a supported curve"),
        ("-keyalg EC -groupname secp256r1 -keysize 256 -dname CN=a", "Cannot specify both"),
        ("-keyalg EC", "A name is needed"),
        ("-keyalg EC -dname CN=a -validity 0", "Illegal value for -validity"),
        ("-keyalg EC -dname CN=a -startdate 2026/13/01", "Illegal startdate"),
        ("-keyalg EC -dname CN=a -sigalg SHA256withRSA", "does not fit"),
        ("-keyalg EC -dname CN=a -ext san=hub.test", "write dns:hub.test"),
        ("-keyalg EC -dname CN=a -ext ku=fly", "no key usage"),
        ("-keyalg EC -dname CN=a -storetype BKS", "BKS not found"),
    ],
)
def test_options_that_make_no_key_are_refused(world: Any, options: str, said: str) -> None:
    with pytest.raises(WrongUsage, match=said):
        world.keytool(f"-genkeypair -alias srv {options} {S}")

    assert world.files == {}


def test_a_key_is_never_made_over_another(world: Any) -> None:
    world.keytool(NEW)

    with pytest.raises(AliasTaken, match="alias <srv> already exists"):
        world.keytool(NEW.replace("srv", "SRV"))


def test_the_name_and_the_password_are_asked_for(world: Any) -> None:
    world.answers = ["changeit", "changeit", "hub.test", "", "Choir, Ltd", "", "", "DE"]

    world.keytool("-genkeypair -alias srv -keyalg EC -keystore s.p12")

    subject = world.store().key_entry().certificate.subject
    assert subject.rfc4514_string() == "CN=hub.test,O=Choir\\, Ltd,C=DE"


def test_passwords_come_from_variables_and_files(world: Any) -> None:
    world.environment = {"PW": "changeit"}
    world.files["pw"] = b"changeit\r\nsecond line\n"

    world.keytool("-genkeypair -alias a -keyalg EC -dname CN=a -keystore s.p12 -storepass:env PW")
    world.keytool("-genkeypair -alias b -keyalg EC -dname CN=b -keystore s.p12 -storepass:file pw")

    assert list(world.store()) == ["a", "b"]
    with pytest.raises(WrongUsage, match="Cannot find environment variable"):
        world.keytool("-list -keystore s.p12 -storepass:env NONE")
    with pytest.raises(WrongUsage, match="Cannot find file"):
        world.keytool("-list -keystore s.p12 -storepass:file none")


@pytest.mark.parametrize(
    ("made", "asked", "names"),
    [
        ("-ext san=dns:a.test,dns:b.test", "", ("a.test", "b.test")),
        ("", "", ("hub.test",)),
        ("-ext san=dns:a.test", "-ext san=dns:c.test", ("c.test",)),
        ("", "-dname CN=server", ()),
    ],
)
def test_a_request_asks_for_the_names_of_the_server(
    world: Any, made: str, asked: str, names: tuple[str, ...]
) -> None:
    """Partners ignore the common name, so no request goes out without a DNS name unsaid (N6)."""
    world.keytool(f"{NEW} {made}")

    outcome = world.keytool(f"-certreq -alias srv {asked} {S}")

    request = load_request(outcome.output)
    assert request.is_signature_valid
    try:
        found = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert tuple(found.get_values_for_type(x509.DNSName)) == names
    except x509.ExtensionNotFound:
        assert names == ()
        assert any("no DNS name" in text for text in outcome.messages)


def test_an_altered_request_is_not_signed(signed: Signed) -> None:
    world = signed()
    request = load_request(world.files["srv.csr"])

    octets = bytearray(request.public_bytes(Encoding.DER))
    octets[-1] ^= 1
    world.files["bad.csr"] = bytes(octets)

    for line in (
        "-gencert -alias ca -infile bad.csr -keystore ca.p12 -storepass changeit",
        "-printcertreq -file bad.csr",
    ):
        with pytest.raises(Exception, match="not signed by the key that it is for"):
            world.keytool(line)


def test_what_a_request_asks_for_is_honoured_only_when_said(signed: Signed) -> None:
    def purposes(options: str) -> tuple[tuple[str, ...], bool]:
        world = signed(options)
        certificate = load_certificates(world.files["srv.crt"])[0]
        kinds = {type(each.value) for each in certificate.extensions}
        return dns_names(certificate), x509.ExtendedKeyUsage in kinds

    assert purposes("") == ((), False)
    assert purposes("-ext honored=all") == (("hub.test",), True)
    assert purposes("-ext honored=all,-eku") == (("hub.test",), False)
    assert purposes("-ext honored=eku -ext san=dns:x.test") == (("x.test",), True)


def test_a_list_is_short_long_or_pem(world: Any) -> None:
    world.keytool(NEW)

    short = world.keytool(f"-list {S}").output.decode()
    full = world.keytool(f"-list -v {S}").output.decode()
    pem = world.keytool(f"-list -rfc {S}").output

    assert "Your keystore contains 1 entry\n\nsrv, Nov 23, 2026, PrivateKeyEntry, \n" in short
    assert "Certificate chain length: 1\nCertificate[1]:\nOwner: CN=hub.test\n" in full
    assert load_certificates(pem) == [world.store().key_entry().certificate]


def test_a_list_without_a_password_shows_what_can_be_read_without_one(world: Any) -> None:
    world.keytool(f"{NEW} -storetype JKS")
    world.answers = [""]

    outcome = world.keytool("-list -v -keystore s.p12")

    assert "Private key: not opened (no password was given)" in outcome.output.decode()
    assert any("nothing was verified" in text for text in outcome.messages)


def test_entries_are_deleted_and_renamed(world: Any) -> None:
    world.keytool(NEW)
    world.keytool(NEW.replace("srv", "old"))

    world.keytool(f"-changealias -alias srv -destalias Web {S}")
    world.keytool(f"-delete -alias old {S}")

    assert list(world.store()) == ["web"]
    with pytest.raises(AliasMissing, match="'old'"):
        world.keytool(f"-delete -alias old {S}")


def test_the_password_of_a_store_is_changed_with_that_of_its_keys(world: Any) -> None:
    world.keytool(NEW)

    world.keytool(f"-storepasswd -new 'another one' {S}")

    assert world.store(password="another one").key_entry()
    with pytest.raises(IntegrityError):
        world.store()
    with pytest.raises(KeystoreError, match="must differ") as caught:
        world.keytool("-storepasswd -new 'another one' -keystore s.p12 -storepass 'another one'")
    assert caught.value.code == "password-same"
    world.answers = ["one password", "another password"]
    with pytest.raises(KeystoreError, match="don't match") as caught:
        world.keytool("-storepasswd -keystore s.p12 -storepass 'another one'")
    assert caught.value.code == "no-match"
    with pytest.raises(KeystoreError, match="at least 6"):
        world.keytool("-storepasswd -new abc -keystore s.p12 -storepass 'another one'")


def test_the_kept_password_of_the_trusted_roots_is_changed_with_them(signed: Signed) -> None:
    """W15: the first step is to give the trusted roots a password of their own."""
    world = signed()
    world.cacerts = "cacerts"
    world.files["cacerts.password"] = b"first password\n"
    world.keytool("-importcert -cacerts -alias root -file ca.crt -noprompt")

    outcome = world.keytool("-storepasswd -cacerts -new 'second password'")

    kept, store, last = outcome.writes
    assert (kept.path, store.path, last.path) == ("cacerts.password", "cacerts", "cacerts.password")
    assert kept.data == b"second password\nfirst password\n"  # whenever it is interrupted, one fits
    assert world.files["cacerts.password"] == b"second password\n"
    assert "root" in world.store("cacerts", "second password")
    assert b"root" in world.keytool("-list -cacerts").output


def test_a_password_kept_beside_the_store_is_changed_when_the_store_is_named_by_path(
    world: Any,
) -> None:
    world.keytool(f"-genkeypair -alias srv -keyalg EC -dname CN=srv {S}")
    world.files["s.p12.password"] = b"changeit\n"
    with pytest.raises(WrongUsage, match="line break"):
        world.keytool(f"-storepasswd -new 'two\nlines' {S}")
    world.keytool(f"-storepasswd -new 'another one' {S}")
    assert world.files["s.p12.password"] == b"another one\n"

    world.files["s.p12.password"] = b"of something else\n"
    world.keytool("-storepasswd -new 'a third' -keystore s.p12 -storepass 'another one'")
    assert world.files["s.p12.password"] == b"of something else\n"


def test_cacerts_needs_a_home_and_no_keystore(world: Any) -> None:
    with pytest.raises(WrongUsage, match="--home"):
        world.keytool("-list -cacerts")
    with pytest.raises(WrongUsage, match="cannot be used with"):
        world.keytool(f"-list -cacerts {S}")


def test_keys_of_a_jks_store_have_passwords_of_their_own(world: Any) -> None:
    world.keytool(f"{NEW} -storetype JKS")
    world.keytool(f"-keypasswd -alias srv -new keypass1 {S}")

    assert isinstance(world.store().entries["srv"], LockedKeyEntry)
    with pytest.raises(EntryLocked):
        world.keytool(f"-certreq -alias srv {S}")
    assert world.keytool(f"-certreq -alias srv -keypass keypass1 {S}").output
    world.keytool(f"-keypasswd -alias srv -keypass keypass1 -new changeit {S}")
    assert world.store().key_entry("srv")


def test_pkcs12_has_one_password_for_everything(world: Any) -> None:
    outcome = world.keytool(f"{NEW} -keypass another1")

    assert any("not supported for PKCS12" in text for text in outcome.messages)
    assert world.store().key_entry()
    with pytest.raises(KeystoreError, match="-keypasswd commands not supported") as caught:
        world.keytool(f"-keypasswd -alias srv -new another1 {S}")
    assert caught.value.code == "keypasswd-pkcs12"


def test_a_store_is_converted_in_its_place(world: Any) -> None:
    world.keytool(f"{NEW} -storetype JKS")

    world.keytool(
        "-importkeystore -srckeystore s.p12 -srcstorepass changeit -destkeystore s.p12 "
        "-deststorepass changeit -deststoretype PKCS12"
    )

    assert world.store().format == "PKCS12"
    assert world.store().key_entry()


def test_one_locked_key_does_not_keep_the_other_entries_from_moving(world: Any) -> None:
    world.keytool(f"{NEW} -storetype JKS -keypass another1")
    world.keytool(NEW.replace("srv", "web"))

    outcome = world.keytool(
        "-importkeystore -srckeystore s.p12 -srcstorepass changeit -destkeystore d "
        "-deststorepass changeit"
    )

    assert list(world.store("d")) == ["web"]
    assert any("Entry for alias srv not imported" in text for text in outcome.messages)
    world.keytool(f"-delete -alias web {S}")
    with pytest.raises(KeystoreError, match="No entry could be imported") as caught:
        world.keytool(
            "-importkeystore -srckeystore s.p12 -srcstorepass changeit -destkeystore e "
            "-deststorepass changeit"
        )
    assert caught.value.code == "import-failed"
    assert "e" not in world.files


def test_an_entry_in_the_way_is_asked_about(world: Any) -> None:
    world.keytool(NEW)
    move = (
        "-importkeystore -srckeystore s.p12 -srcstorepass changeit -destkeystore d "
        "-deststorepass changeit"
    )
    world.keytool(move)
    world.answers = ["no", "Second"]

    world.keytool(move)

    assert list(world.store("d")) == ["srv", "second"]


def test_a_missing_store_is_named(world: Any) -> None:
    with pytest.raises(KeystoreError, match="Keystore file does not exist: nowhere") as caught:
        world.keytool("-list -keystore nowhere -storepass changeit")

    assert caught.value.code == "keystore-missing"


def test_a_revocation_list_is_printed_and_its_signer_looked_for(signed: Signed) -> None:
    world = signed()
    authority = world.store("ca.p12").key_entry()
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(world.now())
        .next_update(world.now() + timedelta(days=7))
        .add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(0xABC)
            .revocation_date(world.now())
            .build()
        )
        .sign(authority.key, hashes.SHA256())
    )
    world.files["ca.crl"] = crl.public_bytes(Encoding.PEM)

    known = world.keytool("-printcrl -file ca.crl -keystore ca.p12 -storepass changeit")
    unknown = world.keytool(f"-printcrl -file ca.crl {S}")

    assert "Issuer: CN=Root One" in known.output.decode()
    assert "SerialNumber: abc  On: Mon Nov 23 12:00:00 UTC 2026" in known.output.decode()
    assert known.messages == ("Verified by ca in keystore",)
    assert "signed by nobody" in unknown.messages[0]


def test_a_certificate_is_printed_from_standard_input(signed: Signed) -> None:
    world = signed()
    world.standard_input = world.files["srv.crt"]

    text = world.keytool("-printcert").output.decode()

    assert text.startswith("Owner: CN=hub.test\nIssuer: CN=Root One\nSerial number: 3ea\n")
    assert "SubjectAlternativeName [\n  DNSName: hub.test\n]" in text
    assert load_certificates(world.keytool("-printcert -rfc").output)
