"""``python -m fuzz.pkcs12 [-runs=N] [--full-cost] [OPTION OF LIBFUZZER]...``."""

import atheris

with atheris.instrument_imports(include=["sottovoce"]):
    from fuzz import targets
    from fuzz.mutators import mutate_pkcs12

from fuzz.places import STORES
from fuzz.running import rewritten, run

if __name__ == "__main__":
    stores = [path.read_bytes() for path in sorted(STORES.glob("*.p12"))]
    run(
        "pkcs12",
        targets.keystore,
        seeds=[*stores, *rewritten(stores)],
        mutate=mutate_pkcs12,
    )
