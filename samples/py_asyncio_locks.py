"""Two tasks of an event loop take two locks in opposite orders; each waits until both have their first."""
# OPTIONS: --on-deadlock=kill
# HANGS
# EXPECT: deadlock
import asyncio


async def transfer(source, target, entered, other_entered):
    async with source:
        entered.set()
        await other_entered.wait()
        async with target:
            pass


async def main():
    savings, checking = asyncio.Lock(), asyncio.Lock()
    morning, evening = asyncio.Event(), asyncio.Event()
    await asyncio.gather(
        transfer(savings, checking, morning, evening),
        transfer(checking, savings, evening, morning),
    )


asyncio.run(main())
