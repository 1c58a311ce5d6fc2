"""asyncio, the only one below the components: listen, dial, pump, peer."""

from typing import TYPE_CHECKING

from sottovoce import loaded_when_used

__all__ = [
    "LIMITS",
    "Applicant",
    "Channel",
    "Clock",
    "Destination",
    "Endpoint",
    "HeartbeatLoop",
    "Implement",
    "Limits",
    "Listener",
    "Newcomer",
    "Offer",
    "Outcome",
    "Peer",
    "PeerFacts",
    "PortAnswer",
    "Probe",
    "Question",
    "Reception",
    "RefusedCallers",
    "Reporting",
    "SecurityLog",
    "SecurityRecord",
    "ServingChannel",
    "Step",
    "TaskOwner",
    "Trace",
    "Welcome",
    "connect",
    "fetch",
    "fetch_lists",
    "join",
    "listen",
    "monotonic",
    "probe",
    "utc_now",
]

if TYPE_CHECKING:
    from sottovoce.net.channel import Channel
    from sottovoce.net.clock import Clock, monotonic, utc_now
    from sottovoce.net.dialer import connect
    from sottovoce.net.endpoint import Endpoint, Implement, Offer, PeerFacts
    from sottovoce.net.fetching import Question, fetch
    from sottovoce.net.heartbeat import HeartbeatLoop, Reporting
    from sottovoce.net.join_checks import Welcome
    from sottovoce.net.joining import Newcomer, join
    from sottovoce.net.limits import LIMITS, Limits
    from sottovoce.net.listener import Listener, listen
    from sottovoce.net.lists import fetch_lists
    from sottovoce.net.peer import Peer
    from sottovoce.net.probing import PortAnswer, Probe, probe
    from sottovoce.net.reaching import Destination
    from sottovoce.net.reception import Applicant, Reception
    from sottovoce.net.refused import RefusedCallers
    from sottovoce.net.security import Outcome, SecurityLog, SecurityRecord
    from sottovoce.net.serving import ServingChannel
    from sottovoce.net.tasks import TaskOwner
    from sottovoce.net.trace import Step, Trace
else:
    __getattr__ = loaded_when_used(
        __name__,
        {
            "channel": ("Channel",),
            "clock": ("Clock", "monotonic", "utc_now"),
            "dialer": ("connect",),
            "endpoint": ("Endpoint", "Implement", "Offer", "PeerFacts"),
            "fetching": ("Question", "fetch"),
            "heartbeat": ("HeartbeatLoop", "Reporting"),
            "join_checks": ("Welcome",),
            "joining": ("Newcomer", "join"),
            "limits": ("LIMITS", "Limits"),
            "lists": ("fetch_lists",),
            "listener": ("Listener", "listen"),
            "peer": ("Peer",),
            "probing": ("PortAnswer", "Probe", "probe"),
            "reaching": ("Destination",),
            "reception": ("Applicant", "Reception"),
            "refused": ("RefusedCallers",),
            "security": ("Outcome", "SecurityLog", "SecurityRecord"),
            "serving": ("ServingChannel",),
            "tasks": ("TaskOwner",),
            "trace": ("Step", "Trace"),
        },
    )
