"""A CSV file of recipients → checked rows and rejects, streaming; knows no database.

UTF-8 with or without a byte-order mark; comma, semicolon or tab; a header. Nothing about a row is
guessed: what cannot be taken is told with line, column, value and reason, and the next row follows.
"""

import csv
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from sottovoce.errors import Fault, FormatError, SettingsError
from sottovoce.lui.schema import Consent
from sottovoce.lui.service.addresses import Address, parse_address
from sottovoce.lui.service.templates import UNSUBSCRIBE

__all__ = ["CONSENT_COLUMN", "EMAIL_COLUMN", "CsvReader", "ImportRow", "Reject"]

#: Bounds. A million recipients with twenty fields have about 200 MB.
MAX_BYTES = 512 * 1024 * 1024
MAX_ROWS = 5_000_000
MAX_COLUMNS = 100
MAX_CELL = 2_000

EMAIL_COLUMN = "email"
CONSENT_COLUMN = "tracking"

_CONSENTS = {
    "": Consent.UNKNOWN,
    "unknown": Consent.UNKNOWN,
    "granted": Consent.GRANTED,
    "yes": Consent.GRANTED,
    "denied": Consent.DENIED,
    "no": Consent.DENIED,
}


@dataclass(frozen=True, slots=True)
class Reject:
    """One cell, or row, that could not be taken; *line* counts from 1, header included."""

    line: int
    column: str
    value: str
    why: str


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One recipient as the file has it."""

    line: int
    address: Address
    fields: dict[str, str]
    consent: Consent


class CsvReader:
    """Reads a file of recipients.

    Args:
        source: a path, or the bytes themselves.
        name: how the file is called in messages.

    Iterating gives an :class:`ImportRow` or the list of :class:`Reject` of a broken row. Blocking:
    it reads files. Close it, or use it in a ``with`` statement.

    Raises:
        SettingsError: the header cannot be used (every fault at once).
        FormatError: the file is empty, too large, or not text.
    """

    def __init__(self, source: Path | bytes, *, name: str = "") -> None:
        self.name = name or (str(source) if isinstance(source, Path) else "data")
        size = source.stat().st_size if isinstance(source, Path) else len(source)
        if size > MAX_BYTES:
            self._refuse(f"has {size:,} bytes, {MAX_BYTES:,} are allowed", "Split it.")
        self._raw: BinaryIO = source.open("rb") if isinstance(source, Path) else io.BytesIO(source)
        self._seen: dict[int, int] = {}
        self.rows = 0
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        """Recognise the separator and read the header."""
        self._text = io.TextIOWrapper(
            self._raw, encoding="utf-8-sig", errors="surrogateescape", newline=""
        )
        first = self._text.readline(64 * 1024)
        self._check_beginning(first)
        self._text.seek(0)
        self.separator = _separator(first)
        csv.field_size_limit(128 * 1024)
        self._reader = csv.reader(self._text, delimiter=self.separator, strict=True)
        self.columns = self._header()
        self.fields = tuple(
            column for column in self.columns if column not in {EMAIL_COLUMN, CONSENT_COLUMN}
        )

    def close(self) -> None:
        """Close the file."""
        self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _refuse(self, why: str, hint: str) -> None:
        raise FormatError(
            f"{self.name} {why}.", source=self.name, hint=hint, code="import-unreadable"
        )

    def _check_beginning(self, first: str) -> None:
        if not first.strip():
            self._refuse("is empty", "Give a file with a header line that has an email column.")
        if first.startswith("PK\x03\x04"):
            self._refuse("is a ZIP or spreadsheet file", "Save it as CSV (UTF-8).")
        if "\x00" in first or first.startswith(("\udcff\udcfe", "\udcfe\udcff")):
            self._refuse("is not UTF-8 text (it looks like UTF-16)", "Save it as CSV (UTF-8).")

    def _header(self) -> tuple[str, ...]:
        try:
            cells = next(self._reader)
        except (csv.Error, StopIteration) as error:
            raise FormatError(
                f"{self.name}: the header cannot be read ({error}).",
                source=self.name,
                position=1,
                code="import-unreadable",
            ) from None
        names = tuple(_column_name(cell) for cell in cells)
        faults = list(self._header_faults(cells, names))
        if faults:
            raise SettingsError(faults, message="The header cannot be used:")
        return names

    def _header_faults(self, cells: list[str], names: tuple[str, ...]) -> Iterator[Fault]:
        def fault(why: str, hint: str, column: str) -> Fault:
            return Fault(
                code="import-header",
                why=why,
                hint=hint,
                file=self.name,
                line=1,
                key=column,
                presented=column,
            )

        if len(names) > MAX_COLUMNS:
            yield fault(f"{len(names)} columns, {MAX_COLUMNS} are allowed.", "Drop some.", "")
        if EMAIL_COLUMN not in names:
            found = ", ".join(names[:20])
            yield fault(f"there is no column 'email' (found: {found}).", "Name one 'email'.", "")
        for number, (cell, name) in enumerate(zip(cells, names, strict=True), 1):
            if not name:
                yield fault(f"column {number} has no name.", "Name it, or remove it.", cell)
            elif not name.isidentifier() or len(name) > 64 or name == UNSUBSCRIBE:
                why = f"column {number}, {cell[:70]!r}, cannot be used as a field's name."
                yield fault(why, "Use letters, digits and underscores.", cell)
            elif name in names[: number - 1]:
                yield fault(f"column {number} repeats the name {name!r}.", "Rename one.", cell)

    def __iter__(self) -> Iterator[ImportRow | list[Reject]]:
        while True:
            line = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                self.rows += 1
                yield [Reject(line, "", "", f"The row cannot be read: {error}.")]
                continue
            if not any(cells):
                continue
            self.rows += 1
            if self.rows > MAX_ROWS:
                self._refuse(f"has more than {MAX_ROWS:,} rows", "Split it.")
            yield self._row(line, cells)

    def _row(self, line: int, cells: list[str]) -> ImportRow | list[Reject]:
        if len(cells) != len(self.columns):
            why = f"The row has {len(cells)} cells, the header has {len(self.columns)}."
            hint = " Put values that contain the separator in quotes."
            text = self.separator.join(cells)
            return [Reject(line, "", _shown(text), why + hint)]
        rejects: list[Reject] = []
        values: dict[str, str] = {}
        for column, cell in zip(self.columns, cells, strict=True):
            why = _refusal(cell)
            if why:
                rejects.append(Reject(line, column, _shown(cell), why))
            values[column] = unicodedata.normalize("NFC", cell.strip())
        address = self._address(line, values.pop(EMAIL_COLUMN), rejects)
        consent = self._consent(line, values.pop(CONSENT_COLUMN, ""), rejects)
        if rejects or address is None:
            return rejects
        return ImportRow(line, address, values, consent)

    def _address(self, line: int, text: str, rejects: list[Reject]) -> Address | None:
        if any(reject.column == EMAIL_COLUMN for reject in rejects):
            return None
        try:
            address = parse_address(text)
        except ValueError as error:
            rejects.append(Reject(line, EMAIL_COLUMN, _shown(text), str(error)))
            return None
        first = self._seen.setdefault(hash(address.norm), line)
        if first != line:
            why = f"The address stands in line {first} already."
            rejects.append(Reject(line, EMAIL_COLUMN, _shown(text), why))
        return address

    def _consent(self, line: int, text: str, rejects: list[Reject]) -> Consent:
        consent = _CONSENTS.get(text.lower())
        if consent is None:
            why = "Tracking consent is 'granted', 'denied' or empty."
            rejects.append(Reject(line, CONSENT_COLUMN, _shown(text), why))
        return consent or Consent.UNKNOWN


def _separator(header: str) -> str:
    """Return the separator that the header has most often outside quotes; comma if none."""
    bare = "".join(header.split('"')[::2])
    return max(",;\t", key=bare.count)


def _column_name(cell: str) -> str:
    return "_".join(unicodedata.normalize("NFC", cell).strip().lower().replace("-", " ").split())


def _refusal(cell: str) -> str:
    """Return why a cell cannot be taken, or nothing."""
    if len(cell) > MAX_CELL:
        return f"The cell has {len(cell):,} characters, {MAX_CELL:,} are allowed."
    if cell.isprintable():
        return ""
    for character in cell:
        if "\ud800" <= character <= "\udfff":
            byte = ord(character) - 0xDC00
            return f"The cell is not UTF-8 (byte 0x{byte:02X}). Save the file as CSV (UTF-8)."
        if character < " " and character not in "\t\r\n":
            return f"The cell contains the control character U+{ord(character):04X}."
    return ""


def _shown(text: str) -> str:
    """Return *text* as it can be shown and stored: bounded, no controls, no lone surrogates."""
    text = text if len(text) <= 80 else f"{text[:79]}…"
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )
