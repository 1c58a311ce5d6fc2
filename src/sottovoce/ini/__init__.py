"""INI-file text ↔ entries with line numbers; typed key tables; every fault at once."""

from sottovoce.ini.backslashes import single_backslash_fault, single_backslashes
from sottovoce.ini.document import Document, Entry
from sottovoce.ini.near import distance, nearest
from sottovoce.ini.parser import LARGEST_FILE, parse
from sottovoce.ini.secret import Secret
from sottovoce.ini.show import shown
from sottovoce.ini.writer import dumps

__all__ = [
    "LARGEST_FILE",
    "Document",
    "Entry",
    "Secret",
    "distance",
    "dumps",
    "nearest",
    "parse",
    "shown",
    "single_backslash_fault",
    "single_backslashes",
]
