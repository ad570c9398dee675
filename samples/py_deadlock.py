"""Two threads take two locks in opposite orders, and meet in between."""
# OPTIONS: --on-deadlock=kill
# HANGS
# EXPECT: deadlock
import threading

savings, checking = threading.Lock(), threading.Lock()
both_have_one = threading.Barrier(2)


def transfer(source, target):
    with source:
        both_have_one.wait()
        with target:
            print("moved")


threads = [threading.Thread(target=transfer, args=order) for order in ((savings, checking), (checking, savings))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
