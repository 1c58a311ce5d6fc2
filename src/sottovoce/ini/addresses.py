"""Addresses of files on the web that are signed by themselves: plain ``http`` only.

Owns the syntax of such an address, for settings and for what stands in certificates. Revocation
lists and OCSP answers are fetched without TLS: checking that TLS would need them (RFC 5280 8).
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from sottovoce.ini.hostname import is_ip_address, normalise_host_name
from sottovoce.ini.kinds import Kind, Objection, Unfit
from sottovoce.ini.show import shown

__all__ = ["HttpAddress", "HttpUrl"]

#: Longer ones are nobody's: RFC 9110 4.1 recommends to take 8000 octets.
_LONGEST = 2000
_VISIBLE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class HttpAddress:
    """An ``http`` address, taken apart.

    Args:
        host: a name, or an IP address without brackets.
        port: 80 unless it says otherwise.
        target: path and query, as they go into the request.
    """

    host: str
    port: int
    target: str

    @classmethod
    def parse(cls, text: str) -> "HttpAddress":
        """Take an address apart.

        Raises:
            ValueError: it is none that is fetched; the message continues “the address …”.
        """
        if len(text) > _LONGEST or not _VISIBLE.fullmatch(text):
            raise ValueError("is too long, or has blanks or characters outside ASCII")
        parts = urlsplit(text)
        if parts.scheme != "http":
            raise ValueError("does not begin with http://")
        if "@" in parts.netloc or parts.hostname is None:
            raise ValueError("has no host name, or a user in front of it")
        try:
            port = 80 if parts.port is None else parts.port
        except ValueError:
            raise ValueError("has a port that is no number up to 65535") from None
        host = parts.hostname
        if not is_ip_address(host):
            host = normalise_host_name(host)
        query = f"?{parts.query}" if parts.query else ""
        return cls(host, port or 80, f"{parts.path or '/'}{query}")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}{'' if self.port == 80 else f':{self.port}'}{self.target}"


@dataclass(frozen=True, slots=True)
class HttpUrl(Kind[str]):
    """An ``http`` address, returned as it stands there."""

    @property
    def label(self) -> str:
        return "an address that begins with http://"

    def read(self, text: str) -> str:
        try:
            HttpAddress.parse(text)
        except ValueError as error:
            raise Unfit(Objection(why=str(error), presented=shown(text))) from None
        return text
