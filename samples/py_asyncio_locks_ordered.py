"""The same in one order. One task waits for the other, and that one for a timer."""
# EXPECT: clean
import asyncio


async def transfer(source, target):
    async with source:
        async with target:
            await asyncio.sleep(1.5)


async def main():
    savings, checking = asyncio.Lock(), asyncio.Lock()
    await asyncio.gather(transfer(savings, checking), transfer(savings, checking))


asyncio.run(main())
