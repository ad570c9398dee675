# A Python program starts two jobs and waits for them one after the other: the second ends early and stays a zombie
# until the first is over.
# OPTIONS: --grace-ms=300
# EXPECT: child-zombie note
import subprocess

jobs = [subprocess.Popen(["sleep", seconds]) for seconds in ("3", "0")]
for job in jobs:
    job.wait()
