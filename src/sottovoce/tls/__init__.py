"""The sans-I/O handshake engine, its contexts, trust generations and the gate."""

from sottovoce.tls.alerts import alert_name
from sottovoce.tls.client_hello import ClientHello, client_hello
from sottovoce.tls.clocks import blame_clocks
from sottovoce.tls.contexts import AlpnPath, accepting_context, calling_context
from sottovoce.tls.engine import Arrived, Broken, Ended, Engine, Event, PlainEngine, Secured
from sottovoce.tls.evidence import Evidence, Problem, Side, Tunnel
from sottovoce.tls.failures import faults_of
from sottovoce.tls.gate import Verdict, judge
from sottovoce.tls.generation import (
    Face,
    Trust,
    TrustGeneration,
    identity_faults,
    own_faults,
)
from sottovoce.tls.judging import Judging
from sottovoce.tls.peek import PEEK_LIMIT, PLAIN_PREAMBLE, FirstBytes, Speaker, peek

__all__ = [
    "PEEK_LIMIT",
    "PLAIN_PREAMBLE",
    "AlpnPath",
    "Arrived",
    "Broken",
    "ClientHello",
    "Ended",
    "Engine",
    "Event",
    "Evidence",
    "Face",
    "FirstBytes",
    "Judging",
    "PlainEngine",
    "Problem",
    "Secured",
    "Side",
    "Speaker",
    "Trust",
    "TrustGeneration",
    "Tunnel",
    "Verdict",
    "accepting_context",
    "alert_name",
    "blame_clocks",
    "calling_context",
    "client_hello",
    "faults_of",
    "identity_faults",
    "judge",
    "own_faults",
    "peek",
]
