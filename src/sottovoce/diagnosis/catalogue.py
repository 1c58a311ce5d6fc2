"""The catalogue: every entry by its code.

This module only joins the families; the entries are in :mod:`sottovoce.diagnosis.entries`.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from sottovoce.diagnosis.entries import (
    allowed,
    authority,
    campaign,
    chains,
    contents,
    issuers,
    joining,
    keystore,
    keytools,
    names,
    network,
    people,
    protocol,
    purposes,
    reaching,
    renewing,
    revocation,
    running,
    settings,
    stores,
    switching,
    trust,
    validity,
)
from sottovoce.diagnosis.entry import Entry

__all__ = ["CATALOGUE", "FAMILIES", "entry_of"]

#: Every entry by family, in the order of the failure catalogue.
FAMILIES: Mapping[str, tuple[Entry, ...]] = MappingProxyType(
    {
        "names": names.ENTRIES,
        "trust": trust.ENTRIES + chains.ENTRIES,
        "allowed list": allowed.ENTRIES,
        "validity": validity.ENTRIES + revocation.ENTRIES,
        "network": network.ENTRIES + reaching.ENTRIES,
        "protocol": protocol.ENTRIES + purposes.ENTRIES,
        "keystore": keystore.ENTRIES + contents.ENTRIES + keytools.ENTRIES,
        "authority": authority.ENTRIES + issuers.ENTRIES,
        "settings": settings.ENTRIES,
        "joining": joining.ENTRIES + switching.ENTRIES,
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
    """Return the entry of a code; None when there is none."""
    return CATALOGUE.get(code)
