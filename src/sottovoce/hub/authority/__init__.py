"""The installation's certificate authority: a root outside every home, an issuing one in HUB's.

Owns the folders, the order of the acts and their records; the rules are in :mod:`sottovoce.pki`.
Everything here is synchronous and blocks for milliseconds.
"""

from sottovoce.hub.authority.acts import Order, Signed, revoke, sign, sign_list
from sottovoce.hub.authority.creating import (
    create_issuing,
    renew_issuing,
    replace_issuing,
    revoke_issuing,
)
from sottovoce.hub.authority.files import read_bounded, read_password, write_public
from sottovoce.hub.authority.folder import AuthorityFolder
from sottovoce.hub.authority.index import REASONS, Index, Issued, Kind, Rename, Rollover, Step
from sottovoce.hub.authority.issuing import Issuer, issuing_folder
from sottovoce.hub.authority.lists import LIST_LIFETIME
from sottovoce.hub.authority.renaming import (
    forget_rename,
    names_without,
    permits,
    rename,
    settle_rename,
)
from sottovoce.hub.authority.rollover import (
    REMOVED,
    STEPS,
    Plan,
    Reported,
    abandon,
    advance,
    next_step,
    untrusted_roots,
)
from sottovoce.hub.authority.roots import OpenRoot, create_root

__all__ = [
    "LIST_LIFETIME",
    "REASONS",
    "REMOVED",
    "STEPS",
    "AuthorityFolder",
    "Index",
    "Issued",
    "Issuer",
    "Kind",
    "OpenRoot",
    "Order",
    "Plan",
    "Rename",
    "Reported",
    "Rollover",
    "Signed",
    "Step",
    "abandon",
    "advance",
    "create_issuing",
    "create_root",
    "forget_rename",
    "issuing_folder",
    "names_without",
    "next_step",
    "permits",
    "read_bounded",
    "read_password",
    "rename",
    "renew_issuing",
    "replace_issuing",
    "revoke",
    "revoke_issuing",
    "settle_rename",
    "sign",
    "sign_list",
    "untrusted_roots",
    "write_public",
]
