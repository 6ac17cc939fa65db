"""14 Lock: one thread still has races, at any await between read and write.

A lock prevents the race; it is granted to the waiters in order. Twin: 14_lock.rs
"""

import asyncio

balance = 0


async def deposit():
    global balance
    seen = balance
    await asyncio.sleep(0.005)
    balance = seen + 10


async def deposit_locked(lock):
    async with lock:
        await deposit()


async def main():
    global balance
    await asyncio.gather(*(deposit() for _ in range(5)))
    print("without lock", balance)

    balance = 0
    lock = asyncio.Lock()
    await asyncio.gather(*(deposit_locked(lock) for _ in range(5)))
    print("with lock", balance)


asyncio.run(main())
