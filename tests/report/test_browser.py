"""Report and interactive pages in a real browser, from a file and served."""

import functools
import json
import threading
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from toy_run import all_seen, finished_run, off_by, perfect, toy_index, unfinished_sweep

from egolib.report import write_comparison, write_report, write_sweep_report
from egolib.report.explore import PAGES, write_pages
from egolib.report.overview import CHAPTERS

EVERY_PAGE = [
    "index.html",
    *(f"{name}.html" for name in CHAPTERS),
    "compared.html",
    "sweep/index.html",
    *(f"pages/{name}.html" for name in PAGES),
]
LAPTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = tmp_path_factory.mktemp("run")
    index = toy_index(root / "tree")
    truth = perfect(index)
    models = {"dual": off_by(truth, (0, 60, 0)), "mine": off_by(truth, (0, 0, 40))}
    finished_run(root / "a", models, ["which_joints_are_wrong"])
    answers = {
        "which_joints_are_wrong": {
            "question": "Which?",
            "sentence": "Hands.",
            "figures": {"which_joints_are_wrong": "Which?"},
        }
    }
    (root / "a" / "tables" / "answers.json").write_text(json.dumps(answers))
    write_pages(index, models, all_seen(), root / "a" / "pages")
    write_report(root / "a")
    write_comparison(root / "a", root / "a", root / "a" / "compared.html")
    unfinished_sweep(root / "a" / "sweep", models)
    write_sweep_report(root / "a" / "sweep")
    return root / "a"


@pytest.fixture(scope="module")
def served(run):
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=run))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@contextmanager
def opened(browser, address, viewport=LAPTOP, theme="light"):
    """A page that fails on any error in its console and on any request to elsewhere."""
    context = browser.new_context(viewport=viewport, color_scheme=theme)
    page, faults = context.new_page(), []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    page.on("requestfailed", lambda request: faults.append(f"failed: {request.url}"))
    origin = address.split("/")[2]
    page.on("request", lambda r: faults.append(r.url) if origin != r.url.split("/")[2]
            and not r.url.startswith(("data:", "blob:")) else None)  # fmt: skip
    page.goto(address, wait_until="load")
    yield page
    context.close()
    assert not faults


def background(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_every_page_opens_without_a_fault(browser, run, served, name):
    for root, viewport, theme in ((f"file://{run}", LAPTOP, "light"), (served, PHONE, "dark")):
        with opened(browser, f"{root}/{name}", viewport, theme) as page:
            assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
            dark = sum(map(int, background(page)[4:-1].split(","))) < 150
            assert dark == (theme == "dark")


def test_tables_sort(browser, run):
    with opened(browser, f"file://{run}/tables.html") as page:
        table = page.locator("table.sortable", has=page.get_by_text("LowerStretching")).first
        cells, names = table.locator("tbody tr td:nth-of-type(3)"), table.locator("tbody th")
        before = names.all_inner_texts()
        head = table.locator("thead tr:last-child th").nth(3)
        for order, reverse in (("descending", True), ("ascending", False)):
            head.locator("button").click()
            assert head.get_attribute("aria-sort") == order
            values = [float(text) for text in cells.all_inner_texts() if text != "–"]
            assert values == sorted(values, reverse=reverse)
            assert len(set(values)) > 5
        table.locator("thead tr:last-child th button").first.click()
        assert names.all_inner_texts() == before


def test_the_viewer_plays(browser, run):
    with opened(browser, f"file://{run}/pages/viewer.html") as page:
        image = page.locator("#image")
        page.wait_for_selector("#image[data-frame='0']")
        first = image.screenshot()
        assert page.locator("#caption").inner_text() == "frame 0: 40 mm"
        page.locator("#frame").fill("5")
        page.wait_for_selector("#image[data-frame='5']")
        assert image.screenshot() != first
        page.locator("#model").select_option("dual")
        assert page.locator("#caption").inner_text() == "frame 5: 60 mm"
        page.locator("#action").select_option(label="Walking")
        page.wait_for_selector("#image[data-frame='8']")
        assert page.locator("#sequence option").count() == 4
        page.locator("#play").click()
        page.wait_for_selector("#image[data-frame='10']")
        page.locator("#play").click()
        traces = page.evaluate("document.getElementById('space').data.map(trace => trace.name)")
        assert {"true", "predicted"} == set(traces)


def test_the_explorer_filters_and_shows_the_frame(browser, run):
    with opened(browser, f"file://{run}/pages/explorer.html") as page:
        assert page.locator("#caption").inner_text().startswith("64 frames: mean 40 mm")
        page.locator("#action").select_option(label="Gaming")
        assert page.locator("#caption").inner_text().startswith("32 frames")
        page.locator("#action").select_option(label="all")
        page.locator("#model").select_option("dual")
        page.locator("#joint").select_option(label="LeftHand")
        assert page.locator("#caption").inner_text().startswith("64 frames: mean 60 mm")
        page.wait_for_selector("#image[data-frame='0']")
        place = page.locator("#plot .points path").nth(3).bounding_box()
        page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
        page.wait_for_selector("#image[data-frame='3']")
        assert "60 mm" in page.locator("#frame").inner_text()


def test_the_clouds_tell_where_a_joint_is_predicted(browser, run):
    with opened(browser, f"file://{run}/pages/clouds.html") as page:
        assert "40 mm too low" in page.locator("#caption").inner_text()
        page.locator("#model").select_option("dual")
        assert "60 mm too far forward" in page.locator("#caption").inner_text()
        page.locator("#joint").select_option(label="all")
        assert page.evaluate("document.getElementById('space').data.length") > 2 * 16


def test_the_report_prints(browser, run):
    with opened(browser, f"file://{run}/index.html", theme="dark") as page:
        page.emulate_media(media="print")
        assert not page.locator("nav").is_visible()
        assert background(page) == "rgb(255, 255, 255)"
        assert page.pdf(format="A4").startswith(b"%PDF")
