"""01 Hello: a plain call runs at once; a coroutine needs a loop.

Twin: 01_hello.rs, where asyncio.run is called block_on.
"""

import asyncio


def print_first():
    print("first (sync)")


def print_second():
    print("second (sync)")


async def print_first_async():
    print("first (async)")


async def print_second_async():
    print("second (async)")


async def main():
    await print_first_async()
    await print_second_async()


print_first()
print_second()
asyncio.run(main())
