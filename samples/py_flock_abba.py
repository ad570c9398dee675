# Two threads of a Python program lock two files in opposite orders with fcntl.flock.
# EXPECT: lock-order-cycle
import fcntl
import threading


def both(first, second):
    with open(first, "a") as one, open(second, "a") as two:
        fcntl.flock(one, fcntl.LOCK_EX)
        fcntl.flock(two, fcntl.LOCK_EX)


def forth():
    both("mail", "index")


def back():
    done.wait()
    both("index", "mail")


done = threading.Event()
threads = [threading.Thread(target=forth), threading.Thread(target=back)]
for thread in threads:
    thread.start()
threads[0].join(20)
done.set()
threads[1].join()
