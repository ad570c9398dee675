"""An event loop with nothing to do but to wait for a client, who comes late."""
# EXPECT: clean
import asyncio
import threading
import time
import socket


async def main():
    served = asyncio.Event()

    async def serve(reader, writer):
        writer.close()
        served.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()

    def come():
        time.sleep(1.5)
        socket.create_connection(address).close()

    client = threading.Thread(target=come)
    client.start()
    await served.wait()
    server.close()
    client.join()


asyncio.run(main())
