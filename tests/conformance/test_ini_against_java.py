"""The JDK judges our INI parser: ``java.util.Properties.load(Reader)`` on nasty files (W17).

``SOTTOVOCE_INI_FILES=200000 pytest tests/conformance/test_ini_against_java.py`` runs more of them.
"""

import os
import random
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sottovoce import ini
from sottovoce.errors import IniSyntaxError

pytestmark = [
    pytest.mark.jdk,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("java") is None, reason="no java on this machine to judge"),
]

_JUDGE = Path(__file__).parent / "java" / "PropertiesJudge.java"
_FILES = int(os.environ.get("SOTTOVOCE_INI_FILES", "4000"))
_SEED = int(os.environ.get("SOTTOVOCE_INI_SEED", "2008"))

#: What the grammar turns on, each piece far more frequent than in any file that was ever meant.
_PIECES = (
    *("\\", "\\\\", "\\\\\\", "\n", "\r", "\r\n", "\n\r", " ", "\t", "\f", "=", ":", "#", "!"),
    *("\\\n", "\\\r", "\\\r\n", "\\\n\r", "\\\n\n", "\\\n  ", "\\\n#", "\\\r\f!", "  \\\n"),
    *("\\u0041", "\\u00e9", "\\u", "\\u00", "\\u004", "\\uD83D", "\\uDE00", "\\uD83D\\uDE00"),
    *("\\u0000", "\\u000a", "\\u005c", "\\uffff", "\\U0041", "\\u004g", "\\u００４１", "\\u+041"),
    *("\\t", "\\n", "\\r", "\\f", "\\b", '\\"', "\\'", "\\ ", "\\=", "\\:", "\\#", "\\!", "\\0"),
    *("\0", "\x0b", "\x1a", "\x1c", "\x1e", "\x7f", "\x85", "\xa0", "\u2028", "\u2029", "\u3000"),
    *("\ufeff", "é", "ß", "€", "😀", "\ufffe", "\uffff", "\U0010ffff", "ä", '"', "'", ",", "%"),
    *("a", "b", "key", "value", "Key", "SSLKeystorePath", "C:\\security\\new", "C:\\users"),
    *("a=1", "\na=2\n", "k v", "k : v", "k = v\n", "# c\n", "! c\\\n", " #", "=\n", ":=", "= :"),
)


def _nasty_files(seed: int, count: int) -> Iterator[str]:
    rng = random.Random(seed)
    for number in range(count):
        # Every hundredth file is longer than the 8192 characters that the JDK reads at a time.
        pieces = rng.randint(2500, 4000) if number % 100 == 99 else rng.randint(0, 14)
        # A malformed escape ends the reading, so most files are drawn from a choice without it.
        choice = rng.sample(_PIECES, rng.randint(3, 24))
        if rng.random() < 0.8:
            choice = [piece for piece in choice if not piece.lower().startswith("\\u")]
            choice += ["\\u0041", "\\uD83D", "\\uDE00"]
        yield "".join(rng.choices(choice, k=pieces))


_Reading = dict[str, str] | None


def _java_reads(texts: list[str]) -> list[_Reading]:
    packed = (text.encode() for text in texts)
    question = b"".join(struct.pack(">i", len(data)) + data for data in packed)
    java = shutil.which("java")
    assert java is not None
    done = subprocess.run(
        [java, "-XX:+UseSerialGC", str(_JUDGE)], input=question, capture_output=True, check=True
    )
    readings = list(_answers(done.stdout))
    assert len(readings) == len(texts)
    return readings


def _answers(data: bytes) -> Iterator[_Reading]:
    at = 0

    def number() -> int:
        nonlocal at
        (value,) = struct.unpack_from(">i", data, at)
        at += 4
        return int(value)

    def text() -> str:
        nonlocal at
        length = number()
        at += length
        return data[at - length : at].decode("utf-16-be", "surrogatepass")

    while at < len(data):
        count = number()
        yield None if count < 0 else {text(): text() for _ in range(count)}


def _we_read(text: str) -> _Reading:
    try:
        # The mark is removed and reported; what follows it is read as Java reads it.
        return dict(ini.parse(("\ufeff" + text).encode()).items())
    except IniSyntaxError:
        return None


def _differences(texts: list[str]) -> list[tuple[str, _Reading, _Reading]]:
    return [
        (text, theirs, ours)
        for text, theirs in zip(texts, _java_reads(texts), strict=True)
        if (ours := _we_read(text)) != theirs
    ]


def test_nasty_files_are_read_exactly_as_java_reads_them() -> None:
    """W17: keys, values, and whether the file can be read at all, in every single case."""
    texts = list(_nasty_files(_SEED, _FILES))
    refused = sum(_we_read(text) is None for text in texts)

    assert _differences(texts) == []
    assert _FILES // 50 < refused < _FILES // 2, "the choice of pieces became one-sided"


def test_every_short_file_of_the_characters_that_matter_is_read_as_java_reads_it() -> None:
    """W17: all files of up to five characters out of those on which the grammar turns."""
    texts = [""]
    for _ in range(5):
        texts += [
            text + char for text in texts[-(7 ** (len(texts[-1]))) :] for char in "\\\n\r =#a"
        ]

    assert len(texts) == sum(7**length for length in range(6))
    assert _differences(texts) == []


def test_java_reads_back_what_we_write() -> None:
    """The way back: any keys and values survive ``dumps`` and the JDK's reading."""
    rng = random.Random(_SEED)
    written: list[dict[str, str]] = []
    for _ in range(1000):
        count = rng.randint(0, 5)
        written.append(
            {
                "".join(rng.choices(_PIECES, k=rng.randint(0, 4))): "".join(
                    rng.choices(_PIECES, k=rng.randint(0, 6))
                )
                for _ in range(count)
            }
        )

    texts = [ini.dumps(items.items(), comments=["a\nb\\"]).decode() for items in written]

    assert _java_reads(texts) == written
