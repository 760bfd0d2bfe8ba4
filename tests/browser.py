"""A headless Chromium that tells what a page complained of and asked for."""

import json
import os
import shutil
from contextlib import contextmanager

import pytest

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking", "--disable-sync"),
    *("--disable-component-update", "--window-size=1000,900"),
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
INSTALL = "Chromium is missing: apt-get install chromium chromium-driver"


@contextmanager
def open_browser(profile):
    """Give a driver with a profile of its own.

    Skips the test where there is no browser; with CI=true, fails it.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if not browser or not driver:
        fail = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        fail(INSTALL)
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability(
        "goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"}
    )
    chrome = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        chrome.set_script_timeout(30)
        yield chrome
    finally:
        chrome.quit()


def visit(chrome, path):
    """Open a file, and forget what the browser asked for on its own account."""
    chrome.get("about:blank")
    chrome.get_log("performance")
    chrome.get_log("browser")
    chrome.get(path.as_uri())


def requests(chrome):
    """Return the addresses asked for since, but for what lies in the page itself."""
    events = [
        json.loads(e["message"])["message"] for e in chrome.get_log("performance")
    ]
    addresses = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    inside = ("data:", "about:", "chrome:")
    return [address for address in addresses if not address.startswith(inside)]


def widths(chrome):
    """Return the widths in pixels of the page's pictures; 0 of a broken one."""
    script = "return [...document.images].map(image => image.naturalWidth)"
    return chrome.execute_script(script)


def wait_for(chrome, script):
    """Wait until a script returns something true."""
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(chrome, 20).until(lambda driver: driver.execute_script(script))
