"""Step 2: a waker, and a thread that sleeps.

You know: an executor polls a coroutine until it ends. Here it sleeps in between, so somebody must
wake it: a leaf keeps a *waker*, and whoever makes the leaf ready calls it. How does the waker get
to the leaf? The leaf yields itself. All the coroutines above pass it on, so it comes out of
`send`; and the executor calls its `register` with the waker.

    python3 examples/steps/step_2.py

Beside it: step_2.rs, where the waker goes the other way: down, as an argument of every poll.
In asyncio: `Future.__await__` (asyncio/futures.py) yields itself, too, and the task gives it
`Task.__wakeup` with `Future.add_done_callback`. A thread wakes the loop with
`call_soon_threadsafe`.

Still wrong: there is one coroutine. If it waits, nothing else runs.
"""

import threading
import time


# ── the executor ────────────────────────────────────── asyncio/tasks.py: Task.__step

def block_on(coroutine):
    """Runs a coroutine to its end: polls it, and sleeps until it is woken, and polls it again."""
    signal = Signal()
    while True:
        try:
            leaf = coroutine.send(None)
        except StopIteration as end:
            return end.value
        leaf.register(signal)
        signal.wait()


class Signal:
    """The waker: a flag, and a thread that sleeps until the flag is up. Any thread may wake."""

    def __init__(self):
        self.raised = threading.Event()

    def wake(self):
        self.raised.set()

    def wait(self):
        """No wake is lost: if the thread does not wait yet, its next wait ends at once."""
        self.raised.wait()
        # Down before the next poll: a wake during the poll must raise it again.
        self.raised.clear()


# ── a value from another thread ───────────────────── asyncio/futures.py: wrap_future

class Promise:
    """A leaf: a thread brings the value, and a task waits for it.

    In Rust each of the two owns a half. Here they share one object.
    """

    def __init__(self):
        self.lock = threading.Lock()
        self.is_set = False
        self.value = None
        self.waker = None

    def set(self, value):
        """Brings the value, and wakes the task that waits for it."""
        with self.lock:
            # The value first, then the wake: the poll that follows looks for the value.
            self.value = value
            self.is_set = True
            waker = self.waker
        if waker is not None:
            waker.wake()

    def __await__(self):
        while not self.is_set:
            yield self
        return self.value

    def register(self, waker):
        with self.lock:
            # At every poll: the newest waker counts.
            self.waker = waker
            is_set = self.is_set
        # The value may have come since the check in `__await__`, and found no waker to call.
        if is_set:
            waker.wake()


# ── the program ─────────────────────────────────────────────────────────────────────

class Counted:
    """An awaitable that counts how often it is polled. It polls the promise by hand."""

    def __init__(self, promise):
        self.promise = promise

    def __await__(self):
        steps = self.promise.__await__()
        polls = 0
        while True:
            polls += 1
            try:
                leaf = steps.send(None)
            except StopIteration as end:
                return end.value, polls
            yield leaf


async def order(parcel):
    """Orders a parcel. A thread brings it, half a second later."""
    promise = Promise()

    def bring():
        time.sleep(0.5)
        promise.set(parcel)

    threading.Thread(target=bring).start()
    return await Counted(promise)


async def order_later():
    return await order("a lamp")


def main():
    parcel, polls = block_on(order("a book"))
    print(f"{parcel}, after {polls} polls")
    parcel, polls = block_on(order_later())
    print(f"{parcel}, after {polls} polls")


if __name__ == "__main__":
    main()
