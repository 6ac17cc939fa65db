"""The workloads on CPython's asyncio, or on uvloop: the same work, the same line of result.

    python3 asyncio_workloads.py asyncio                the names of the workloads
    python3 asyncio_workloads.py uvloop yield1          one line of JSON

The sizes are smaller than in Rust, since what is compared is the time of one operation.
"""

import argparse
import asyncio
import json
import pathlib
import random
import sys
import time


async def spawn_and_join(first, end):
    return sum([await task for task in [asyncio.create_task(give(i)) for i in range(first, end)]])


async def give(number):
    return number


async def spawn_batch(n, _):
    total = 0
    for first in range(0, n, 1000):
        total += await spawn_and_join(first, min(n, first + 1000))
    assert total == n * (n - 1) // 2


async def spawn_all(n, _):
    assert await spawn_and_join(0, n) == n * (n - 1) // 2


async def yield_often(times):
    for _ in range(times):
        await asyncio.sleep(0)
    return times


async def yields(n, scale):
    each = -(-n // scale)
    tasks = [asyncio.create_task(yield_often(each)) for _ in range(scale)]
    assert sum([await task for task in tasks]) == each * scale


class OneSlot:
    """A channel with room for one value, on the loop's own future."""

    def __init__(self):
        self.value = None
        self.waiting = None

    def send(self, value):
        assert self.value is None
        self.value = value
        if self.waiting is not None:
            self.waiting.set_result(None)
            self.waiting = None

    async def receive(self):
        if self.value is None:
            self.waiting = asyncio.get_running_loop().create_future()
            await self.waiting
        value, self.value = self.value, None
        return value


async def ping_pong(n, _):
    there, back = OneSlot(), OneSlot()

    async def pong():
        for _ in range(n):
            back.send(await there.receive() + 1)

    async def ping():
        number = 0
        for _ in range(n):
            there.send(number)
            number = await back.receive()
        return number

    ponging = asyncio.create_task(pong())
    assert await asyncio.create_task(ping()) == n
    await ponging


async def timer_cancel(n, _):
    loop = asyncio.get_running_loop()
    for number in range(n):
        loop.call_later(10 + number % 5000 / 1000, never).cancel()


async def timer_cancel_all(n, _):
    loop = asyncio.get_running_loop()
    handles = [loop.call_later(60 + 60 * random.random(), never) for _ in range(n)]
    for handle in handles:
        handle.cancel()


def never():
    raise AssertionError("it was cancelled")


async def sleep_until_due(duration):
    await asyncio.sleep(duration)
    return 1


async def timer_fire(n, _):
    tasks = [asyncio.create_task(sleep_until_due(random.random())) for _ in range(n)]
    assert sum([await task for task in tasks]) == n


async def serve(reader, writer):
    while data := await reader.read(1024):
        writer.write(data)
    writer.close()


async def ask(reader, writer, times):
    for number in range(times):
        question = bytes([number % 256]) * 64
        writer.write(question)
        assert await reader.readexactly(64) == question
    writer.close()


async def echo(n, scale):
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=scale)
    address = server.sockets[0].getsockname()
    connections = [await asyncio.open_connection(*address) for _ in range(scale)]
    start()
    tasks = [asyncio.create_task(ask(*ends, -(-n // scale))) for ends in connections]
    for task in tasks:
        await task
    stop()
    server.close()


def start_up(n, _):
    for number in range(n):
        with asyncio.Runner(loop_factory=LOOP) as runner:
            assert runner.run(give(number)) == number


# name: (operations, scale, what)
WORKLOADS = {
    "spawn_batch": (100_000, 1, spawn_batch),
    "spawn_all": (100_000, 1, spawn_all),
    "yield1": (100_000, 1, yields),
    "yield1000": (200_000, 1000, yields),
    "ping_pong": (50_000, 1, ping_pong),
    "timer_cancel": (200_000, 1, timer_cancel),
    "timer_cancel_all": (200_000, 1, timer_cancel_all),
    "timer_fire": (100_000, 1, timer_fire),
    "echo_1": (10_000, 1, echo),
    "echo_64": (20_000, 64, echo),
    "start_up": (1000, 1, start_up),
}

LOOP = None
BEGAN = MEASURED = None


def clocks():
    return time.process_time_ns(), time.perf_counter_ns()


def start():
    global BEGAN, MEASURED
    BEGAN, MEASURED = clocks(), None


def stop():
    global MEASURED
    if MEASURED is None:
        MEASURED = [now - before for now, before in zip(clocks(), BEGAN)]


def run(what, operations, scale):
    start()
    if asyncio.iscoroutinefunction(what):
        with asyncio.Runner(loop_factory=LOOP) as runner:
            runner.run(what(operations, scale))
    else:
        what(operations, scale)
    stop()
    return MEASURED


def measure(name, options):
    operations, scale, what = WORKLOADS[name]
    operations = options.operations or max(operations // options.divide, 1)
    scale = options.scale or scale
    # So that the first touch of code and memory is not measured.
    run(what, max(operations // 100, 1), scale)
    done = cpu = wall = 0
    while cpu < 2e8 / options.divide and wall < 1e9 / options.divide:
        measured = run(what, operations, scale)
        done, cpu, wall = done + operations, cpu + measured[0], wall + measured[1]
    return {
        "runtime": options.runtime,
        "workload": name,
        "operations": done,
        "cpu_ns": cpu,
        "wall_ns": wall,
        "cpu_ns_per_operation": round(cpu / done, 2),
        "wall_ns_per_operation": round(wall / done, 2),
    }


def main():
    global LOOP
    parser = argparse.ArgumentParser()
    parser.add_argument("runtime", choices=["asyncio", "uvloop"])
    parser.add_argument("workload", nargs="?", choices=WORKLOADS)
    parser.add_argument("--operations", type=int)
    parser.add_argument("--scale", type=int)
    parser.add_argument("--divide", type=int, default=1)
    # There are no workloads with files.
    parser.add_argument("--data", type=pathlib.Path)
    options = parser.parse_args()
    if sys.version_info < (3, 12):
        sys.exit("this takes CPython 3.12 or newer")
    if options.runtime == "uvloop":
        import uvloop

        LOOP = uvloop.new_event_loop
    if options.workload is None:
        print("\n".join(WORKLOADS))
    else:
        print(json.dumps(measure(options.workload, options), separators=(",", ":")))


main()
