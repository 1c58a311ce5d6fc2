"""Tasks with a name and an owner; a task that dies of an error is always heard of."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

__all__ = ["TaskOwner", "unexpected"]


class TaskOwner:
    """Owns background tasks: starts them by name, reports those that fail, ends them all on close.

    Args:
        on_failure: called with the task's name and the exception of every task that ends with one.
    """

    def __init__(self, on_failure: Callable[[str, BaseException], None]) -> None:
        self._on_failure = on_failure
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, coroutine: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        """Start *coroutine* as a task called *name*, kept alive until it ends."""
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_failure(task.get_name(), error)

    def __len__(self) -> int:
        return len(self._tasks)

    async def aclose(self) -> None:
        """Cancel what still runs and wait for it."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def unexpected(name: str, error: BaseException) -> None:
    """Let the loop's own handler speak of an error that has no better place."""
    loop = asyncio.get_running_loop()
    loop.call_exception_handler({"message": f"{name} failed", "exception": error})
