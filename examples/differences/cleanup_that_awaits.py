"""Clean-up that awaits: a cancelled task may take its time in finally.

Twin: cleanup_that_awaits.rs, where only a task that was asked to end can await.
"""

import asyncio


async def session(name):
    try:
        await asyncio.sleep(3600)
    finally:
        await asyncio.sleep(0)  # stands in for a goodbye to a server, which waits
        print(name, "said goodbye")


async def main():
    task = asyncio.create_task(session("cancelled"))
    await asyncio.sleep(0)  # the task begins
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


asyncio.run(main())
