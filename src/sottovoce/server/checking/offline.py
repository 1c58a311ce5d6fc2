"""Everything that can be said of one server without a connection, in the order of a search.

The order is RabbitMQ's for TLS: first the settings, then the files, then what the certificates say,
then the ports; each step needs those above it, so the first fault is the cause of those below.
"""

from datetime import datetime
from pathlib import Path

from sottovoce.server.checking.certificates import check_certificate, check_revocation
from sottovoce.server.checking.clocks import check_clock
from sottovoce.server.checking.examination import Examination
from sottovoce.server.checking.files import check_files, check_switch
from sottovoce.server.checking.history import read_history
from sottovoce.server.checking.in_force import check_in_force
from sottovoce.server.checking.keystores import check_keystore, check_roots
from sottovoce.server.checking.lists import check_allowed_list
from sottovoce.server.checking.notebook import Notebook
from sottovoce.server.checking.ports import check_ports, running_process
from sottovoce.server.home import Home

__all__ = ["check_home"]


def check_home(path: Path, notebook: Notebook, *, at: datetime) -> Examination:
    """Check one server's home; nothing is written, and no connection is made.

    Args:
        path: the home folder.
        notebook: gets the findings.
        at: UTC.

    Returns:
        What was read, for the checks of partners.
    """
    known = Examination(home=Home(path.absolute()), at=at)
    known.process = running_process(known.home.path)
    check_files(notebook, known)
    if known.settings is None and not known.home.server_ini.exists():
        return known
    notebook.facts = {"own": known.own_name}
    check_switch(notebook, known)
    _read_history(notebook, known)
    if known.secured:
        check_keystore(notebook, known)
        check_roots(notebook, known)
        check_revocation(notebook, known)
        check_certificate(notebook, known)
        check_allowed_list(notebook, known)
    check_in_force(notebook, known)
    check_clock(notebook, known)
    check_ports(notebook, known)
    return known


def _read_history(notebook: Notebook, known: Examination) -> None:
    try:
        known.history = read_history(known.home.logs / "security.log")
    except OSError as error:
        notebook.untold(
            "security-log",
            f"logs/security.log cannot be read ({error.strerror}), so nothing is known of who "
            "called and who was refused.",
            code="file-unreadable",
        )
