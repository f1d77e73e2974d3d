"""JupyterLab, as `./run_all.sh lab` starts it, opens every notebook in a real browser and runs it,
twice, with the same text."""

import re
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest

from egolib.execute import notebook_paths

_PATIENCE_S = 600


@pytest.fixture(scope="module")
def notebooks(finished, tmp_path_factory):
    """Copies of the notebooks whose first cell asks for a finished smoke run."""
    folder = tmp_path_factory.mktemp("lab")
    for path in notebook_paths():
        text = path.read_text().replace('profile = \\"quick\\"', 'profile = \\"smoke\\"')
        (folder / path.name).write_text(
            text.replace('results = \\"\\"', f'results = \\"{finished}\\"')
        )
    return folder


@pytest.fixture(scope="module")
def lab(notebooks):
    """Address of a JupyterLab that serves `notebooks`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
               "--IdentityProvider.token=", f"--notebook-dir={notebooks}"]  # fmt: skip
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{address}/api", timeout=5)
            break
        except OSError:
            time.sleep(0.5)
    yield address
    server.terminate()
    server.wait()


def run_all_cells(page, path, executed):
    """Run all cells -> the code cells as they are saved once `executed` cells were, in all runs."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    ends = time.monotonic() + _PATIENCE_S
    while time.monotonic() < ends:
        page.wait_for_timeout(1500)
        page.keyboard.press("Control+s")
        try:
            cells = [c for c in nbformat.read(path, 4).cells if c.cell_type == "code"]
        except nbformat.reader.NotJSONError:  # it is being saved
            continue
        failed = [o for c in cells for o in c.outputs if o.output_type == "error"]
        assert not failed, failed[0]["evalue"]
        if cells[-1].execution_count == executed:
            return cells
    raise AssertionError(f"{path.name}: not done after {_PATIENCE_S} s")


def told(cells):
    """What the last cell says, numbers and all."""
    return re.sub(r"\s+", " ", "".join(o.get("text", "") for o in cells[-1].outputs))


@pytest.mark.parametrize("name", [path.name for path in notebook_paths()])
def test_a_notebook_runs_in_jupyterlab(browser, lab, notebooks, name):
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(1000 * _PATIENCE_S)  # the first page is slow
    page.goto(f"{lab}/lab/tree/{name}?reset")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    page.get_by_text(re.compile(r"Python 3.*\| Idle")).wait_for()
    count = sum(c.cell_type == "code" for c in nbformat.read(notebooks / name, 4).cells)
    once, again = (told(run_all_cells(page, notebooks / name, n * count)) for n in (1, 2))
    assert once
    assert again == once
    page.close()
