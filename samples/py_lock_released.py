"""The same with try and finally, and with `with`."""
# EXPECT: clean
import threading

lock = threading.Lock()


def fail():
    lock.acquire()
    try:
        raise ValueError("no such account")
    except ValueError:
        return
    finally:
        lock.release()


def fail_with():
    try:
        with lock:
            raise ValueError("no such account")
    except ValueError:
        return


for target in (fail, fail_with):
    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
    with lock:
        print("free again")
