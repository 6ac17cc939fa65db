"""11 Cancel: a request; the task stops at its await, in its next turn.

Twin: 11_cancel.rs
"""

import asyncio


async def worker():
    try:
        for i in range(100):
            print("working", i)
            await asyncio.sleep(0)
    finally:
        print("cleaned up")


async def main():
    task = asyncio.create_task(worker())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    print("cancel requested")
    try:
        await task
    except asyncio.CancelledError:
        print("task was cancelled")
    print("cancel again:", task.cancel())


asyncio.run(main())
