"""The limits of a connection, each with its name; one frozen value, replaced in tests."""

from dataclasses import dataclass

__all__ = ["LIMITS", "Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds per phase, and how much of what.

    Args:
        resolve: to find an address.
        connect: to get a TCP connection; after it a firewall is the likely cause (catalogue P5).
        first_bytes: for a caller to say anything at all (haproxy's usual client timeout is 5 s).
        handshake: for TLS (nginx's default is 60 s, stunnel's 10 s).
        greeting: for Greeting, Hello and Ready together.
        join: for HUB to certify a new server and to have it in its list of servers.
        linger: to swallow what the peer still sends after our last word, so that the word arrives.
        idle: without any message before a Ping is sent.
        pong: for the answer to a Ping.
        unfinished_per_address: connections of one address that are not yet admitted.
        unfinished: the same for all addresses together.
        why_per_minute: questions on the *why* path per address and minute.
        joins_per_minute: attempts on the *join* path per address and minute.
        lists_per_minute: requests on the *lists* path per address and minute.
    """

    resolve: float = 5.0
    connect: float = 5.0
    first_bytes: float = 5.0
    handshake: float = 10.0
    greeting: float = 10.0
    join: float = 60.0
    linger: float = 1.0
    idle: float = 30.0
    pong: float = 10.0
    unfinished_per_address: int = 32
    unfinished: int = 512
    why_per_minute: int = 12
    joins_per_minute: int = 12
    lists_per_minute: int = 12


#: What is used when nothing else is said.
LIMITS = Limits()
