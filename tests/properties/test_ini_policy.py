"""``ssl.ini`` and the allowed list: fail closed, and no slip ever shows the password (W17, W20)."""

from hypothesis import given
from hypothesis import strategies as st

from sottovoce import ini
from sottovoce.errors import SettingsError
from sottovoce.policy import AllowedClients, SslSettings, read_ssl_settings

PASSWORD = "Geh31m-mis"
BEFORE = (
    "# three entries\nSSLAllowedClients=hub.test,lui.test,trk.test\r\n"
    "SSLKeystorePath=/srv/hub/server.p12\nSSLKeystorePassword="
)
AFTER = "\n# the end\n"
PIECES = (
    "\\",
    "\\u",
    "\n",
    "\r",
    " ",
    "=",
    ":",
    ",",
    "#",
    "\ufeff",
    "\0",
    "é",
    "SSL",
    "\\\n",
    "\ud800",
)

labels = st.text("abxyz0189-_", min_size=1, max_size=10)
names = st.lists(labels, min_size=1, max_size=4).map(".".join)


def _told(data: bytes) -> str:
    """Everything that anyone is told about a file."""
    document = ini.survey(data, file="ssl.ini")
    try:
        settings = read_ssl_settings(document, file="ssl.ini", own_name="hub.test")
    except SettingsError as error:
        return f"{document!r}{error}{error.faults!r}"
    return f"{document!r}{settings!r}{settings.warnings!r}"


@st.composite
def slips(draw: st.DrawFn, text: str) -> str:
    """The text with up to three slips: a character lost, or a piece too many."""
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        lost = draw(st.integers(0, 1))
        text = text[:at] + draw(st.sampled_from(PIECES)) * (1 - lost) + text[at + lost :]
    return text


@given(slips(BEFORE), slips(AFTER))
def test_no_slip_beside_the_password_shows_it(before: str, after: str) -> None:
    """W20: whatever goes wrong around it."""
    data = f"{before}{PASSWORD}{after}".encode("utf-8", "replace")

    assert PASSWORD not in _told(data)


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from([BEFORE, PASSWORD, *PIECES])).map(
        lambda pieces: "".join(pieces).encode("utf-8", "replace")
    )
)
def test_any_file_gives_settings_that_keep_the_rules_or_every_reason(data: bytes) -> None:
    """W17: never half of the settings."""
    try:
        settings = read_ssl_settings(ini.survey(data), file="ssl.ini", own_name="hub.test")
    except SettingsError as error:
        faults = error.faults
    else:
        faults = ()
        assert isinstance(settings, SslSettings)
        assert settings.allowed_clients.decide("hub.test").allowed
        assert settings.keystore_path.is_absolute()
        assert settings.keystore_password
    assert all(fault.file == "ssl.ini" and not fault.warning for fault in faults)


@given(st.lists(names, max_size=5), st.text(max_size=30) | names)
def test_a_decision_is_total_and_admits_exactly_the_listed_names(
    listed: list[str], name: str
) -> None:
    """Catalogue A1, A5, A7."""
    try:
        allowed = AllowedClients(listed)
    except ValueError:
        return
    decision = allowed.decide(name)

    try:
        expected = ini.normalise_host_name(name) in allowed.names
    except ValueError:
        expected = False
    assert decision.allowed == expected
    assert decision.allowed == (decision.code == "allowed")
    assert bool(decision.hint) != decision.allowed
    assert all(allowed.decide(each.upper() + ".").allowed for each in allowed.names)
