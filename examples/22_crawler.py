"""22 Crawler: workers on a queue that grows while they work; join() knows when all is done.

Twin: 22_crawler.rs. There task_done is a guard's drop.
"""

import asyncio

WEB = {"/": ["/a", "/b"], "/a": ["/a/1", "/b"], "/b": ["/"], "/a/1": []}


async def worker(name, queue, seen):
    while True:
        url, depth = await queue.get()
        await asyncio.sleep(0.01)
        print(f"{name} fetched {url} depth {depth}")
        for link in WEB[url]:
            if link not in seen:
                seen.add(link)
                queue.put_nowait((link, depth + 1))
        queue.task_done()


async def main():
    queue, seen = asyncio.Queue(), {"/"}
    queue.put_nowait(("/", 0))
    workers = [asyncio.create_task(worker(f"w{i}", queue, seen)) for i in range(2)]
    await queue.join()
    for task in workers:
        task.cancel()
    print("pages", len(seen), " ".join(sorted(seen)))


asyncio.run(main())
