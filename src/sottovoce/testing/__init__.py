"""Shipped helpers for tests: throw-away authorities, an in-memory wire, a whole trio."""

from sottovoce.testing.authorities import ThrowAwayAuthority

__all__ = ["ThrowAwayAuthority"]
