"""The report in a real browser, where there is one: it fits a phone, nothing runs, and it prints."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from report_samples import SAMPLES

from thinkllm_drill import locale
from thinkllm_drill.report.html import render

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_BROWSER = next(filter(None, map(shutil.which, _NAMES)), None)
_MEASURE = """<!doctype html><meta charset="utf-8"><body>{frames}<pre id="found"></pre><script>
window.alert = () => {{ document.title = "ran" }};
const frames = [...document.querySelectorAll("iframe")];
onload = () => {{
  const found = frames.map(frame => {{
    const page = frame.contentDocument;
    page.querySelectorAll("details").forEach(details => details.open = true);
    const colour = frame.contentWindow.getComputedStyle(page.body).backgroundColor;
    return [frame.name, frame.clientWidth, page.documentElement.scrollWidth, page.scripts.length, colour];
  }});
  document.getElementById("found").textContent = JSON.stringify([document.title, found]);
}};
</script>"""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(_BROWSER is None, reason="there is no Chromium here")]


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    yield
    locale.use("en")


def _browse(folder: Path, *arguments: str) -> str:
    assert _BROWSER is not None
    command = [_BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


def test_no_page_is_wider_than_its_window_and_nothing_runs(tmp_path: Path) -> None:
    frames = []
    for lang in locale.LANGUAGES:
        locale.use(lang)
        for name, make in SAMPLES.items():
            page = html.escape(render(make()), quote=True)
            frames += [
                f'<iframe name="{name}.{lang}" style="border:0;width:{width}px;height:600px" srcdoc="{page}"></iframe>'
                for width in (320, 360, 800, 1280)
            ]
    file = tmp_path / "measure.html"
    file.write_text(_MEASURE.format(frames="".join(frames)), encoding="utf-8")
    shown = _browse(tmp_path, "--dump-dom", file.as_uri())
    found = re.search(r'<pre id="found">(.*?)</pre>', shown)
    assert found is not None
    title, pages = json.loads(html.unescape(found[1]))
    assert title == ""
    assert len(pages) == 4 * len(SAMPLES) * len(locale.LANGUAGES)
    for name, width, content, scripts, colour in pages:
        assert content <= width, name
        assert scripts == 0, name
        assert colour == "rgb(255, 255, 255)", name


def test_it_prints_on_few_pages(tmp_path: Path) -> None:
    page, pdf = tmp_path / "report.html", tmp_path / "report.pdf"
    page.write_text(render(SAMPLES["mixed"]()), encoding="utf-8")
    _browse(tmp_path, f"--print-to-pdf={pdf}", page.as_uri())
    printed = pdf.read_bytes()
    assert printed.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) <= 10
