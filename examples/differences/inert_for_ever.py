"""Inert for ever: a task starts by itself, a coroutine does not.

Twin: inert_for_ever.rs. Python warns when the coroutine is thrown away.
"""

import asyncio
import warnings


async def greet(name):
    print("hello", name)


async def main():
    task = asyncio.create_task(greet("task"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        coroutine = greet("coroutine")
        await asyncio.sleep(0)
        del coroutine
    print("warned at run time:", caught[0].message)
    await task


asyncio.run(main())
