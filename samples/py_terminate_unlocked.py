"""A child is terminated while it holds nothing."""
# EXPECT: clean
import multiprocessing
import time


def wait(lock, is_done):
    with lock:
        pass
    is_done.set()
    time.sleep(3600)


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    lock, is_done = multiprocessing.Lock(), multiprocessing.Event()
    child = multiprocessing.Process(target=wait, args=(lock, is_done), daemon=True)
    child.start()
    is_done.wait()
    child.terminate()
    child.join()
    with lock:
        print(child.is_alive())
