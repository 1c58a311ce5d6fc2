"""Shipped helpers for tests: throw-away authorities, an in-memory wire, a whole trio."""
