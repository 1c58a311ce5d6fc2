"""An e-mail-campaign installation whose parts speak only over mutual TLS, or say why not."""

__all__ = ["__version__"]

__version__ = "0.1.0"
