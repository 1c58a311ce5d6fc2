"""``sottovoce start`` as a process: what it prints, where its secrets are not, how it stops."""

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sottovoce.policy import Component

if TYPE_CHECKING:
    from tests.components.conftest import Estate

pytestmark = [pytest.mark.slow, pytest.mark.interpreter, pytest.mark.timeout(120)]


def secrets_of(estate: "Estate", label: str) -> list[str]:
    home = estate.homes[label]
    roots = (home.path / "conf" / "cacerts.password").read_text("utf-8").strip()
    return [home.password, roots, "canary-relay"]


def test_a_running_server_shows_its_passwords_nowhere(estate: "Estate", eventually: Any) -> None:
    """W20, W12: not in its output, logs, command line or environment; five passwords in use."""
    estate.build(("all", tuple(Component)))
    home = estate.homes["all"].secure()
    home.set("trk/tracker.ini", "WebKeystorePath", str(home.keystore))
    home.set("trk/tracker.ini", "WebKeystorePassword", home.password)
    home.set("lui/lui.ini", "SmtpUser", "lui")
    home.set("lui/lui.ini", "SmtpPassword", "canary-relay")
    server = estate.start("all")
    eventually(lambda: len(estate.security("all", outcome="accepted")) >= 6)
    process = Path(f"/proc/{server.process.pid}")
    places = {
        "command line": (process / "cmdline").read_text("utf-8", "replace"),
        "environment": (process / "environ").read_text("utf-8", "replace"),
    }
    assert estate.stop("all") == 0
    places["output"] = "\n".join(server.output)
    for path in (home.path / "logs").iterdir():
        places[path.name] = path.read_text("utf-8")
    assert len(places) == 8
    for place, text in places.items():
        found = [secret for secret in secrets_of(estate, "all") if secret in text]
        assert found == [], place
        assert "Traceback" not in text


def test_it_prints_where_things_are_and_stops_when_told(estate: "Estate") -> None:
    """W2, W19: the start-up lines, ports and places; then ready, and nothing more until the end."""
    estate.build(("all", tuple(Component)))
    home = estate.homes["all"].secure()
    server = estate.start("all")
    printed = "\n".join(server.output)
    for component in Component:
        line = "Initializing Secure Sockets Layer (SSL) for component communication"
        assert f"{component.label}: {line}\n" in printed
    for word in (
        home.name,
        "mutual TLS 1.3",
        f"127.0.0.2:{estate.internal}",
        f"127.0.0.2:{estate.tracker}",
        str(home.path / "logs"),
    ):
        assert word in printed
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(60) == 0
    estate.stop("all")
    assert server.output[-2:] == ["ready", "stopping"]


def test_a_second_process_on_the_home_is_refused_and_the_first_goes_on(
    estate: "Estate", eventually: Any
) -> None:
    """Otherwise two would send the same mails; a kill leaves no lock behind."""
    from sottovoce.cli.demo.installation import RunningServer
    from sottovoce.errors import SottovoceError

    estate.build(("all", tuple(Component)))
    first = estate.start("all")
    second = RunningServer(estate.homes["all"].path)
    with pytest.raises(SottovoceError) as refused:
        second.wait_ready()
    assert second.stop() == 2
    assert "home-in-use" in str(refused.value)
    assert str(first.process.pid) in str(refused.value)
    assert first.process.poll() is None
    first.kill()
    estate.start("all")
    eventually(lambda: estate.security("all", outcome="accepted"))
    assert estate.stop("all") == 0
