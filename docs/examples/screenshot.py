"""Draw the top of a report as PNG: `python -m docs.examples.screenshot PAGE.html OUT.png`.

Needs selenium and Debian's chromium and chromium-driver. `--phone` draws what a phone shows,
`--dark` what a reader of dark pages sees.
"""

import argparse
import base64
import io
import tempfile
from pathlib import Path

from PIL import Image

from tests.support.browser import show, started_browser


def main() -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--phone", action="store_true", help="390 CSS pixels wide, not 1280")
    parser.add_argument("--dark", action="store_true", help="as readers of dark pages see it")
    parser.add_argument("--height", type=int, default=1500, help="CSS pixels from the top")
    given = parser.parse_args()
    width = 390 if given.phone else 1280
    content = drawn(given.page.resolve(), width, given.height, dark=given.dark)
    Image.open(io.BytesIO(content)).convert("RGB").save(given.output, optimize=True)


def drawn(page: Path, width: int, height: int, *, dark: bool) -> bytes:
    """The top of a page as PNG."""
    with tempfile.TemporaryDirectory() as folder, started_browser(Path(folder)) as driver:
        show(driver, page, width=width, height=height, dark=dark)
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        asked = {"clip": clip, "captureBeyondViewport": True}
        return base64.b64decode(driver.execute_cdp_cmd("Page.captureScreenshot", asked)["data"])


if __name__ == "__main__":
    main()
