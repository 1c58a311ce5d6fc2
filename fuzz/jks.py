"""``python -m fuzz.jks [-runs=N] [--full-cost] [OPTION OF LIBFUZZER]...``: JKS and JCEKS."""

import atheris

with atheris.instrument_imports(include=["sottovoce"]):
    from fuzz import targets
    from fuzz.mutators import mutate_jks

from fuzz.places import STORES
from fuzz.running import run

if __name__ == "__main__":
    run(
        "jks",
        targets.keystore,
        seeds=(path.read_bytes() for path in sorted(STORES.glob("*.j*ks"))),
        mutate=mutate_jks,
    )
