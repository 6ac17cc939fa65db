"""19 Task group: the block is left only when all children have ended; one failure cancels the rest.

Twin: 19_task_group.rs. There the end of the block is a call of join.
"""

import asyncio


async def child(name, seconds, fail=False):
    try:
        await asyncio.sleep(seconds)
        if fail:
            raise ValueError(f"{name} failed")
        print(name, "finished")
    except asyncio.CancelledError:
        print(name, "cancelled")
        raise


async def main():
    async with asyncio.TaskGroup() as group:
        group.create_task(child("a", 0.2))
        group.create_task(child("b", 0.05))
    print("group 1 done")
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(child("c", 3600))
            group.create_task(child("d", 0.2, fail=True))
            group.create_task(child("e", 0.05))
    except* ValueError as errors:
        print("group 2 error:", errors.exceptions[0])


asyncio.run(main())
