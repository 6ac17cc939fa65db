"""07 Gather: run together, end in any order, results in argument order.

Twin: 07_gather_fetch.rs
"""

import asyncio


async def fetch_url(url, ms):
    print("start", url)
    await asyncio.sleep(ms / 1000)
    print("done ", url)
    return f"<{url}>"


async def main():
    pages = await asyncio.gather(
        fetch_url("a.example", 300),
        fetch_url("b.example", 100),
        fetch_url("c.example", 200),
    )
    print(*pages)


asyncio.run(main())
