"""Step 1: a coroutine is polled.

You know `await`, and have never seen what is below it. To *poll* a coroutine is to call
`coroutine.send(None)`: it runs as far as it can. Either it gives control back with a `yield`
(not yet, ask again), or it ends and raises `StopIteration`, with its output. The loop that asks
is an *executor*; it is not a part of the language. This file has the smallest one.

    python3 examples/steps/step_1.py

Beside it: step_1.rs, where `send` is `poll`, the `yield` is `Pending`, `StopIteration` is `Ready`.
In asyncio: asyncio/tasks.py, `Task.__step_run_and_handle_result`, has the same `send` and the
same `except StopIteration`.

Still wrong: while the coroutine is not ready, this executor asks without a pause, and burns the
processor.
"""


# ── the executor ────────────────────────────────────── asyncio/tasks.py: Task.__step

def block_on(coroutine):
    """Runs a coroutine to its end: polls it again and again."""
    while True:
        try:
            coroutine.send(None)
        except StopIteration as end:
            return end.value


# ── the program ─────────────────────────────────────────────────────────────────────

class Countdown:
    """A leaf: it awaits nothing else, it waits itself. It is ready at its fourth poll.

    What its `__await__` yields passes through all the coroutines that await it, and ends the
    poll. The next poll goes on behind the `yield`.
    """

    def __init__(self, number):
        self.number = number

    def __await__(self):
        while self.number > 0:
            print(f"    poll: not ready, {self.number} to go")
            self.number -= 1
            yield
        print("    poll: ready")
        return "lift-off"


async def launch():
    print("  launch begins")
    word = await Countdown(3)
    print("  launch goes on, with the answer")
    return f"{word}!"


def main():
    coroutine = launch()
    print("launch() was called, and nothing has run")
    print(block_on(coroutine))


if __name__ == "__main__":
    main()
