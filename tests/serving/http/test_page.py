"""The page as a person uses it: a real browser on a real server."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving_process import Server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None and "CI" not in os.environ, reason="there is no chromium here")

SHIFTS = """
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) {
    if (!entry.hadRecentInput) window.shifted = (window.shifted ?? 0) + entry.value;
  }
}).observe({ type: 'layout-shift', buffered: true });
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Any, server: Server) -> Iterator[Any]:
    """Opens pages, each in a context of its own; none of them may complain, or ask anybody else."""
    said: list[str] = []
    contexts = []

    def open_page(fragment: str = "", **options: Any) -> Any:
        context = chromium.new_context(accept_downloads=True, **options)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.address)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on(
            "request", lambda request: request.url.startswith((server.address, "blob:")) or said.append(request.url)
        )
        page.add_init_script(SHIFTS)
        page.goto(f"{server.address}/{fragment}")
        return page

    server.until("/map")
    yield open_page
    for context in contexts:
        context.close()
    assert said == []


def wait(page: Any, condition: str, arg: Any = None, seconds: float = 60) -> None:
    """Wait until an expression, or a function of ``arg``, is true; Playwright's own wait needs eval on the page."""
    end = time.monotonic() + seconds
    while not page.evaluate(condition, arg):
        assert time.monotonic() < end, condition
        page.wait_for_timeout(30)


def uris_of(page: Any, part: str) -> list[str]:
    return list(page.eval_on_selector_all(f"#{part} .row", "rows => rows.map(row => row.dataset.uri)"))


def settled(page: Any) -> None:
    """Wait until what goes on belongs to what is shown."""
    wait(page, "document.querySelectorAll('#next .row').length && !document.querySelector('#next.stale')")


def changed(page: Any, before: list[str]) -> list[str]:
    """What goes on, once it is another list."""
    wait(
        page,
        "before => { const now = [...document.querySelectorAll('#next .row')].map(row => row.dataset.uri);"
        " return now.length && JSON.stringify(now) !== before; }",
        arg=json.dumps(before, separators=(",", ":")),
    )
    return uris_of(page, "next")


def test_a_playlist_is_built_continued_and_kept(opened: Any, server: Server, uris: list[str], tmp_path: Path) -> None:
    page = opened()
    tracks = server.ask("POST", "/tracks", {"tracks": uris[:2]}).content["items"]
    for place, track in enumerate(tracks):
        page.fill("#search", track["track_uri"])
        page.wait_for_selector("#found [role=option]")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        wait(page, "n => document.querySelectorAll('#own .row').length === n", arg=place + 1)
    assert uris_of(page, "own") == uris[:2]
    settled(page)
    asked = server.recommend(tracks=uris[:2], k=20)
    first = uris_of(page, "next")
    assert first == [item["track_uri"] for item in asked["items"]]

    page.locator("#next .add").first.click()
    second = changed(page, first)
    assert uris_of(page, "own") == [*uris[:2], first[0]]
    assert first[0] not in second

    page.locator("#own .grip").nth(2).focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert uris_of(page, "own") == [first[0], *uris[:2]], "moved by keys, the focus with it"
    grip, target = page.locator("#own .grip").first, page.locator("#own .row").nth(2)
    start, end = grip.bounding_box(), target.bounding_box()
    page.mouse.move(start["x"] + 9, start["y"] + 9)
    page.mouse.down()
    page.mouse.move(start["x"] + 9, end["y"] + end["height"] / 2, steps=5)
    page.mouse.up()
    assert uris_of(page, "own") == [*uris[:2], first[0]], "moved by hand"

    settled(page)
    page.locator("#next .why").first.click()
    wait(page, "document.querySelector('#next .reason')?.textContent.length > 10")
    shown = uris_of(page, "next")
    page.locator("#next .like").nth(1).click()
    liked = changed(page, shown)
    assert uris_of(page, "own") == [*uris[:2], first[0]], "what is liked is leant to, not added"
    assert page.locator("#leaning button").count() == 1
    page.locator("#next .dislike").first.click()
    assert liked[0] not in changed(page, liked)
    page.locator("#leaning button").first.click()
    page.locator("#leaning button").first.click()
    wait(page, "!document.querySelector('#leaning button')")
    wait(
        page,
        "shown => JSON.stringify([...document.querySelectorAll('#next .row')].map(row => row.dataset.uri)) === shown",
        json.dumps(shown, separators=(",", ":")),
    )

    page.locator("#diversity").fill("0.9")
    varied = changed(page, shown)
    assert varied == [
        item["track_uri"] for item in server.recommend(tracks=uris_of(page, "own"), k=20, diversity=0.9)["items"]
    ]
    page.locator("#popularity").fill("-0.8")
    changed(page, varied)

    link = page.url
    other = opened(link.partition("/#")[2] and "#" + link.partition("#")[2])
    settled(other)
    assert uris_of(other, "own") == uris_of(page, "own")
    assert uris_of(other, "next") == uris_of(page, "next")
    assert other.input_value("#popularity") == "-0.8"

    for kind in ("m3u", "csv", "json", "txt"):
        with page.expect_download() as started:
            page.click(f"[data-save={kind}]")
        file = tmp_path / f"saved.{kind}"
        started.value.save_as(file)
        for uri in uris_of(page, "own"):
            assert uri in file.read_text()
        if kind == "txt":
            continue
        third = opened()
        third.set_input_files("#file", file)
        wait(third, "document.querySelectorAll('#own .row').length === 3")
        assert uris_of(third, "own") == uris_of(page, "own"), "what was saved is read again"
    page.click("#own .remove >> nth=0")
    assert len(uris_of(page, "own")) == 2
    page.click("#undo")
    assert len(uris_of(page, "own")) == 3
    page.click("#copy")
    assert page.evaluate("navigator.clipboard.readText()").count("\n") == 2


def test_lists_are_pasted_and_dropped_and_moods_picked(opened: Any, uris: list[str]) -> None:
    page = opened()
    page.focus("#search")
    for text, n in (
        ("\n".join(uris[:3]), 3),
        ("#EXTM3U\n" + "\n".join(uris[2:5]), 5),
        (json.dumps(uris[5:6]) + "\n\n", 6),
    ):
        page.evaluate(
            "text => { const data = new DataTransfer(); data.setData('text', text);"
            " document.getElementById('search').dispatchEvent("
            "new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })); }",
            text,
        )
        wait(page, "n => document.querySelectorAll('#own .row').length === n", arg=n)
    page.evaluate(
        "text => { const data = new DataTransfer(); data.items.add(new File([text], 'list.m3u'));"
        " for (const kind of ['dragenter', 'dragover', 'drop'])"
        " document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true })); }",
        "\n".join(uris[6:8]),
    )
    wait(page, "document.querySelectorAll('#own .row').length === 8")
    assert uris_of(page, "own") == uris[:8]
    page.fill("#search", "a")
    page.wait_for_selector("#found-playlists")
    mood = page.locator("[aria-labelledby=found-playlists] [role=option] .name").first
    title = mood.text_content()
    mood.click()
    assert page.input_value("#title") == title


def test_names_are_text(opened: Any, server: Server, uris: list[str]) -> None:
    tracks = server.ask("POST", "/tracks", {"tracks": uris[:200]}).content["items"]
    hostile = [track for track in tracks if "<img" in track["track_name"] and "<img" in track["artist_name"]][:2]
    assert len(hostile) == 2
    page = opened("#title=%3Cimg%20src=x%3E&" + "&".join(f"t={track['track_uri']}" for track in hostile))
    settled(page)
    page.fill("#search", "img src")
    page.wait_for_selector("#found [role=option]")
    assert "<img" in page.locator("#found .name").first.text_content()
    page.keyboard.press("Escape")
    for place in range(5):
        page.locator("#next .why").nth(place).click()
        wait(page, "place => document.querySelectorAll('#next .reason').length > place", arg=place)
    assert page.locator("#own .name").first.text_content() == hostile[0]["track_name"]
    assert page.locator("main img").count() == 0
    assert page.title() != "1"


def test_the_map_is_moved_and_names_what_is_there(opened: Any, uris: list[str]) -> None:
    page = opened("#" + "&".join(f"t={uri}" for uri in uris[:2]))
    settled(page)
    page.wait_for_selector("#map-wait", state="hidden")

    def picture() -> str:
        page.wait_for_timeout(120)
        return str(page.evaluate("document.getElementById('map').toDataURL()"))

    seen = {picture()}
    page.focus("#map")
    for key in ("+", "ArrowLeft", "ArrowUp", "-", "0"):
        page.keyboard.press(key)
        seen.add(picture())
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.wheel(0, -400)
    seen.add(picture())
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + 160, steps=3)
    page.mouse.up()
    seen.add(picture())
    assert len(seen) == 8, "each changes what is seen"
    page.focus("#map")
    page.keyboard.press("Enter")
    wait(page, "document.getElementById('tip-text').textContent")
    before = len(uris_of(page, "own"))
    page.click("#tip-add")
    wait(page, "n => document.querySelectorAll('#own .row').length >= n", arg=before)


@pytest.mark.parametrize(
    "look",
    [
        {"viewport": {"width": 1280, "height": 800}},
        {"viewport": {"width": 390, "height": 844}, "has_touch": True},
        {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    ],
    ids=["desktop", "phone", "dark"],
)
def test_nobody_is_kept_out_and_nothing_jumps(opened: Any, uris: list[str], look: dict[str, Any]) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = opened("", **look)
    page.wait_for_selector("#map-wait", state="hidden")
    assert Axe().run(page).response["violations"] == []
    page.goto(page.url + "#title=chill&" + "&".join(f"t={uri}" for uri in uris[:4]) + f"&dislike={uris[9]}")
    settled(page)
    page.locator("#next .why").first.click()
    wait(page, "document.querySelector('#next .reason')?.textContent.length > 10")
    page.fill("#search", "a")
    page.wait_for_selector("#found [role=option]")
    violations = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in violations] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing stands beside the window"
    page.reload()
    settled(page)
    page.wait_for_selector("#map-wait", state="hidden")
    assert page.evaluate("window.shifted ?? 0") < 0.1, "what web.dev calls good"


def test_the_description_is_a_page_for_everybody(opened: Any, server: Server) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = opened("docs")
    assert page.locator("h2").count() > 10
    assert Axe().run(page).response["violations"] == []
