"""Certificates from an outside authority by ACME (RFC 8555): asked for, checked, put in place."""

from sottovoce.server.outside.orders import Order, Use, read_order, write_order
from sottovoce.server.outside.places import Place, place_of

__all__ = ["Order", "Place", "Use", "place_of", "read_order", "write_order"]
