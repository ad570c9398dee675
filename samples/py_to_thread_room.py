"""The same with a second thread for it."""
# EXPECT: clean
import asyncio
import concurrent.futures


async def main():
    loop = asyncio.get_running_loop()
    loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(2))

    def inner():
        return 1

    def outer():
        return asyncio.run_coroutine_threadsafe(asyncio.to_thread(inner), loop).result()

    print(await asyncio.to_thread(outer))


asyncio.run(main())
