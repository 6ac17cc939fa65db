"""Profile: waiting and computing, each in three ways, and the cost of deep awaits.

Twin: profile.rs, where to_thread is called unblock, and threads compute at the same time.
"""

import argparse
import asyncio
import os
import socket
import socketserver
import sys
import threading
import time
from math import ceil, isqrt
from statistics import median_high

# Each job is done at least so often, and for so long. In a round come all three ways, one
# after another: what else the machine does disturbs them alike.
ROUNDS = {"I/O": 3, "CPU": 9}
LONG_ENOUGH = 1.2
# A way is faster if it is so by this factor: two threads on one core are not.
CLEARLY = 1.25
# The job that waits: this many requests. The server answers each after a pause, with
# the square of the number.
REQUESTS = 16
PAUSE = 0.020
# The job that computes: it counts primes, in this many pieces of this many numbers.
PIECES = 8
NUMBERS = 6_000
PRIMES = 4_946


class SlowServer(socketserver.ThreadingTCPServer):
    """A thread for each connection. All may come at once: the backlog must hold them."""

    request_queue_size = 128
    daemon_threads = True


class Answer(socketserver.StreamRequestHandler):
    def handle(self):
        number = int.from_bytes(self.rfile.read(8))
        time.sleep(PAUSE)
        self.wfile.write((number**2).to_bytes(8))


def ask(server, number):
    with socket.create_connection(server) as stream:
        stream.sendall(number.to_bytes(8))
        return int.from_bytes(stream.recv(8, socket.MSG_WAITALL))


async def ask_on_the_loop(server, number):
    """The same, with awaits."""
    reader, writer = await asyncio.open_connection(*server)
    writer.write(number.to_bytes(8))
    reply = await reader.readexactly(8)
    writer.close()
    await writer.wait_closed()
    return int.from_bytes(reply)


def primes(piece):
    numbers = range(piece * NUMBERS, (piece + 1) * NUMBERS)
    return sum(n > 1 and all(n % d for d in range(2, isqrt(n) + 1)) for n in numbers)


# The two jobs, each in three ways.

WAYS = ("sync", "loop", "threads")


def waiting(server):
    numbers = range(1, REQUESTS + 1)

    async def sync():
        return [ask(server, n) for n in numbers]

    async def on_the_loop():
        return await asyncio.gather(*(ask_on_the_loop(server, n) for n in numbers))

    async def on_threads():
        return await asyncio.gather(*(asyncio.to_thread(ask, server, n) for n in numbers))

    return sync, on_the_loop, on_threads


def computing():
    async def sync():
        return [primes(n) for n in range(PIECES)]

    async def piece(n):
        return primes(n)

    async def on_the_loop():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(piece(n)) for n in range(PIECES)]
        return [task.result() for task in tasks]

    async def on_threads():
        return await asyncio.gather(*(asyncio.to_thread(primes, n) for n in range(PIECES)))

    return sync, on_the_loop, on_threads


async def compare(job, expected, works):
    """Does the job in each way, in several rounds."""
    rounds = []
    began = time.perf_counter()
    while len(rounds) < ROUNDS[job] or time.perf_counter() - began < LONG_ENOUGH:
        rounds.append([await measure(way, expected, work) for way, work in zip(WAYS, works)])
    report(job, expected, rounds)


def report(job, expected, rounds):
    """Shows the medians: a few rounds that were disturbed do not change them."""
    faster, silent = [], []
    for number, way in enumerate(WAYS):
        took = median_high(one[number][0] for one in rounds)
        # Other programs make the loop silent for longer, never for less long.
        silence = took * min(one[number][1] / one[number][0] for one in rounds)
        # Against sync in the same round. Computing gets faster only if several processors
        # work at once, and the interpreter's lock lets only one thread compute. A busy machine
        # gives more time to many threads than to one: that does not count.
        speed = median_high(one[0][0] / one[number][0] for one in rounds)
        if job == "CPU":
            speed = min(speed, max(1.0, *(one[number][2] / one[number][0] for one in rounds)))
        bar = "#" * min(17, ceil(15 / speed))
        row = f"{job}  {way:<7}  {expected:6}  {took:8.1f} ms  {speed:5.1f} x  {bar:<17}"
        print(f"{row}  {silence:12.1f} ms")
        if speed > CLEARLY:
            faster.append(way)
        if silence * 2 > took:
            silent.append(way)
    faster, silent = (", ".join(ways) or "none" for ways in (faster, silent))
    print(f"{job}: clearly faster than sync: {faster}; mostly silent: {silent}\n")


async def measure(way, expected, work):
    """Does the work while a heart beats on the same loop, and checks the result.

    Returns how long the work took, how long the loop was silent, and how long processors
    worked, in milliseconds.
    """
    pulse = Pulse()
    heart = asyncio.create_task(pulse.beat())
    await asyncio.sleep(0)  # the heart begins
    began, worked = time.perf_counter(), time.process_time()
    result = sum(await work())
    took, worked = time.perf_counter() - began, time.process_time() - worked
    pulse.feel()  # the time since the last beat counts, too
    heart.cancel()
    if result != expected:
        raise ValueError(f"{way}: the result is {result}, not {expected}")
    return took * 1000, pulse.longest * 1000, worked * 1000


class Pulse:
    """The time of the last beat, and the longest time between two beats."""

    def __init__(self):
        self.last, self.longest = time.perf_counter(), 0.0

    def feel(self):
        now = time.perf_counter()
        self.last, self.longest = now, max(self.longest, now - self.last)

    async def beat(self):
        while True:
            self.feel()
            await asyncio.sleep(0.001)


# The cost of deep awaits.


class Forever:
    def __await__(self):
        while True:
            yield


async def nested(depth, waits):
    """A chain of awaits; its innermost coroutine returns at once, or waits forever."""
    if depth:
        return 1 + await nested(depth - 1, waits)
    if waits:
        await Forever()
    return 0


def nesting():
    """Resumes the chains itself, without a loop, so that nothing else is measured."""
    sys.setrecursionlimit(3000)  # a level of awaits is a level of calls
    print("depth  call: ns a level  resume: ns a level  resume: ns in all")
    for depth in (1, 10, 100, 1000):
        call = nanoseconds(depth, lambda: run(nested(depth, False), depth))
        chain = nested(depth, True)
        whole = nanoseconds(depth, lambda: chain.send(None))
        chain.close()
        level = whole / depth
        print(f"{depth:5}  {call / depth:16.1f}  {level:18.1f}  {whole:17.1f}")
    print(f"A resume goes through all levels: {level:.1f} ns each, {whole:.0f} ns through {depth}.")


def run(chain, depth):
    try:
        chain.send(None)
    except StopIteration as end:
        assert end.value == depth


def nanoseconds(depth, call):
    """The time of one call: the best mean of five, the one that was disturbed least."""
    times = 10_000 // depth

    def mean():
        began = time.perf_counter_ns()
        for _ in range(times):
            call()
        return (time.perf_counter_ns() - began) / times

    return min(mean() for _ in range(5))


async def compare_all(server):
    await compare("I/O", sum(n**2 for n in range(1, REQUESTS + 1)), waiting(server))
    await compare("CPU", PRIMES, computing())


class Parser(argparse.ArgumentParser):
    """Complains in one line, and shows no control characters of what was typed."""

    def error(self, message):
        self.exit(2, f"profile: {ascii(message)[1:-1]}; see --help\n")


def main():
    Parser(prog="profile.py", description=__doc__.splitlines()[0]).parse_args()
    version = sys.version.split()[0]
    print(f"cores: {os.cpu_count()}; CPython {version}; each time is the median of its rounds\n")
    print("job  way      result         time    speed  time against sync  longest silence")
    with SlowServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            asyncio.run(compare_all(server.server_address))
        finally:
            server.shutdown()
    nesting()


if __name__ == "__main__":
    try:
        main()
        print(end="", flush=True)
    except BrokenPipeError:
        # Nobody reads. At its end, Python would try to write the rest once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError) as error:
        sys.exit(f"profile: {error}")
