"""A parent takes the result out of the queue before it joins its child."""
# EXPECT: clean
import multiprocessing


def work(results):
    results.put(b"x" * 1_000_000)


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    results = multiprocessing.Queue()
    child = multiprocessing.Process(target=work, args=(results,))
    child.start()
    print(len(results.get()))
    child.join()
