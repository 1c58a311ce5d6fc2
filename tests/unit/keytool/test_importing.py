"""``-importcert``: the rules for a CA's reply (W13, W14; failure catalogue T1, T6, K10, K11)."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.errors import AliasTaken, KeystoreError, WrongUsage
from sottovoce.keystore import PrivateKeyEntry, TrustedCertificateEntry
from sottovoce.keystore.der import header
from sottovoce.pki import fingerprint, load_certificates

S = "-keystore s.p12 -storepass changeit"
CA = "-keystore ca.p12 -storepass changeit"
Signed = Callable[..., Any]


def test_a_reply_without_a_trusted_root_names_the_ca_and_the_command(signed: Signed) -> None:
    world = signed()
    before = world.files["s.p12"]

    with pytest.raises(KeystoreError, match="it leads to CN=Root One") as caught:
        world.keytool(f"-importcert -alias srv -file srv.crt {S}")

    assert caught.value.code == "root-missing-for-reply"
    assert "Failed to establish chain from reply" in caught.value.message
    assert "keytool -importcert -alias root-one -file ROOT.pem -keystore s.p12" in caught.value.hint
    assert world.files["s.p12"] == before


def test_after_the_root_was_imported_the_same_import_succeeds(signed: Signed) -> None:
    world = signed()

    world.keytool(f"-importcert -alias root -file ca.crt -noprompt {S}")
    outcome = world.keytool(f"-importcert -alias srv -file srv.crt {S}")

    entry = world.store().key_entry("srv")
    assert [each.subject.rfc4514_string() for each in entry.chain] == ["CN=hub.test", "CN=Root One"]
    assert "Certificate reply was installed in keystore" in outcome.messages
    assert not [text for text in outcome.messages if "Warning" in text]


def test_a_bundle_with_its_untrusted_root_names_the_fingerprint(signed: Signed) -> None:
    world = signed()
    world.files["bundle.pem"] = world.files["srv.crt"] + world.files["ca.crt"]
    root = load_certificates(world.files["ca.crt"])[0]

    with pytest.raises(KeystoreError) as caught:
        world.keytool(f"-importcert -alias srv -file bundle.pem -noprompt {S}")

    assert fingerprint(root) in caught.value.message
    assert "came with the reply and is not trusted" in caught.value.message


def test_a_bundle_in_any_order_is_taken_once_its_root_is_trusted(signed: Signed) -> None:
    world = signed()
    world.files["bundle.pem"] = world.files["ca.crt"] + world.files["srv.crt"]
    world.keytool(f"-importcert -alias root -file ca.crt -noprompt {S}")

    world.keytool(f"-importcert -alias srv -file bundle.pem {S}")

    assert len(world.store().key_entry("srv").chain) == 2


def test_the_trusted_roots_of_the_home_count_with_trustcacerts_only(signed: Signed) -> None:
    world = signed()
    world.files["cacerts.password"] = b"a kept password\n"
    world.cacerts = "cacerts"
    world.keytool(
        "-importcert -alias root -file ca.crt -noprompt -keystore cacerts "
        "-storepass 'a kept password'"
    )

    with pytest.raises(KeystoreError, match="repeat the command with -trustcacerts"):
        world.keytool(f"-importcert -alias srv -file srv.crt {S}")
    world.keytool(f"-importcert -trustcacerts -alias srv -file srv.crt {S}")

    assert len(world.store().key_entry("srv").chain) == 2


def test_trustcacerts_without_a_home_is_wrong_usage(signed: Signed) -> None:
    with pytest.raises(WrongUsage, match="--home"):
        signed().keytool(f"-importcert -trustcacerts -alias srv -file srv.crt {S}")


def test_a_reply_for_another_key_is_refused(signed: Signed) -> None:
    world = signed()
    world.keytool(f"-delete -alias srv {S}")
    world.keytool(f"-genkeypair -alias srv -keyalg EC -dname CN=hub.test {S}")

    with pytest.raises(KeystoreError, match="Public keys in reply and keystore don't") as caught:
        world.keytool(f"-importcert -alias srv -file srv.crt {S}")

    assert caught.value.code == "reply-wrong-key"
    assert "send a new request" in caught.value.hint


def test_a_reply_with_a_key_that_cannot_be_used_is_refused(signed: Signed) -> None:
    """A kind of key that nobody here knows: its object identifier is changed by one."""
    world = signed()
    reply = load_certificates(world.files["srv.crt"])[0].public_bytes(Encoding.DER)
    ec_key = bytes.fromhex("06072a8648ce3d0201")
    assert reply.count(ec_key) == 1
    world.files["odd.crt"] = reply.replace(ec_key, ec_key[:-1] + b"\x7f")

    with pytest.raises(KeystoreError, match="cannot be used here") as caught:
        world.keytool(f"-importcert -alias srv -file odd.crt -noprompt {S}")

    assert caught.value.code == "certificate-key-unknown"


def test_a_reply_for_a_key_of_another_alias_names_that_alias(signed: Signed) -> None:
    world = signed()
    world.keytool(f"-genkeypair -alias web -keyalg EC -dname CN=web.test {S}")

    with pytest.raises(KeystoreError) as caught:
        world.keytool(f"-importcert -alias web -file srv.crt {S}")

    assert "import it with -alias srv" in caught.value.hint


def test_a_reply_under_a_new_alias_is_refused_before_it_is_written(signed: Signed) -> None:
    """The JDK stores it as a trusted certificate, which looks like success (K11)."""
    world = signed()
    before = world.files["s.p12"]

    with pytest.raises(KeystoreError, match="reply for the key 'srv'") as caught:
        world.keytool(f"-importcert -noprompt -alias mykey -file srv.crt {S}")

    assert caught.value.code == "reply-wrong-alias"
    assert world.files["s.p12"] == before


def test_a_reply_that_is_installed_already_is_said_to_be(signed: Signed) -> None:
    world = signed()
    world.keytool(f"-importcert -alias root -file ca.crt -noprompt {S}")
    world.keytool(f"-importcert -alias srv -file srv.crt {S}")

    with pytest.raises(KeystoreError, match="identical"):
        world.keytool(f"-importcert -alias srv -file srv.crt {S}")


@pytest.mark.parametrize(
    ("options", "server", "warning"),
    [
        ("-ext san=dns:other.test -ext eku=sA,cA", "hub.test", "calls itself hub.test"),
        ("-ext san=dns:other.test -ext eku=sA,cA", None, "left out the DNS names hub.test"),
        ("-ext eku=sA,cA", None, "has no DNS name"),
        ("-ext honored=san -ext eku=sA", None, "lacks the extended key usage clientAuth"),
        ("-ext honored=all -startdate +2y", None, "not today"),
    ],
)
def test_what_partners_would_object_to_is_said_before_the_reply_is_installed(
    signed: Signed, options: str, server: str | None, warning: str
) -> None:
    world = signed(options)
    world.server_name = server
    world.keytool(f"-importcert -alias root -file ca.crt -noprompt {S}")

    outcome = world.keytool(f"-importcert -alias srv -file srv.crt {S}")

    said = [text for text in outcome.messages if text.startswith("Warning")]
    assert any(warning in text for text in said), outcome.messages
    assert outcome.messages.index(said[0]) < outcome.messages.index(
        "Certificate reply was installed in keystore"
    )


def test_a_root_is_shown_and_asked_about(signed: Signed) -> None:
    world = signed()
    world.answers = ["no"]
    refused = world.keytool(f"-importcert -alias root -file ca.crt {S}")
    world.answers = ["yes"]
    world.keytool(f"-importcert -alias root -file ca.crt {S}")

    assert refused.messages == ("Certificate was not added to keystore",)
    assert refused.writes == ()
    assert "Owner: CN=Root One" in world.asked[0]
    assert world.asked[0].endswith("Trust this certificate? [no]:  ")
    assert isinstance(world.store().entries["root"], TrustedCertificateEntry)


def test_a_certificate_of_a_trusted_ca_is_added_without_a_question(signed: Signed) -> None:
    world = signed()
    world.keytool(f"-genkeypair -alias sub -keyalg EC -dname CN=Sub {CA}")
    world.keytool(f"-certreq -alias sub -file sub.csr {CA}")
    world.keytool(f"-gencert -alias ca -infile sub.csr -outfile sub.crt -ext bc=ca:true {CA}")
    world.keytool(f"-importcert -alias root -file ca.crt -noprompt {S}")
    world.asked.clear()

    world.keytool(f"-importcert -alias sub -file sub.crt {S}")

    assert world.asked == []
    assert "sub" in world.store()


def test_a_trusted_alias_in_use_is_not_overwritten(signed: Signed) -> None:
    world = signed()
    world.keytool(f"-importcert -alias root -file ca.crt -noprompt {S}")

    with pytest.raises(AliasTaken, match="alias <root> already exists"):
        world.keytool(f"-importcert -alias root -file ca.crt -noprompt {S}")


def test_an_altered_root_is_refused(signed: Signed) -> None:
    world = signed()
    der = bytearray(load_certificates(world.files["ca.crt"])[0].public_bytes(Encoding.DER))
    der[-1] ^= 1
    world.files["bad.crt"] = bytes(der)

    with pytest.raises(KeystoreError) as caught:
        world.keytool(f"-importcert -alias root -file bad.crt -noprompt {S}")

    assert caught.value.code == "certificate-altered"


def test_the_intermediate_above_the_reply_may_lie_in_the_store(signed: Signed) -> None:
    world = signed()
    world.keytool(f"-genkeypair -alias sub -keyalg EC -dname CN=Sub {CA}")
    world.keytool(f"-certreq -alias sub -file sub.csr {CA}")
    world.keytool(f"-gencert -alias ca -infile sub.csr -outfile sub.crt -ext bc=ca:true {CA}")
    world.keytool(f"-importcert -alias root -noprompt -file ca.crt {CA}")
    world.keytool(f"-importcert -alias sub -file sub.crt {CA}")
    world.keytool(f"-gencert -alias sub -infile srv.csr -outfile srv2.crt {CA}")
    world.keytool(f"-importcert -alias root -file ca.crt -noprompt {S}")

    first = x509.load_der_x509_certificate(_first(world.files["srv2.crt"]))
    world.files["sub-only.crt"] = first.public_bytes(Encoding.DER)

    with pytest.raises(KeystoreError, match="it leads to CN=Sub"):
        world.keytool(f"-importcert -alias srv -file sub-only.crt {S}")
    world.keytool(f"-importcert -alias sub -file sub.crt -noprompt {S}")
    world.keytool(f"-importcert -alias srv -file sub-only.crt {S}")

    entry = world.store().entries["srv"]
    assert isinstance(entry, PrivateKeyEntry)
    assert len(entry.chain) == 3


def _first(data: bytes) -> bytes:
    """Return the first of several DER values in a row."""
    _, body, length = header(data, 0)
    assert length is not None
    return data[: body + length]
