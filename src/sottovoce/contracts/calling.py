"""How a contract is written down: a ``Protocol`` class with methods marked by :func:`call`.

This module knows neither the wire nor the network; it only remembers, for each call, its name, the
records that cross, who may make it, and how long it may take.
"""

import typing
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from sottovoce.policy import Component

__all__ = ["CALL_DEADLINE", "CallSpec", "Caller", "Record", "call", "calls_of"]

#: Seconds that a call may take when its contract says nothing else.
CALL_DEADLINE = 30.0

Method = TypeVar("Method", bound=Callable[..., Awaitable[Any]])


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The base of what crosses between components: frozen, named fields, unknown ones ignored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who makes the calls of a channel, as the gate found out; never taken from an argument.

    Args:
        component: the role that the caller announced and was granted.
        server: the name by which its server was verified; its own word on a plain channel.
        secured: whether the channel is mutual TLS.
        fingerprint: SHA-256 of the caller's certificate; empty on a plain channel.
        names: DNS names of that certificate; none on a plain channel.
        connection_id: the id of the channel in both logs.
    """

    component: Component
    server: str
    secured: bool
    fingerprint: str = ""
    names: tuple[str, ...] = ()
    connection_id: str = ""

    def is_on(self, server: str) -> bool:
        """Tell whether it calls from *server*: by the announced name, or one that it proves.

        While a server is renamed, its certificate has both names, and either is the truth.
        """
        wanted = _plain(server)
        return wanted in {_plain(name) for name in (self.server, *self.names)}


def _plain(name: str) -> str:
    return name.rstrip(".").lower()


@dataclass(frozen=True, slots=True)
class CallSpec:
    """What is known of one call of a contract.

    Args:
        name: the name on the wire, ``component.verb``.
        roles: the components that may make the call.
        deadline: seconds.
        request: the type of its one argument.
        reply: the type of its result.
        attribute: the method's name in the contract class.
    """

    name: str
    roles: frozenset[Component]
    deadline: float
    request: Any
    reply: Any
    attribute: str


def call(
    name: str, *, roles: Iterable[Component], deadline: float = CALL_DEADLINE
) -> Callable[[Method], Method]:
    """Mark a contract's method as the call *name*, open to *roles*, within *deadline* seconds."""

    def mark(method: Method) -> Method:
        method.__call_mark__ = (name, frozenset(roles), deadline)  # type: ignore[attr-defined]
        return method

    return mark


def calls_of(contract: type) -> dict[str, CallSpec]:
    """Return the calls of *contract* by their names on the wire.

    Raises:
        TypeError: a marked method does not take exactly one annotated record.
    """
    specs: dict[str, CallSpec] = {}
    for attribute, method in vars(contract).items():
        mark = getattr(method, "__call_mark__", None)
        if mark is None:
            continue
        hints = typing.get_type_hints(method)
        reply = hints.pop("return", None)
        if len(hints) != 1:
            raise TypeError(f"{contract.__name__}.{attribute} must take exactly one record")
        name, roles, deadline = mark
        (request,) = hints.values()
        specs[name] = CallSpec(name, roles, deadline, request, reply, attribute)
    return specs
