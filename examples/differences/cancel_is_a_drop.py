"""Cancel is an exception: a task can catch it, and stay.

Twin: cancel_is_a_drop.rs, where a cancelled task is dropped.
"""

import asyncio


async def stubborn():
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        print("cancelled? I stay")
        await asyncio.sleep(0)
    finally:
        print("cleaned up")
    return "finished all the same"


async def main():
    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)  # the task begins
    task.cancel()
    print("joined:", await task)


asyncio.run(main())
