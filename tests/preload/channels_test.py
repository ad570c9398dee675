"""What goes through the kernel orders who gives before who takes: a warning. What was given before the locks were taken
orders nothing: an error stays an error."""
import json
import re
import unittest

from shim_case import GORDIAN, PROBES, ShimCase, clean_environment, finish

# Those of the probe that one process can give and another take.
BETWEEN_PROCESSES = ("pipe", "fifo", "stream pair", "backwards", "datagram pair", "unix connection",
                     "loopback connection", "accept", "unix datagrams", "loopback datagrams", "eventfd",
                     "inherited eventfd", "poll alone", "select alone", "epoll alone", "message queue", "System V queue")


class ChannelsTest(ShimCase):
    SOURCES = {"channels.cc": ["-lrt"]}

    def run_of(self, command):
        """What `gordian run` says, which knows whose child each process is."""
        path = self.folder / "run.json"
        result = finish([GORDIAN, "run", "--json", path, "--text", "/dev/null", "--fail-on", "never", "--", *command],
                        env=clean_environment())
        self.assertEqual(result.returncode, 0, result)
        return json.loads(path.read_text())

    def level(self, channel, when, between):
        command = [self.probe["channels"], self.folder, channel, when, between]
        report = self.compare(command, None, 0) if between == "threads" else self.run_of(command)
        return [finding["level"] for finding in report["findings"] if finding["rule"] == "lock-order-cycle"]

    def check(self, channels, between):
        for channel in channels:
            with self.subTest(channel):
                self.assertEqual(self.level(channel, "after", between), ["warning"])
                self.assertEqual(self.level(channel, "before", between), ["error"])

    def test_between_threads(self):
        self.check(re.findall(r'^    \{"([\w -]+)",', (PROBES / "channels.cc").read_text(), re.MULTILINE), "threads")

    def test_between_processes(self):
        self.check(BETWEEN_PROCESSES, "processes")


if __name__ == "__main__":
    unittest.main()
