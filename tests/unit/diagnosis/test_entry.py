"""Templates, and what may be printed of a stranger's text."""

import pytest

from sottovoce.diagnosis.entry import clean, fields_of, fill, veiled


def test_a_known_value_stands_in_the_sentence() -> None:
    text = fill(
        "{own} did not accept {peer}: asked for {expected|a name}, has {presented|others}.",
        {"own": "HUB", "peer": "TRK", "expected": "trk.test", "presented": "trk-old.test"},
    )
    assert text == "HUB did not accept TRK: asked for trk.test, has trk-old.test."


def test_an_unknown_value_has_a_wording() -> None:
    text = fill("{own} did not accept {peer}: asked for {expected|a name}.", {"expected": ""})
    assert text == "This server did not accept the other server: asked for a name."


def test_a_value_at_the_start_keeps_its_case() -> None:
    assert fill("{peer} is late.", {"peer": "trk.test"}) == "trk.test is late."


def test_a_field_with_an_empty_wording_leaves_no_blank() -> None:
    assert fill("The store {file|} is empty.", {}) == "The store is empty."
    assert fill("The store {file|}: empty.", {}) == "The store: empty."
    assert fill("The store {file|} is empty.", {"file": "a.p12"}) == "The store a.p12 is empty."


def test_quotation_marks_are_the_value_s() -> None:
    assert fill("The key '{alias|in the store}' is new.", {}) == "The key in the store is new."
    assert fill("The key '{alias}' is new.", {"alias": "hub"}) == "The key 'hub' is new."
    assert fields_of("'{alias}' and {own}'s") == ("alias", "own")


def test_a_port_is_called_one() -> None:
    template = "{port|the port that was called} is taken"
    assert fill(f"{template}.", {}) == "The port that was called is taken."
    assert fill(f"{template}.", {"port": "1099"}) == "Port 1099 is taken."
    assert fill(f"It says that {template}.", {"port": "7000"}) == "It says that port 7000 is taken."


def test_a_value_with_braces_is_not_a_template() -> None:
    assert fill("{peer} is late.", {"peer": "{own}"}) == "{own} is late."


def test_fields_are_listed_once_in_order() -> None:
    assert fields_of("{own} and {peer|x}: {own}") == ("own", "peer")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("SSLKeystorePassword=geheim", "SSLKeystorePassword=•••"),
        ("SSLKeystorePassword = geheim x", "SSLKeystorePassword = •••"),
        ("said password=geheim then", "said password=••• then"),
        ("smtp://lui:geheim@relay.test refused", "smtp://lui:•••@relay.test refused"),
        (f"GET /c/AAAAAA{'x' * 38} HTTP/1.1", "GET /c/••• HTTP/1.1"),
        ("the code 0123-4567-89AB-CDEF-GHJK", "the code •••"),
        ('{"password": "ge heim"}', '{"password": •••}'),
        ("keytool -list -storepass geheim -v", "keytool -list -storepass ••• -v"),
        ("keystore password was incorrect", "keystore password was incorrect"),
        ("Add SSLKeystorePassword=…geheim", "Add SSLKeystorePassword=•••"),
        ("Add SSLKeystorePassword=… there.", "Add SSLKeystorePassword=… there."),
        ("SSLKeystorePassword  geheim x\nbad decrypt", "SSLKeystorePassword  ••• bad decrypt"),
        ("api_token: abc", "api_token: •••"),
    ],
)
def test_the_value_of_a_password_is_not_shown(text: str, shown: str) -> None:
    """W20: never in a message."""
    assert clean(text) == shown


def test_control_and_direction_characters_are_not_printed() -> None:
    """A log is a stranger's text: no escape sequence reaches the terminal."""
    assert clean("a\x1b[2Jb\x07\u202ec\r\nd") == "a [2Jb c d"


def test_a_long_value_is_cut() -> None:
    assert len(clean("x" * 10_000)) == 400
    assert clean("x" * 50, limit=10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("what does canary-pW7IghMhhwA-6SPOgp-S mean", "what does ••• mean"),
        ("6aba4c69b9d7ef14aa17", "•••"),
        (
            "SSL23_GET_SERVER_HELLO at ip-10-70-240-147",
            "SSL23_GET_SERVER_HELLO at ip-10-70-240-147",
        ),
        ("org.apache.kafka.common.errors.SslAuthenticationException", None),
        ("PKCS12_verify_mac: certificate_verify_failed", None),
    ],
)
def test_a_word_that_looks_drawn_is_veiled(text: str, shown: str | None) -> None:
    assert veiled(text) == (text if shown is None else shown)


def test_what_a_sentence_of_ours_says_of_a_password_stays() -> None:
    """A line of an INI file looks the same, and loses its value."""
    said = "SSLKeystorePassword is missing."
    assert clean(said, ours=True) == said
    assert clean("SSLKeystorePassword hunter2 hunter2") == "SSLKeystorePassword •••"
    assert clean("password=hunter2", ours=True) == "password=•••"
