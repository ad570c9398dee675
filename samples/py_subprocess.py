# Python starts commands in its usual ways and waits for each: run, pipes, Popen with wait, os.system, and
# from several threads at once.
# EXPECT: clean
import os
import subprocess
import threading


def echo(text):
    return subprocess.run(["echo", text], capture_output=True, text=True, check=True).stdout


assert echo("hello") == "hello\n"
sort = subprocess.Popen(["sort"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
assert sort.communicate("b\na\n")[0] == "a\nb\n"
background = subprocess.Popen("sleep 0.1 & wait", shell=True)
assert os.system("exit 2") == 2 << 8
assert background.wait() == 0
threads = [threading.Thread(target=echo, args=(str(i),)) for i in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
