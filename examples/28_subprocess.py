"""28 Subprocess: two child processes at once; the answers come in argument order.

Twin: 28_subprocess.rs, which awaits the pipe itself, and the exit on a thread.
"""

import asyncio


async def run(name, script):
    child = await asyncio.create_subprocess_exec("sh", "-c", script, stdout=asyncio.subprocess.PIPE)
    out, _ = await child.communicate()
    return f"{name} exit {child.returncode} said {out.decode().strip()}"


async def main():
    slow = run("slow", "sleep 0.2; echo hello")
    fast = run("fast", "echo hi; exit 3")
    for line in await asyncio.gather(slow, fast):
        print(line)


asyncio.run(main())
