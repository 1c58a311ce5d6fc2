"""The connection that HUB has no end of: what LUI says of it in its heartbeats."""

from sottovoce.contracts import EdgePosture
from sottovoce.errors import Fault, StoreError
from sottovoce.hub import open_report
from sottovoce.hub.service.posture import UNHEARD
from sottovoce.net import utc_now
from sottovoce.server.checking.examination import Examination
from sottovoce.server.checking.notebook import Notebook
from sottovoce.server.checking.outgoing import edge_id

__all__ = ["check_reported"]


async def check_reported(notebook: Notebook, known: Examination) -> None:
    """Tell, on HUB's server, of the connections between other servers."""
    if known.hub is None or not known.process:
        return
    try:
        report = await open_report(
            known.home.path,
            known.hub,
            own_name=known.own_name,
            secured=known.secured,
            clock=utc_now,
        )
    except StoreError as error:
        message = f"HUB's database does not tell of the others: {error.message}"
        notebook.untold("reported", message, code=error.code)
        return
    for edge in report.edges:
        if edge.caller not in known.components and edge.called not in known.components:
            _tell(notebook, edge)


def _tell(notebook: Notebook, edge: EdgePosture) -> None:
    check = edge_id(edge.caller.value, edge.called.value)
    who = f"{edge.caller.label} → {edge.called.label}"
    if edge.state in {"secured", "plain"}:
        notebook.fine(check, f"{who}: {edge.state}, as {edge.caller.label} reports.")
    elif edge.code in UNHEARD:
        notebook.skip(check, f"{who} is not known here: {edge.caller.label} was not heard lately.")
    else:
        notebook.fault(check, _reported(edge, who))


def _reported(edge: EdgePosture, who: str) -> Fault:
    where = f"{edge.name}:{edge.port}" if edge.name else f"port {edge.port}"
    return Fault(
        code=edge.code or "connect-failed",
        why=f"{who} ({where}) is {edge.state}, as {edge.caller.label} reports.",
        expected="a connection that stands",
        presented=edge.state,
        hint=f"On {edge.caller.label}'s server: sottovoce check --home DIR --partners",
    )
