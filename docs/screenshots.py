"""The images of the report in docs/report.md, taken of a finished run by headless Chromium.

python docs/screenshots.py results/quick
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
# name: page, width and height of the window, theme
SHOTS = {
    "report": ("index.html", (1180, 900), "light"),
    "viewer": ("pages/viewer.html?frame=4", (1180, 860), "light"),
    "explorer": ("pages/explorer.html", (1180, 800), "dark"),
    "phone": ("errors.html", (390, 844), "dark"),
}


def main(results):
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        )
        for name, (page, (width, height), theme) in SHOTS.items():
            tab = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
            tab.set_default_timeout(180_000)
            tab.goto(f"file://{results.resolve()}/{page}")
            tab.wait_for_timeout(3000)
            tab.screenshot(path=HERE / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
