"""03 Chain: await passes a value up the chain, like a function's return.

Twin: 03_chain.rs
"""

import asyncio


async def compute(x, y):
    print(f"compute {x} + {y}")
    await asyncio.sleep(0.01)
    return x + y


async def print_sum(x, y):
    result = await compute(x, y)
    print(f"{x} + {y} = {result}")
    return result


async def main():
    a = await print_sum(1, 2)
    print("again:", await print_sum(a, 10))


asyncio.run(main())
