"""A question one way through a Pipe, and the answer the other way."""
# EXPECT: clean
import multiprocessing


def ask(connection):
    connection.send(connection.recv() + 1)


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    own, other = multiprocessing.Pipe()
    child = multiprocessing.Process(target=ask, args=(other,))
    child.start()
    own.send(1)
    print(own.recv())
    child.join()
