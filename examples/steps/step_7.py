"""Step 7: sockets.

You know: the loop sleeps until a task is ready or a timer is due. Here it sleeps in the system's
*poller*, which also wakes it when a socket can be read or written. A call on a socket is tried
first. Only if it raises `BlockingIOError`, the task's waker goes to the poller, which watches the
socket.

    python3 examples/steps/step_7.py

Beside it: step_7.rs.
In asyncio: `BaseSelectorEventLoop` (asyncio/selector_events.py): `_add_reader` is our `watch`,
`_make_self_pipe` makes the two sockets, and `_write_to_self` is our `notify`. Only
`call_soon_threadsafe` calls it, for other threads; a wake on the loop's own thread need not.

Still wrong: a file is always "ready", and the disk makes the loop wait all the same. So does
`socket.create_connection`.
"""

import collections
import itertools
import math
import selectors
import socket
import threading
import time


# ── the loop ────────────────────────────────────── asyncio/base_events.py: _run_once

class Current(threading.local):
    """The loop that runs on this thread."""

    event_loop = None


CURRENT = Current()

# The id of the coroutine that `block_on` polls itself.
ROOT = 0


# In seconds: the longest wait. The system's calls refuse very long ones.
DAY = 24 * 60 * 60


def block_on(coroutine):
    """Runs a coroutine to its end, and meanwhile the tasks that it spawns."""
    with EventLoop() as event_loop:
        waker = TaskWaker(ROOT, event_loop.queue)
        waker.wake()
        try:
            while True:
                event_loop.wait()
                event_loop.fire_timers()
                # Only the tasks that are ready now. A task that becomes ready meanwhile is
                # polled in the next turn; or a task that always wakes itself would keep the
                # turn going for ever.
                for task_id in event_loop.queue.take():
                    if task_id == ROOT:
                        waker.poll(coroutine)
                    else:
                        event_loop.poll_task(task_id)
        except StopIteration as end:
            return end.value  # the end of this coroutine: `poll_task` catches those of the tasks
        finally:
            coroutine.close()  # if an exception has ended the loop


class EventLoop:
    def __init__(self):
        if CURRENT.event_loop is not None:
            raise RuntimeError("a loop runs already: use `await` here")
        self.tasks = {}  # by id
        self.ids = itertools.count(ROOT + 1)
        self.queue = RunQueue()
        self.started = time.monotonic()
        self.timers = Timers()

    def __enter__(self):
        CURRENT.event_loop = self
        return self

    def __exit__(self, *exception):
        # One by one, out of the table: a `finally` block of a task may use the table.
        while self.tasks:
            task = self.tasks.pop(next(iter(self.tasks)))
            task.close()
        CURRENT.event_loop = None
        self.queue.poller.close()

    @staticmethod
    def current():
        if CURRENT.event_loop is None:
            raise RuntimeError("this needs a running loop: call `block_on`")
        return CURRENT.event_loop

    def add(self, coroutine):
        task_id = next(self.ids)
        waker = TaskWaker(task_id, self.queue)
        handle = JoinHandle(task_id, self)
        self.tasks[task_id] = Task(coroutine, waker, handle)
        waker.wake()  # to be polled for the first time
        return handle

    def poll_task(self, task_id):
        task = self.tasks.get(task_id)
        if task is None:
            return  # a late wake: the task has ended
        try:
            task.waker.poll(task.coroutine)
        except StopIteration as end:
            self.tasks.pop(task_id, None)
            task.handle.end(output=end.value)
        except Exception as error:
            # An exception ends this task, and not the loop.
            self.tasks.pop(task_id, None)
            task.handle.end(error=error)
        else:
            if task_id not in self.tasks:
                task.close()  # it has aborted itself

    def wait(self):
        """Sleeps until a task is ready, a timer is due or a socket is ready. Wakes the tasks
        that wait for a socket.
        """
        # If a task is ready: do not wait, only ask.
        left = self.until_next_timer() if self.queue.is_empty() else 0
        for waker in self.queue.poller.wait(left):
            waker.wake()

    def fire_timers(self):
        """Wakes the tasks whose timers are due."""
        for waker in self.timers.advance(int(self.elapsed())):
            waker.wake()

    def until_next_timer(self):
        """In seconds; None if there is no timer."""
        deadline = self.timers.next()
        if deadline is None:
            return None
        return min(max(deadline - self.elapsed(), 0) / 1000, DAY)

    def elapsed(self):
        """In milliseconds since the loop began."""
        return (time.monotonic() - self.started) * 1000


# ── the run queue and the poller ───────────────────────── asyncio/selector_events.py

class RunQueue:
    """The ids of the tasks to poll, first in, first out. Any thread may push one."""

    def __init__(self):
        self.lock = threading.Lock()
        self.ids = collections.deque()
        self.poller = Poller()

    def push(self, task_id):
        with self.lock:
            self.ids.append(task_id)
        # The push first: a loop that woke up before it would find nothing and sleep again.
        # No `notify` is lost: if the loop does not wait yet, its next wait ends at once.
        self.poller.notify()

    def take(self):
        with self.lock:
            ids, self.ids = self.ids, collections.deque()
        return ids

    def is_empty(self):
        with self.lock:
            return not self.ids


READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE


class Poller:
    """The system's poller (epoll on Linux, kqueue on macOS), as Python's `selectors` has it.

    Two sockets that are connected to each other let any thread end a wait: `notify` writes a
    byte into one of them, and the poller watches the other. Only `notify` is for all threads.
    """

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.receiver, self.sender = socket.socketpair()
        self.receiver.setblocking(False)
        self.sender.setblocking(False)
        self.selector.register(self.receiver, READ)

    def notify(self):
        try:
            self.sender.send(b"\0")
        except OSError:
            pass  # it is full, so a byte is there already; or the loop has ended, and closed it

    def wait(self, timeout):
        """Gives the wakers of the tasks whose sockets are ready."""
        wakers = []
        for key, _ in self.selector.select(timeout):
            if key.fileobj is self.receiver:
                self.receiver.recv(4096)  # or every later wait would end at once
            else:
                # Both directions. A task that is woken in vain tries again, and watches again.
                wakers.extend(self.forget(key.fileobj))
        return wakers

    def watch(self, io, direction, waker):
        """Has a wait give the waker, once, when `io` can be read or written."""
        try:
            key = self.selector.get_key(io)
        except KeyError:
            self.selector.register(io, direction, {direction: waker})
        else:
            # Both directions: a registration replaces the one before.
            self.selector.modify(io, key.events | direction, key.data | {direction: waker})

    def forget(self, io):
        """Ends the registration of `io`, and gives the wakers that it had."""
        try:
            return self.selector.unregister(io).data.values()
        except KeyError:
            return ()  # nobody waits for it

    def close(self):
        self.selector.close()
        self.receiver.close()
        self.sender.close()


# ── a task, and its waker ──────────────────────── asyncio/tasks.py: __step, __wakeup

class Task:
    def __init__(self, coroutine, waker, handle):
        self.coroutine = coroutine
        self.waker = waker
        self.handle = handle

    def close(self):
        """Ends the task where it waits: there, its coroutine raises `GeneratorExit`, so its
        `finally` and `with` blocks end.
        """
        try:
            self.coroutine.close()
        except Exception as error:
            self.handle.end(error=error)  # a `finally` block has raised it
        else:
            self.handle.end(error=Aborted())


class TaskWaker:
    """Any thread may hold a waker and call it, so it holds no task: only the task's id, and
    the way to the queue.
    """

    def __init__(self, task_id, queue):
        self.id = task_id
        self.queue = queue
        self.lock = threading.Lock()
        self.queued = False  # The id is in the queue. It must not be there twice.

    def poll(self, coroutine):
        """Raises `StopIteration`, with the output, when the coroutine has ended."""
        # Before the poll: a wake during the poll must push the id again.
        self.queued = False
        leaf = coroutine.send(None)
        # The leaf that has ended the poll keeps the waker.
        leaf.register(self)

    def wake(self):
        # The lock: two threads that wake at the same time must not both find the flag down.
        with self.lock:
            if self.queued:
                return
            self.queued = True
        self.queue.push(self.id)


# ── spawn, join, abort ──────────────────────── asyncio/tasks.py: create_task, cancel

def spawn(coroutine):
    """Starts a task. It runs until `block_on` returns, at most."""
    return EventLoop.current().add(coroutine)


class Aborted(Exception):
    """The task gave no output: it was aborted."""


class JoinHandle:
    """Awaits a task's output; raises the exception that ended the task. One task at a time may
    await it. Dropping the handle does not end the task.
    """

    def __init__(self, task_id, event_loop):
        self.id = task_id
        self.event_loop = event_loop
        self.has_ended = False
        self.output = None
        self.error = None
        self.joiner = None

    def end(self, output=None, error=None):
        self.has_ended = True
        self.output = output
        self.error = error
        if self.joiner is not None:
            self.joiner.wake()

    def abort(self):
        """Ends the task where it waits, if it has not ended yet."""
        task = self.event_loop.tasks.pop(self.id, None)
        # A coroutine that runs cannot be closed: `poll_task` closes it when its poll ends.
        if task is not None and not task.coroutine.cr_running:
            task.close()

    def __await__(self):
        while not self.has_ended:
            yield self
        if self.error is not None:
            raise self.error
        return self.output

    def register(self, waker):
        self.joiner = waker


# ── time ──────────────────────────────── asyncio/base_events.py: call_at, _scheduled

# In milliseconds since the loop began: some 8,900 years.
FOREVER = (1 << 48) - 1


def sleep(seconds):
    """Sleeps for `seconds`, or up to a millisecond longer. The time begins with this call."""
    event_loop = EventLoop.current()
    # Rounded up: a sleep never ends early.
    deadline = math.ceil(min(event_loop.elapsed() + seconds * 1000, FOREVER))
    return Sleep(event_loop, (deadline, next(event_loop.ids)))


class Sleep:
    """The leaf of time.

    Its key is the deadline, in milliseconds since the loop began, and a number: equal
    deadlines come in the order of the calls.
    """

    def __init__(self, event_loop, key):
        self.event_loop = event_loop
        self.key = key

    def __await__(self):
        try:
            while self.event_loop.elapsed() < self.key[0]:
                yield self
        finally:
            # Also when the coroutine is closed here: nobody needs the timer any more.
            self.event_loop.timers.remove(self.key)

    def register(self, waker):
        # With the same key at every poll: the newest waker replaces the older one.
        self.event_loop.timers.insert(self.key, waker)


# ── the timer wheel ────────────────────────────────────────── executor/time/wheel.rs

# The bits of a digit; a wheel has a slot for each digit.
BITS = 6
SLOTS = 1 << BITS
WHEELS = 8


class Timers:
    """Eight wheels, as a clock has hands.

    A time is a number of milliseconds in digits to the base of 64, and each wheel stands for
    one digit. A timer lies in the wheel of the highest digit in which its deadline differs
    from now, in the slot of that digit:

        the digit of wheel  2   1   0

        now                 0 . 1 . 7
        a deadline          0 . 1 . 9    wheel 0, slot 9
        another one         0 . 5 . 2    wheel 1, slot 5

    When now reaches a slot, its timers fire, or move to a lower wheel (they *cascade*): at
    most eight times each. So inserting and removing take the same few steps, however many
    timers there are.
    """

    def __init__(self):
        self.now = 0
        # A wheel has slots by digit, and a slot has wakers by key. A slot whose timers have all
        # been removed stays until now reaches it.
        self.wheels = [{} for _ in range(WHEELS)]

    def place(self, deadline):
        """The wheel and the digit of a deadline that has not come yet."""
        highest_bit = max(self.now ^ deadline, 1).bit_length() - 1
        wheel = highest_bit // BITS
        return wheel, (deadline >> (wheel * BITS)) % SLOTS

    def insert(self, key, waker):
        wheel, digit = self.place(key[0])
        self.wheels[wheel].setdefault(digit, {})[key] = waker

    def remove(self, key):
        wheel, digit = self.place(key[0])
        self.wheels[wheel].get(digit, {}).pop(key, None)

    def next_slot(self):
        """The slot that comes next: always in the lowest wheel that has slots."""
        for wheel, slots in enumerate(self.wheels):
            if slots:
                return wheel, min(slots)
        return None

    def next(self):
        """When the loop must advance next: the first moment of the next slot."""
        place = self.next_slot()
        if place is None:
            return None
        wheel, digit = place
        higher_digits = self.now >> ((wheel + 1) * BITS) << BITS
        return (higher_digits | digit) << (wheel * BITS)

    def advance(self, now):
        """Takes out the timers that are due at `now`, in the order of their keys."""
        due = {}
        while (begin := self.next()) is not None and begin <= now:
            wheel, digit = self.next_slot()
            self.now = begin
            for key, waker in self.wheels[wheel].pop(digit).items():
                if key[0] == begin:
                    due[key] = waker
                else:
                    self.insert(key, waker)
        self.now = now
        return [due[key] for key in sorted(due)]


# ── sockets ───────────────────── asyncio/selector_events.py: sock_recv, sock_sendall

class WhenReady:
    """The leaf of sockets: tries `act` again and again, until it need not wait. Sleeps in
    between, until the socket is ready.
    """

    def __init__(self, poller, io, direction, act):
        self.poller = poller
        self.io = io
        self.direction = direction
        self.act = act

    def __await__(self):
        while True:
            try:
                return self.act()
            except BlockingIOError:
                pass  # the `yield` is not in here: an exception that comes there is another one
            yield self

    def register(self, waker):
        self.poller.watch(self.io, self.direction, waker)


class Async:
    """A socket, watched by the system's poller. Use it in a `with` block, which closes it."""

    def __init__(self, io):
        io.setblocking(False)  # a call that would have to wait raises BlockingIOError instead
        self.io = io
        self.poller = EventLoop.current().queue.poller

    def when_ready(self, direction, act):
        return WhenReady(self.poller, self.io, direction, act)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        # Out of the poller before it is closed: the poller must not keep a closed socket. A
        # task that still waits for it is woken, tries again, and gets an error.
        for waker in self.poller.forget(self.io):
            waker.wake()
        self.io.close()


class Listener(Async):
    @staticmethod
    def bind():
        """Listens at a free port of this machine."""
        return Listener(socket.create_server(("127.0.0.1", 0)))

    def address(self):
        """Where it listens."""
        return self.io.getsockname()

    async def accept(self):
        """Waits for the next connection."""
        io, _ = await self.when_ready(READ, self.io.accept)
        return Stream(io)


class Stream(Async):
    async def read(self):
        """Reads what has arrived, at least a byte; b"" at the end."""
        return await self.when_ready(READ, lambda: self.io.recv(1024))

    async def write_all(self, data):
        """Writes all bytes."""
        while data:
            written = await self.when_ready(WRITE, lambda: self.io.send(data))
            data = data[written:]


# ── the program ─────────────────────────────────────────────────────────────────────

async def serve(listener):
    with listener:
        while True:
            spawn(echo(await listener.accept()))


async def echo(stream):
    with stream:
        while data := await stream.read():
            await stream.write_all(data)


async def talk(address, words, before=None):
    """Sends words, with a pause before each, and prints what comes back."""
    with Stream(socket.create_connection(address)) as stream:
        if before is not None:
            await before
        for word in words:
            await sleep(0.02)
            await stream.write_all(word.encode())
            data = await stream.read()
            print(data.decode())


async def main():
    listener = Listener.bind()
    address = listener.address()
    spawn(serve(listener))
    # Both connect at once, but the second one says nothing before the first one has ended.
    first = spawn(talk(address, ["one", "two", "three"]))
    second = spawn(talk(address, ["  un", "  deux", "  trois"], first))
    await second


if __name__ == "__main__":
    block_on(main())
