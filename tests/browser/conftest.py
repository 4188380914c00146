"""A real Chromium, one for each module of tests; `.ci/prepare` installs it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from msgflash_apply.plan.plan import Plan
from msgflash_apply.report.html.page import plan_to_html
from tests.unit.report.builders import NOW

ALONE = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Chromium as root in a container, which speaks to nobody by itself."""


PATIENCE_MILLISECONDS = 15_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run a Chromium without a window."""
    program = shutil.which("chromium")
    assert program, "The tests need Chromium: .ci/prepare installs it."
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=program, args=ALONE) as running:
        yield running


OpenFile = Callable[..., Page]
OpenPlan = Callable[..., Page]


@pytest.fixture
def open_file(browser: Browser) -> Iterator[OpenFile]:
    """Open a page; `watch` collects what it does, and other keyword arguments are those of a browser's context."""
    contexts = []

    def open_it(file: Path, *, watch: list[str] | None = None, **options: object) -> Page:
        contexts.append(browser.new_context(**options))  # type: ignore[arg-type]  # playwright checks its own options
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        _watch(page, [] if watch is None else watch)
        page.goto(file.as_uri())
        return page

    yield open_it
    for context in contexts:
        context.close()


@pytest.fixture
def open_plan(open_file: OpenFile, tmp_path: Path) -> OpenPlan:
    """Open the page of a plan; keyword arguments are those of `open_file`."""

    def open_it(plan: Plan, **options: object) -> Page:
        file = tmp_path / "plan.html"
        file.write_text(plan_to_html(plan, now=NOW), encoding="utf-8")
        return open_file(file, **options)

    return open_it


def _watch(page: Page, seen: list[str]) -> None:
    page.on("request", lambda request: seen.append(f"request {request.url}"))
    page.on("requestfailed", lambda request: seen.append(f"failed {request.failure} {request.url}"))
    page.on("dialog", lambda dialog: seen.append(f"dialog {dialog.message}"))
    page.on("pageerror", lambda error: seen.append(f"error {error}"))
    page.on("console", lambda message: seen.append(f"console {message.text}"))
