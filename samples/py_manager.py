"""Children count with a lock and a value of a Manager."""
# EXPECT: clean
import multiprocessing


def count(lock, value):
    for _ in range(5):
        with lock:
            value.value += 1


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    with multiprocessing.Manager() as manager:
        lock, value = manager.Lock(), manager.Value("i", 0)
        children = [multiprocessing.Process(target=count, args=(lock, value)) for _ in range(3)]
        for child in children:
            child.start()
        for child in children:
            child.join()
        print(value.value)
