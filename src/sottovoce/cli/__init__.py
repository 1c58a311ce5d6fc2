"""The commands."""


def main() -> int:
    """Run the command line."""
    raise SystemExit("not yet")
