"""Where seeds lie and findings are kept."""

from pathlib import Path

__all__ = ["CACHE", "KEPT", "STORES"]

_ROOT = Path(__file__).resolve().parent.parent
STORES = _ROOT / "tests" / "conformance" / "stores"
#: Every input that was a finding, by target; the test suite reads them again.
KEPT = _ROOT / "tests" / "conformance" / "fuzz-corpus"
#: The corpus that grows from run to run, and what is found; not part of the repository.
CACHE = _ROOT / ".cache" / "fuzz"
