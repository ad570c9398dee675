"""Both ends of a Pipe wait for the other one's message."""
# OPTIONS: --on-deadlock=kill-tree
# HANGS
# EXPECT: deadlock
import multiprocessing


def ask(connection):
    connection.send(connection.recv() + 1)


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    own, other = multiprocessing.Pipe()
    child = multiprocessing.Process(target=ask, args=(other,))
    child.start()
    print(own.recv())
    child.join()
