"""Generators, coroutines and threads that only compute."""
# EXPECT: clean
import asyncio
import threading


def squares(count):
    for number in range(count):
        yield number * number


async def total(count):
    await asyncio.sleep(0)
    return sum(squares(count))


async def main():
    return await asyncio.gather(*(total(count) for count in range(10)))


results = []
threads = [threading.Thread(target=lambda: results.append(sum(squares(20_000)))) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(set(results)), asyncio.run(main())[-1])
