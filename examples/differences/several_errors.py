"""Several errors: gather raises the first one, the others go on, a second error is lost.

Twin: several_errors.rs, where join_all loses nothing and try_zip drops the others.
"""

import asyncio


async def job(name, gate, fails):
    await gate.wait()
    if fails:
        raise ValueError(f"{name} failed")
    print(name, "ran on to its end")
    return name


async def main():
    now, later = asyncio.Event(), asyncio.Event()
    now.set()
    jobs = job("a", now, True), job("b", later, True), job("c", later, False)
    try:
        await asyncio.gather(*jobs)
    except ValueError as error:
        print("gather:", error)
    later.set()
    await asyncio.sleep(0)  # b fails, and its error is lost

    jobs = job("a", now, True), job("b", now, True), job("c", now, False)
    print("gather:", await asyncio.gather(*jobs, return_exceptions=True))


asyncio.run(main())
