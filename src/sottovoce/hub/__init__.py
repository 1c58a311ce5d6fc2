"""HUB, the Administration Hub: registry, accounts, settings."""
