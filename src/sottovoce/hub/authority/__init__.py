"""The installation's certificate authority: a root outside every home, an issuing one in HUB's.

Owns the folders, the order of the acts and their records; the rules are in :mod:`sottovoce.pki`.
Everything here is synchronous and blocks for milliseconds.
"""

from sottovoce.hub.authority.acts import Order, Signed, revoke, sign, sign_list
from sottovoce.hub.authority.creating import (
    OpenRoot,
    create_issuing,
    create_root,
    renew_issuing,
)
from sottovoce.hub.authority.files import read_bounded, read_password, write_public
from sottovoce.hub.authority.folder import AuthorityFolder
from sottovoce.hub.authority.index import REASONS, Index, Issued, Kind
from sottovoce.hub.authority.issuing import LIST_LIFETIME, Issuer, issuing_folder

__all__ = [
    "LIST_LIFETIME",
    "REASONS",
    "AuthorityFolder",
    "Index",
    "Issued",
    "Issuer",
    "Kind",
    "OpenRoot",
    "Order",
    "Signed",
    "create_issuing",
    "create_root",
    "issuing_folder",
    "read_bounded",
    "read_password",
    "renew_issuing",
    "revoke",
    "sign",
    "sign_list",
    "write_public",
]
