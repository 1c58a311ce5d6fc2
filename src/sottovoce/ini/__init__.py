"""INI-file text ↔ entries with line numbers; typed key tables; every fault at once."""

from sottovoce.ini.addresses import HttpAddress, HttpUrl
from sottovoce.ini.backslashes import single_backslash_fault, single_backslashes
from sottovoce.ini.document import Document, Entry
from sottovoce.ini.editing import with_value
from sottovoce.ini.filenames import CredentialName, PasswordFile
from sottovoce.ini.hostname import is_ip_address, normalise_host_name
from sottovoce.ini.kinds import (
    PORT,
    AbsolutePath,
    Boolean,
    Choice,
    Duration,
    HostName,
    Integer,
    IpAddress,
    Kind,
    ListOf,
    Objection,
    SecretText,
    Text,
    Unfit,
)
from sottovoce.ini.near import distance, nearest, nearest_host
from sottovoce.ini.parser import LARGEST_FILE, MOST_FAULTS, parse, survey
from sottovoce.ini.secret import Secret
from sottovoce.ini.show import shown
from sottovoce.ini.table import AnyKey, Examined, Key, Settings, examine_table, read_table
from sottovoce.ini.writer import dumps

__all__ = [
    "LARGEST_FILE",
    "MOST_FAULTS",
    "PORT",
    "AbsolutePath",
    "AnyKey",
    "Boolean",
    "Choice",
    "CredentialName",
    "Document",
    "Duration",
    "Entry",
    "Examined",
    "HostName",
    "HttpAddress",
    "HttpUrl",
    "Integer",
    "IpAddress",
    "Key",
    "Kind",
    "ListOf",
    "Objection",
    "PasswordFile",
    "Secret",
    "SecretText",
    "Settings",
    "Text",
    "Unfit",
    "distance",
    "dumps",
    "examine_table",
    "is_ip_address",
    "nearest",
    "nearest_host",
    "normalise_host_name",
    "parse",
    "read_table",
    "shown",
    "single_backslash_fault",
    "single_backslashes",
    "survey",
    "with_value",
]
