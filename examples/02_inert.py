"""02 Inert: calling a coroutine function only builds an object.

Nothing of it runs until it is awaited. Twin: 02_inert.rs
"""

import asyncio


async def greet(name):
    print(f"hello {name}")
    return len(name)


async def main():
    coroutine = greet("ada")
    print("created")
    await asyncio.sleep(0.02)
    print("still nothing")
    print("result", await coroutine)


asyncio.run(main())
