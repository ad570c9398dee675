"""The HTML report in a browser: what it shows, what clicks and keys do, and that it asks nobody for anything."""
import json
import shutil
import subprocess
import time
import unittest
import urllib.error
import urllib.request

from gordian_case import PATIENCE, GordianCase, read_line

DRIVER = shutil.which("chromedriver")


class Browser:
    """A headless browser by the WebDriver protocol."""

    def __init__(self):
        self.driver = subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def start(self, folder):
        line = ""
        while "started successfully on port" not in line:
            line = read_line(self.driver.stdout)
            if not line:
                raise unittest.SkipTest("chromedriver does not start")
        self.url = f"http://127.0.0.1:{line.rsplit(' ', 1)[1].strip().rstrip('.')}"
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={folder}"]
        capabilities = {"goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        self.session = f"/session/{session['sessionId']}"

    def ask(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.loads(answer.read())["value"]

    def open(self, url):
        self.ask("POST", self.session + "/url", {"url": url})

    def run(self, script, *arguments):
        return self.ask("POST", self.session + "/execute/sync", {"script": script, "args": list(arguments)})

    def log(self, kind):
        return self.ask("POST", self.session + "/se/log", {"type": kind})

    def close(self):
        try:
            self.ask("DELETE", self.session)
        except (AttributeError, urllib.error.URLError):
            pass
        self.driver.terminate()
        self.driver.wait()
        self.driver.stdout.close()


@unittest.skipUnless(DRIVER and shutil.which("chromium"), "there is no browser")
class HtmlTest(GordianCase):
    def page(self, report):
        (self.folder / "given.json").write_text(json.dumps(report))
        self.gordian("check", "given.json", "--html", "page.html")
        browser = Browser()
        self.addCleanup(browser.close)
        browser.start(self.folder / "profile")
        browser.open(f"file://{self.folder}/page.html")
        return browser

    def wait_for(self, browser, script, wanted):
        deadline = time.monotonic() + PATIENCE
        while (seen := browser.run(script)) != wanted and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(seen, wanted)

    def two_findings(self):
        _, report = self.run_json("-q", "--", self.sample("abba"))
        first = report["findings"][0]
        report["findings"].append(dict(first, fingerprint="00000000000000ab", level="warning", title="The other one"))
        return report

    def test_clicks_keys_search_and_steps(self):
        browser = self.page(self.two_findings())
        title = "return document.getElementById('title').textContent"
        self.assertEqual(browser.run(title), "ERROR lock-order-cycle (potential)")
        self.assertEqual(browser.run("return document.querySelectorAll('#list li').length"), 2)
        # A deep link, by a click.
        browser.run("document.querySelectorAll('#list button')[1].click()")
        self.wait_for(browser, title, "WARNING lock-order-cycle (potential)")
        self.assertEqual(browser.run("return location.hash"), "#fp=00000000000000ab")
        browser.run("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'k', bubbles: true}))")
        self.wait_for(browser, title, "ERROR lock-order-cycle (potential)")
        # Search.
        browser.run("const s = document.getElementById('search'); s.value = 'lock-order 00000000000000AB'; s.dispatchEvent(new Event('input'))")
        self.wait_for(browser, "return document.getElementById('count').textContent", "1 of 2")
        # The steps, one after the other.
        steps = "return [document.getElementById('step').textContent, document.querySelectorAll('tr.later').length]"
        self.assertEqual(browser.run(steps), ["step 4 of 4", 0])
        browser.run("document.getElementById('first').click()")
        self.assertEqual(browser.run(steps), ["step 1 of 4", 3])
        browser.run("document.getElementById('next').click()")
        self.assertEqual(browser.run(steps), ["step 2 of 4", 2])
        # Two stacks side by side, the place marked, and a ring of two threads and two locks.
        self.assertEqual(browser.run("return document.querySelectorAll('.column').length"), 2)
        self.assertIn("Transfer", browser.run("return document.querySelector('.stack .place').textContent"))
        self.assertEqual(browser.run("return [document.querySelectorAll('svg .node').length, "
                                     "document.querySelectorAll('svg line.wait').length]"), [4, 2])
        # The other theme.
        back = "return getComputedStyle(document.body).backgroundColor"
        before = browser.run(back)
        browser.run("document.getElementById('theme').click()")
        self.assertNotEqual(browser.run(back), before)
        self.assertEqual(browser.log("browser"), [])

    def test_it_asks_nobody_and_runs_nothing_of_the_programs(self):
        report = self.two_findings()
        evil = "</script><script>window.hit = 1</script><img src=x onerror='window.hit = 2'>"
        for finding in report["findings"]:
            finding["title"] = finding["explanation"] = finding["fix"] = evil
            for thread in finding["threads"]:
                thread["name"] = evil
        browser = self.page(report)
        self.assertIn("<img src=x", browser.run("return document.getElementById('detail').textContent"))
        self.assertIsNone(browser.run("return window.hit"))
        self.assertEqual(browser.run("return document.images.length"), 0)
        sent = [json.loads(entry["message"])["message"] for entry in browser.log("performance")]
        asked = {message["params"]["request"]["url"] for message in sent if message["method"] == "Network.requestWillBeSent"}
        self.assertEqual({url for url in asked if not url.startswith(("file:", "data:", "chrome:"))}, set())
        # The policy holds, also for who gets past the escaping.
        browser.run("const s = document.createElement('script'); s.textContent = 'window.hit = 3'; document.body.append(s)")
        self.assertIsNone(browser.run("return window.hit"))

    def test_ten_thousand_findings(self):
        report = self.two_findings()
        one = report["findings"][0]
        report["findings"] = [dict(one, fingerprint=f"{number:016x}") for number in range(10000)]
        browser = self.page(report)
        self.assertEqual(browser.run("return document.getElementById('count').textContent"),
                         "10000 of 10000, the first 200 shown: search to see others")
        self.assertEqual(browser.run("return document.querySelectorAll('#list li').length"), 200)


if __name__ == "__main__":
    unittest.main()
