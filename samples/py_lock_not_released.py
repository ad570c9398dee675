"""An exception leaves a lock taken by acquire(): nobody gets it any more."""
# OPTIONS: --on-deadlock=kill
# HANGS
# EXPECT: deadlock
import threading

lock = threading.Lock()


def fail():
    lock.acquire()
    try:
        raise ValueError("no such account")
    except ValueError:
        return
    lock.release()


thread = threading.Thread(target=fail)
thread.start()
thread.join()
lock.acquire()
