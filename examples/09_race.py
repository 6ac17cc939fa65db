"""09 Race: the first one wins; the losers must be cancelled.

Twin: 09_race.rs
"""

import asyncio


async def mirror(name, seconds):
    try:
        await asyncio.sleep(seconds)
        return name
    except asyncio.CancelledError:
        print("cancelled", name)
        raise


async def main():
    slow = asyncio.create_task(mirror("slow", 3600))
    fast = asyncio.create_task(mirror("fast", 0.01))
    done, pending = await asyncio.wait(
        [slow, fast], return_when=asyncio.FIRST_COMPLETED
    )
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    print("winner", done.pop().result())


asyncio.run(main())
