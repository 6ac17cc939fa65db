"""06 Round robin: sleep(0) gives every other ready task one turn.

The run queue is first in, first out. A task that never awaits keeps the thread.
Twin: 06_round_robin.rs
"""

import asyncio


async def player(name):
    for turn in range(3):
        print(f"{name}{turn}", end=" ")
        await asyncio.sleep(0)


async def greedy():
    for turn in range(3):
        print(f"g{turn}", end=" ")


async def main():
    coroutines = (player("a"), greedy(), player("b"))
    tasks = [asyncio.create_task(c) for c in coroutines]
    for task in tasks:
        await task
    print()


asyncio.run(main())
