"""Typed stubs: an object with a contract's methods, each passed on to one function."""

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, TypeVar, cast

import msgspec

from sottovoce.contracts import CallSpec, calls_of

__all__ = ["decoder", "make_stub"]

Contract = TypeVar("Contract")


@cache
def decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    """Return the decoder of a record type, made once."""
    return msgspec.msgpack.Decoder(kind)


def make_stub(
    contract: type[Contract], call: Callable[[CallSpec, object], Awaitable[Any]]
) -> Contract:
    """Return an object with the methods of *contract*, each passing its argument to *call*."""
    methods = {spec.attribute: _bound(call, spec) for spec in calls_of(contract).values()}
    stub = type(f"{contract.__name__}Stub", (), {})()
    vars(stub).update(methods)
    return cast(Contract, stub)


def _bound(
    call: Callable[[CallSpec, object], Awaitable[Any]], spec: CallSpec
) -> Callable[[object], Awaitable[Any]]:
    def method(request: object, /) -> Awaitable[Any]:
        return call(spec, request)

    return method
