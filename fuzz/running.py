"""How a target is run under atheris: seeds, limits, the corpus kept between runs.

Every option of libFuzzer may be given on the command line; ours are the limits that the property
names (two seconds an input, 200 MB) and one more, ``--full-cost``. Without it a file may cost no
more than ``CHEAP`` rounds of key derivation, so that the runs go into the reader and not into
hashing; how long the dearest file takes is measured by ``python -m fuzz.dearest``.
"""

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import atheris

from fuzz.places import CACHE, KEPT

__all__ = ["rewritten", "run"]

#: Rounds of key derivation that one input may cost, and that one written store takes.
CHEAP, WRITTEN = 300, 1
#: Octets of an input: keystores of the seeds have up to 7,000.
LONGEST = 8192

Mutate = Callable[[bytes, int, int, Callable[[bytes, int], bytes]], bytes]


def _make_cheap() -> None:
    from sottovoce.keystore import limits, pbe, protection

    limits.MAX_WORK = CHEAP
    pbe.ROUNDS = WRITTEN
    protection.JCEKS_ROUNDS = WRITTEN


def _seeded(name: str, seeds: Iterable[bytes]) -> Path:
    """Return the folder of the corpus, with every seed in it."""
    folder = CACHE / name
    folder.mkdir(parents=True, exist_ok=True)
    kept = KEPT / name
    found = [path.read_bytes() for path in sorted(kept.iterdir())] if kept.is_dir() else []
    for seed in (*seeds, *found):
        (folder / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    return folder


def rewritten(seeds: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what our writer makes of each seed that can be read, protected by one round."""
    from fuzz.targets import PASSWORD
    from sottovoce.errors import FormatError, KeystoreError
    from sottovoce.keystore import dumps, loads, pbe

    usual, pbe.ROUNDS = pbe.ROUNDS, WRITTEN
    for seed in seeds:
        with suppress(KeystoreError, FormatError):
            yield dumps(loads(seed, PASSWORD), PASSWORD)
    pbe.ROUNDS = usual


def run(
    name: str,
    target: Callable[[bytes], None],
    *,
    seeds: Iterable[bytes],
    mutate: Mutate | None = None,
    longest: int = LONGEST,
) -> None:
    """Fuzz *target* until ``-runs`` or ``-max_total_time`` is reached, or a finding.

    Args:
        name: of the corpus.
        target: raises for whatever breaks the property.
        seeds: to begin with.
        mutate: changes an input with knowledge of its format; libFuzzer's own changes when None.
        longest: octets of an input.
    """
    words = [word for word in sys.argv[1:] if word != "--full-cost"]
    if len(words) == len(sys.argv) - 1:
        _make_cheap()
    findings = CACHE / f"{name}-findings"
    findings.mkdir(parents=True, exist_ok=True)
    options = ["-timeout=2", "-rss_limit_mb=200", f"-max_len={longest}", "-print_final_stats=1"]
    arguments = [
        *(sys.argv[0], *options, f"-artifact_prefix={findings}/", *words),
        str(_seeded(name, seeds)),
    ]
    changer = None
    if mutate is not None:

        def changer(data: bytes, limit: int, seed: int) -> bytes:
            return mutate(data, limit, seed, atheris.Mutate)

    atheris.Setup(arguments, target, custom_mutator=changer)
    atheris.Fuzz()
