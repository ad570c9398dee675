"""Children are forked while another thread logs: Python makes the locks of logging anew in them."""
# EXPECT: clean
import logging
import os
import threading


class Keep(logging.Handler):
    """Without a file, whose own lock would stay locked in a child."""

    def emit(self, record):
        kept[:] = [record]


kept = []
logging.basicConfig(handlers=[Keep()], level=logging.INFO)
stop = threading.Event()


def log():
    while not stop.is_set():
        logging.info("busy")


thread = threading.Thread(target=log)
thread.start()
for _ in range(5):
    child = os.fork()
    if child == 0:
        logging.info("in the child")
        os._exit(0)
    os.waitpid(child, 0)
stop.set()
thread.join()
