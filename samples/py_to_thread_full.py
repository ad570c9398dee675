"""The one thread of an event loop's executor waits for a call that needs that thread."""
# OPTIONS: --on-deadlock=kill
# HANGS
# EXPECT: deadlock
import asyncio
import concurrent.futures


async def main():
    loop = asyncio.get_running_loop()
    loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(1))

    def inner():
        return 1

    def outer():
        return asyncio.run_coroutine_threadsafe(asyncio.to_thread(inner), loop).result()

    print(await asyncio.to_thread(outer))


asyncio.run(main())
