"""A server that was renamed after its certificate was issued (catalogue N2).

What one file alone calls a missing name is told here as the cause that the certificate and the list
show together.
"""

from collections.abc import Collection

from cryptography import x509

from sottovoce.errors import Fault
from sottovoce.pki import dns_names, matches_dns_name
from sottovoce.server.home import Home

__all__ = ["blame_renaming"]


def blame_renaming(
    faults: list[Fault],
    *,
    home: Home,
    own_name: str,
    listed: Collection[str],
    leaf: x509.Certificate | None,
) -> None:
    """Put the renaming in place of the own name that is missing from the list, if that is why.

    Args:
        faults: of ``ssl.ini``; changed in place.
        home: the server's.
        own_name: by which the server identifies itself now.
        listed: the names that the list has.
        leaf: the server's certificate, if it could be read.
    """
    missing = [fault for fault in faults if fault.code == "own-name-missing"]
    names = dns_names(leaf) if leaf is not None else ()
    former = [name for name in names if name in listed]
    if not missing or not former or any(matches_dns_name(name, own_name) for name in names):
        return
    faults[faults.index(missing[0])] = Fault(
        code="server-renamed",
        why=f"This server calls itself {own_name} now; its certificate and its list of allowed "
        f"servers still say {former[0]}.",
        expected=own_name,
        presented=", ".join(former),
        hint=f"If the new name is meant: reissue the certificate for {own_name}, put that name "
        "into SSLAllowedClients on every server, and into the settings of the partners. If not: "
        f"set ServerName={former[0]} again.",
        file=str(home.server_ini),
        key="ServerName",
    )
