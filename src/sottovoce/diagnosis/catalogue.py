"""The catalogue: every entry by its code.

This module only joins the families; the entries are in :mod:`sottovoce.diagnosis.entries`.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from sottovoce.diagnosis.entries import (
    allowed,
    campaign,
    chains,
    contents,
    keystore,
    keytools,
    names,
    network,
    people,
    protocol,
    purposes,
    reaching,
    renewing,
    running,
    settings,
    stores,
    trust,
    validity,
)
from sottovoce.diagnosis.entry import Entry

__all__ = ["ALIASES", "CATALOGUE", "FAMILIES", "entry_of"]

#: Codes that say the same as another; they have its entry and its page.
ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "file-not-private": "file-not-owner-only",
        "keystore-password-short": "password-too-short",
        "reply-no-chain": "root-missing-for-reply",
        "reply-other-key": "reply-wrong-key",
    }
)

#: Every entry by family, in the order of the failure catalogue.
FAMILIES: Mapping[str, tuple[Entry, ...]] = MappingProxyType(
    {
        "names": names.ENTRIES,
        "trust": trust.ENTRIES + chains.ENTRIES,
        "allowed list": allowed.ENTRIES,
        "validity": validity.ENTRIES,
        "network": network.ENTRIES + reaching.ENTRIES,
        "protocol": protocol.ENTRIES + purposes.ENTRIES,
        "keystore": keystore.ENTRIES + contents.ENTRIES + keytools.ENTRIES,
        "settings": settings.ENTRIES,
        "running": running.ENTRIES + stores.ENTRIES + renewing.ENTRIES,
        "campaign": campaign.ENTRIES + people.ENTRIES,
    }
)


def _by_code(families: Iterable[tuple[Entry, ...]]) -> Mapping[str, Entry]:
    table: dict[str, Entry] = {}
    for entry in (entry for family in families for entry in family):
        if entry.code in table:
            raise ValueError(f"two entries have the code {entry.code}")
        table[entry.code] = entry
    return MappingProxyType(table)


#: Every entry by its code.
CATALOGUE: Mapping[str, Entry] = _by_code(FAMILIES.values())


def entry_of(code: str) -> Entry | None:
    """Return the entry of a code or of the code that it is an alias of; None when there is none."""
    return CATALOGUE.get(ALIASES.get(code, code))
