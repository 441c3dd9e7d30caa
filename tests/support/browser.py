"""A headless Chromium for tests: Debian's own, offline, with a profile of its own."""

import contextlib
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
)


@contextlib.contextmanager
def started_browser(folder: Path) -> Iterator[Any]:
    """A driver of a new Chromium whose profile is in `folder`; it ends with the block."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = found("chromium")
    for option in (*OPTIONS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(found("chromedriver")))
    try:
        driver.get("about:blank")
        driver.get_log("performance")  # what its own first page loaded
        yield driver
    finally:
        driver.quit()


def found(program: str) -> str:
    """The path of a program that must be there; naming it keeps selenium from fetching one."""
    path = shutil.which(program)
    assert path is not None, f"{program} is not on the PATH: apt-get install {program}"
    return path


def show(driver: Any, page: Path, *, width: int, height: int = 900, dark: bool = False) -> None:
    """Open a file as it looks at this width, in CSS pixels, to readers of light or dark pages."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    driver.get(page.as_uri())


def said(driver: Any) -> list[str]:
    """Every line that the page wrote to its console since the last call, its errors included."""
    return [entry["message"] for entry in driver.get_log("browser")]


def requested(driver: Any) -> list[str]:
    """The address of everything that was loaded since the last call, data inside pages apart."""
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    addresses = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    return [address for address in addresses if not address.startswith("data:")]


def contrasts(driver: Any) -> Sequence[tuple[str, float]]:
    """Every text that can be seen, with the contrast between it and what lies behind it."""
    return [(text, contrast) for text, contrast in driver.execute_script(_CONTRASTS)]


_CONTRASTS = """
const parse = (text) => text.match(/[\\d.]+/g).map(Number);
const behind = (element) => {
  const layers = [];
  for (let at = element; at; at = at.parentElement) {
    const [r, g, b, a = 1] = parse(getComputedStyle(at).backgroundColor);
    if (a > 0) layers.push([r, g, b, a]);
    if (a === 1) break;
  }
  return layers.reverse().reduce(
    (under, [r, g, b, a]) => [r, g, b].map((part, i) => part * a + under[i] * (1 - a)),
    [255, 255, 255]);
};
const light = (colour) => {
  const [r, g, b] = colour.slice(0, 3).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  const text = walker.currentNode.textContent.trim();
  if (!text || ["SCRIPT", "STYLE"].includes(element.tagName)) continue;
  if (!element.checkVisibility() || element.disabled) continue;
  const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
  found.push([text, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]);
}
return found;
"""
