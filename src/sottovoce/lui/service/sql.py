"""One statement on a connection: the only place where the driver is spoken to."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["sql"]


async def sql(connection: AsyncConnection, statement: str, values: Any = ()) -> Any:
    """Carry *statement* out and return its result, whose rows are untyped.

    Args:
        connection: LUI's.
        statement: with a question mark for each value; values never stand in it.
        values: one tuple, or a list of them to carry the statement out for each.
    """
    return await connection.exec_driver_sql(statement, values)
