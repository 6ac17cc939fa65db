"""16 Event: many wait, one sets, all wake in the order they waited.

The event stays set: a later waiter does not wait. Twin: 16_event.rs, where
sleep(0) is called yield_now.
"""

import asyncio


async def runner(gun, name):
    print("ready", name)
    await gun.wait()
    print("go   ", name)


async def main():
    gun = asyncio.Event()
    names = ("red", "green", "blue")
    tasks = [asyncio.create_task(runner(gun, name)) for name in names]
    await asyncio.sleep(0)  # each of them has its turn, and waits
    print("bang")
    gun.set()
    print("set returns first")
    for task in tasks:
        await task
    await runner(gun, "late")


asyncio.run(main())
