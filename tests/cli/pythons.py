"""The CPythons that are found here and that Gordian reads."""
import glob
import os
import re
import shutil
import subprocess

READ = re.compile(r"3\.(8|9|1[0-5])\b")


def interpreters():
    """(version, path) of each CPython that is read, one for each minor version."""
    paths = ["/usr/bin/python3"] + sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python3")))
    paths += [path for minor in range(8, 16) if (path := shutil.which(f"python3.{minor}"))]
    found = {}
    for path in filter(os.path.exists, paths):
        version = subprocess.run([path, "-V"], capture_output=True, text=True).stdout.removeprefix("Python ").strip()
        if READ.match(version):
            found.setdefault(version.rpartition(".")[0], path)
    return sorted(found.items(), key=lambda item: int(item[0].split(".")[1]))
