"""An e-mail-campaign installation whose parts speak only over mutual TLS, or say why not."""

import sys
from collections.abc import Callable, Collection, Mapping
from importlib import import_module

__all__ = ["__version__", "loaded_when_used"]

__version__ = "0.1.0"


def loaded_when_used(package: str, names: Mapping[str, Collection[str]]) -> Callable[[str], object]:
    """Return a package's ``__getattr__`` that loads a name from its module at its first use.

    A command that reads one file need not wait for the database libraries, the web server and the
    loggers of everything else in the packages that it touches (PEP 562).

    Args:
        package: its ``__name__``.
        names: module within the package → the names that the package has from it.
    """
    homes = {name: module for module, found in names.items() for name in found}

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(f"{package}.{homes[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return load
