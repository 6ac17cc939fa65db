"""08 Errors: an exception crosses await, as it crosses a call.

gather's first error reaches the caller at once; the siblings go on.
Twin: 08_errors.rs
"""

import asyncio


async def parse(text, gate=None):
    if gate:
        await gate.wait()
    if not text.isdigit():
        raise ValueError(f"bad number: {text}")
    print("parsed", text)
    return int(text)


async def main():
    try:
        await parse("x")
    except ValueError as error:
        print("await:", error)

    gate = asyncio.Event()
    try:
        await asyncio.gather(parse("1", gate), parse("y"))
    except ValueError as error:
        print("gather:", error)
    gate.set()
    await asyncio.sleep(0)

    both = [parse("2"), parse("z")]
    for result in await asyncio.gather(*both, return_exceptions=True):
        if isinstance(result, ValueError):
            print("collected: error", result)
        else:
            print("collected: ok", result)


asyncio.run(main())
