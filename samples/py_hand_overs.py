"""A semaphore, an event, a condition and a barrier pass threads on; what is local to a thread or a context stays there."""
# EXPECT: clean
import contextvars
import threading

slots, ready, changed, round_ = threading.Semaphore(2), threading.Event(), threading.Condition(), threading.Barrier(4)
own, context = threading.local(), contextvars.ContextVar("context")
counter = 0


def work(number):
    global counter
    own.number = number
    context.set(number)
    ready.wait()
    with slots:
        with changed:
            counter += 1
            changed.notify_all()
    round_.wait()
    assert own.number == context.get() == number


threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
ready.set()
with changed:
    changed.wait_for(lambda: counter == 4)
for thread in threads:
    thread.join()
