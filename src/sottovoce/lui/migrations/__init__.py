"""The history of LUI's schema (Alembic)."""
