"""JupyterLab and a headless Chromium, started for one test run and stopped after it."""

import base64
import json
import math
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from helpers import ROOT

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NO_BROWSER = (
    "this test needs Chromium and its driver, and does not find {missing}; on Debian or Ubuntu install them with: "
    "apt-get install chromium chromium-driver"
)
START_SECONDS = 300
SCREENSHOTS = ROOT / "build" / "browser"
SIZES = {"laptop": (1280, 900), "phone": (390, 844)}

# What a lesson is compared by must be in the page, also where it was not scrolled to; and nothing is asked or fetched.
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
}


def find_browser() -> tuple[str, str]:
    """Return the paths of Chromium and its driver. Raises FileNotFoundError, saying how to get them."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        missing = " and ".join(
            name for name, path in (("chromium", browser), ("chromedriver", driver)) if not path
        )
        raise FileNotFoundError(NO_BROWSER.format(missing=missing))
    return browser, driver


@contextmanager
def jupyterlab(folder: Path) -> Iterator[tuple[str, str]]:
    """Start JupyterLab on copies of the lessons in `folder`; yield its address and token."""
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    # Lessons draw numbers that are kept there.
    shutil.copytree(ROOT / "benchmarks", folder / "benchmarks")
    for name, values in SETTINGS.items():
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    port, token = _free_port(), secrets.token_hex(16)
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--LabApp.expose_app_in_browser=True",
    ]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    command += [f"--ServerApp.root_dir={folder}"]
    folders = {
        "JUPYTERLAB_SETTINGS_DIR": folder / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
        "JUPYTER_CONFIG_DIR": folder / "config",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
        "IPYTHONDIR": folder / "ipython",
    }
    quiet = {"TQDM_DISABLE": "1", "HF_HUB_OFFLINE": "1"}
    environment = os.environ | quiet | {name: str(folder) for name, folder in folders.items()}
    environment.pop("MPLBACKEND", None)  # figures go into the notebook
    with (folder / "jupyterlab.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            address = f"http://localhost:{port}"
            _wait_for(f"{address}/api?token={token}", server, folder / "jupyterlab.log")
            yield address, token
        finally:
            server.terminate()  # JupyterLab stops its kernels
            try:
                server.wait(timeout=60)
            except subprocess.TimeoutExpired:
                server.kill()


@contextmanager
def chromium(folder: Path) -> Iterator[webdriver.Chrome]:
    """Start a headless Chromium that can reach nothing but this machine, and records what it asks for."""
    browser, driver_path = find_browser()
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in (
        "--headless=new",
        "--no-sandbox",  # in a container one is often root
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-background-networking",
        "--window-size=1400,1100",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",
        f"--user-data-dir={folder / 'chromium'}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(driver_path))
    try:
        yield driver
    finally:
        driver.quit()


def requested_addresses(driver: webdriver.Chrome) -> list[str]:
    """Return the addresses that pages have asked for since the last call."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]


def asked_elsewhere(driver: webdriver.Chrome, address: str, *also: str) -> list[str]:
    """Return what pages have asked for since the last call and does not begin with `address`, inside the browser, or
    with one of `also`."""
    inside = (address, "data:", "blob:", "chrome", *also)
    return [url for url in requested_addresses(driver) if not url.startswith(inside)]


def show_on(driver: webdriver.Chrome, size: str, theme: str) -> None:
    """Give the page the size of one of SIZES, and the light or the dark theme."""
    width, height = SIZES[size]
    media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)


def take_picture(driver: webdriver.Chrome, path: Path, size: str, longest: float = math.inf) -> None:
    """Write a picture of the whole page, or of its first `longest` pixels; assert that it is not too wide."""
    width, _ = SIZES[size]
    assert driver.execute_script("return document.documentElement.scrollWidth;") <= width
    whole = driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
    clip = {"x": 0, "y": 0, "width": width, "height": min(whole["height"], longest), "scale": 1}
    shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    path.write_bytes(base64.b64decode(shot["data"]))


def serious_faults(driver: webdriver.Chrome, axe: str, options: str = "") -> list[tuple[str, list[str]]]:
    """Return what axe-core (its script) calls serious in the page, with a few places; assert that it looked."""
    driver.execute_script(axe)
    found = driver.execute_async_script(f"axe.run({options}).then(arguments[0]);")
    assert len(found["passes"]) > 10
    return [
        (each["id"], [node["html"] for node in each["nodes"]][:3])
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return listener.getsockname()[1]


def _wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"JupyterLab stopped at once:\n{log.read_text()}")
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise RuntimeError(f"JupyterLab did not answer within {START_SECONDS} s:\n{log.read_text()}")
