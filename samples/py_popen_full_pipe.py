"""A parent waits for the end of a command that writes more than a pipe holds, and reads nothing."""
# OPTIONS: --on-deadlock=kill-tree
# HANGS
# EXPECT: deadlock
import subprocess
import sys

process = subprocess.Popen([sys.executable, "-c", "print('x' * 1_000_000)"], stdout=subprocess.PIPE)
process.wait()
print(len(process.stdout.read()))
