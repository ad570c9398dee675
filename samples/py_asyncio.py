# Python's asyncio runs two commands and a thread at once; it reaps the commands from a helper thread.
# EXPECT: clean
import asyncio
import time


async def run(*command):
    process = await asyncio.create_subprocess_exec(*command)
    return await process.wait()


async def main():
    results = await asyncio.gather(run("true"), run("false"), asyncio.to_thread(time.sleep, 0.05))
    assert results == [0, 1, None]


asyncio.run(main())
