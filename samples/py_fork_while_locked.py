"""A fork while another thread holds a lock: nobody in the child can release it."""
# OPTIONS: --on-deadlock=kill-tree
# HANGS
# EXPECT: deadlock
import os
import threading

lock, has_it, done = threading.Lock(), threading.Event(), threading.Event()


def hold():
    with lock:
        has_it.set()
        done.wait()


thread = threading.Thread(target=hold)
thread.start()
has_it.wait()
child = os.fork()
if child == 0:
    with lock:
        os._exit(0)
os.waitpid(child, 0)
done.set()
thread.join()
