"""Philosophers who take both forks by one allocator, which gives them together or not at all."""
# EXPECT: clean
import threading


class Table:
    def __init__(self, seats):
        self.free = [True] * seats
        self.changed = threading.Condition()

    def take(self, forks):
        with self.changed:
            self.changed.wait_for(lambda: all(self.free[fork] for fork in forks))
            for fork in forks:
                self.free[fork] = False

    def give_back(self, forks):
        with self.changed:
            for fork in forks:
                self.free[fork] = True
            self.changed.notify_all()


SEATS = 5
table = Table(SEATS)


def dine(seat):
    forks = (seat, (seat + 1) % SEATS)
    for _ in range(20):
        table.take(forks)
        table.give_back(forks)


threads = [threading.Thread(target=dine, args=(seat,)) for seat in range(SEATS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
