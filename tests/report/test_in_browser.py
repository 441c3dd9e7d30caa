"""The page in a real headless Chromium: it sorts, filters, fits, and runs nothing of data."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import contrasts, requested, said, show
from tests.support.report_stores import EVIL, EVIL_ERROR

pytestmark = pytest.mark.browser

DESKTOP, PHONE = 1280, 390
READABLE = 4.5  # of text to its ground: level AA of the Web Content Accessibility Guidelines 2


def column(driver: Any, head: str) -> list[str]:
    """The texts of one column of the table of cells, as they are shown."""
    return driver.execute_script(
        "const table = document.querySelector('.explorer');"
        "const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);"
        "const at = heads.indexOf(arguments[0]);"
        "return [...table.tBodies[0].rows].map((row) => row.cells[at].textContent);",
        head,
    )


def head(driver: Any, table: str, text: str) -> Any:
    """The button in a head of a table."""
    found = driver.find_elements("css selector", f"{table} thead button.sort")
    return next(button for button in found if button.text == text)


def choose(driver: Any, label: str, option: str) -> None:
    """Choose an option of the select with this label."""
    from selenium.webdriver.support.ui import Select

    for choice in driver.find_elements("css selector", ".choices label"):
        if choice.find_element("tag name", "span").text == label:
            Select(choice.find_element("tag name", "select")).select_by_visible_text(option)


def press(driver: Any, element: Any) -> None:
    """Click an element that the page's head may hide."""
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    element.click()


def open_all(driver: Any) -> None:
    """Open what is folded."""
    driver.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")


def text_of(driver: Any, selector: str) -> str:
    """The text of one element."""
    return driver.find_element("css selector", selector).text


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_loaded_and_nothing_complains(
    browser: Any, troubled_page: Path, width: int, dark: bool
) -> None:
    said(browser), requested(browser)
    show(browser, troubled_page, width=width, dark=dark)
    assert text_of(browser, "h1") == "digits"
    assert requested(browser) == [troubled_page.as_uri()]
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert said(browser) == []


def test_nothing_of_data_runs_and_all_of_it_is_shown(browser: Any, troubled_page: Path) -> None:
    show(browser, troubled_page, width=DESKTOP)
    open_all(browser)
    assert browser.execute_script("return typeof window.hacked") == "undefined"
    assert browser.execute_script("return document.images.length") == 0
    shown = browser.execute_script("return document.body.innerText")
    assert f"Is <b>it</b> shown? {EVIL}" in shown
    assert EVIL_ERROR in shown
    assert f"</pre>{EVIL}" in shown


def test_the_policy_stops_what_would_come_in(browser: Any, troubled_page: Path) -> None:
    show(browser, troubled_page, width=DESKTOP)
    fetched = browser.execute_async_script(
        "fetch('data:,x').then(() => arguments[0]('loaded'), () => arguments[0]('refused'))"
    )
    browser.execute_script(
        "const evil = document.createElement('script'); evil.textContent = 'window.hacked = 3';"
        "document.body.append(evil);"
    )
    assert fetched == "refused"
    assert browser.execute_script("return typeof window.hacked") == "undefined"
    assert len(said(browser)) >= 2  # the browser tells of each


def test_cells_sort_by_a_click_up_then_down(browser: Any, troubled_page: Path) -> None:
    show(browser, troubled_page, width=DESKTOP)
    accuracy = "test accuracy (%)"
    press(browser, head(browser, ".explorer", accuracy))
    shown = [float(text) for text in column(browser, accuracy) if text]
    assert len(shown) == 14
    assert shown == sorted(shown)
    assert column(browser, accuracy)[14:] == [""] * 7  # what has none comes last, both ways
    press(browser, head(browser, ".explorer", accuracy))
    assert [float(text) for text in column(browser, accuracy) if text] == shown[::-1]
    assert column(browser, accuracy)[14:] == [""] * 7
    heads = browser.find_elements("css selector", ".explorer th[aria-sort]")
    assert [(h.text, h.get_attribute("aria-sort")) for h in heads] == [(accuracy, "descending")]


def test_densities_sort_as_numbers(browser: Any, troubled_page: Path) -> None:
    show(browser, troubled_page, width=DESKTOP)
    press(browser, head(browser, ".explorer", "density"))
    assert list(dict.fromkeys(column(browser, "density"))) == ["0.05", "0.1", "1"]


def test_cells_sort_and_filter_by_keyboard(browser: Any, troubled_page: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    show(browser, troubled_page, width=DESKTOP)
    find = browser.find_element("css selector", "input[type=search]")
    find.send_keys("rigl completed")
    assert text_of(browser, ".count") == "4 of 21 cells"
    browser.switch_to.active_element.send_keys(Keys.TAB)
    assert browser.switch_to.active_element.tag_name == "select"
    seed = head(browser, ".explorer", "seed")
    browser.execute_script("arguments[0].focus()", seed)
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert column(browser, "seed") == ["0", "0", "1", "1"]
    browser.switch_to.active_element.send_keys(Keys.SPACE)
    assert column(browser, "seed") == ["1", "1", "0", "0"]
    browser.switch_to.active_element.send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text != "seed"


def test_cells_are_chosen_by_words_and_by_every_column(browser: Any, troubled_page: Path) -> None:
    show(browser, troubled_page, width=DESKTOP)
    assert text_of(browser, ".count") == "21 cells"
    choose(browser, "state", "FAILED")
    assert text_of(browser, ".count") == "3 of 21 cells"
    assert set(column(browser, "method")) == {"static"}
    choose(browser, "seed", "1")
    assert text_of(browser, ".count") == "1 of 21 cells"
    browser.find_element("css selector", "input[type=search]").send_keys("nowhere")
    assert text_of(browser, ".count") == "0 of 21 cells"
    press(browser, browser.find_element("css selector", ".reset"))
    assert text_of(browser, ".count") == "21 cells"


def test_an_entry_of_the_failure_map_shows_its_cells(browser: Any, troubled_page: Path) -> None:
    show(browser, troubled_page, width=DESKTOP)
    spot = browser.find_element("css selector", "button.spot.all")
    assert spot.text == "0/3"
    press(browser, spot)
    assert text_of(browser, ".count") == "3 of 21 cells"
    assert set(column(browser, "method")) == {"static"}
    assert set(column(browser, "density")) == {"0.05"}


def test_a_cause_shows_all_of_its_cells(browser: Any, troubled_page: Path) -> None:
    show(browser, troubled_page, width=DESKTOP)
    press(browser, browser.find_element("css selector", ".cause button.spot"))
    assert set(column(browser, "failure")) == {"F1 RuntimeError"}
    assert text_of(browser, ".count") == "3 of 21 cells"


def test_many_cells_are_turned_by_pages_and_the_page_stays_small(
    browser: Any, large_page: Path
) -> None:
    show(browser, large_page, width=DESKTOP)
    assert text_of(browser, ".count") == "1200 cells"
    assert len(column(browser, "cell")) == 50
    assert text_of(browser, ".page") == "page 1 of 24"
    first = column(browser, "cell")
    press(browser, browser.find_element("css selector", ".next"))
    assert text_of(browser, ".page") == "page 2 of 24"
    assert not set(first) & set(column(browser, "cell"))
    press(browser, browser.find_element("css selector", ".last"))
    assert text_of(browser, ".page") == "page 24 of 24"
    assert not browser.find_element("css selector", ".next").is_enabled()
    choose(browser, "method", "rigl")
    assert text_of(browser, ".page") == "page 1 of 6"
    assert browser.execute_script("return document.querySelectorAll('*').length") < 4000


def test_the_headline_table_sorts_by_its_numbers(browser: Any, troubled_page: Path) -> None:
    show(browser, troubled_page, width=DESKTOP)
    press(browser, head(browser, ".measurements", "0.1"))
    rows = browser.find_elements("css selector", "#g1-tables .measurements tbody tr")
    means = [row.find_elements("tag name", "td")[1].get_attribute("data-value") for row in rows]
    numbers = [float(mean) for mean in means if mean]
    assert len(numbers) == 3
    assert numbers == sorted(numbers)
    assert not means[-1]  # dense has no entry there


@pytest.mark.parametrize("width", [PHONE, 768, DESKTOP])
@pytest.mark.parametrize("name", ["troubled_page", "large_page"])
def test_the_page_never_scrolls_sideways(
    browser: Any, name: str, width: int, request: pytest.FixtureRequest
) -> None:
    show(browser, request.getfixturevalue(name), width=width)
    open_all(browser)
    assert browser.execute_script("return document.documentElement.scrollWidth") == width
    assert browser.execute_script("return innerWidth") == width


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_every_text_stands_out_from_its_ground(
    browser: Any, troubled_page: Path, width: int, dark: bool
) -> None:
    show(browser, troubled_page, width=width, dark=dark)
    open_all(browser)
    found = contrasts(browser)
    assert len(found) > 300
    assert [(text, contrast) for text, contrast in found if contrast < READABLE] == []


def test_dark_and_light_differ_and_the_reader_may_choose(browser: Any, troubled_page: Path) -> None:
    def ground() -> int:
        colour = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
        return sum(browser.execute_script(colour))

    show(browser, troubled_page, width=DESKTOP, dark=True)
    browser.execute_script("localStorage.clear()")
    show(browser, troubled_page, width=DESKTOP, dark=False)
    light = ground()
    show(browser, troubled_page, width=DESKTOP, dark=True)
    assert ground() < 100 < 600 < light
    toggle = browser.find_element("css selector", ".theme")
    assert toggle.text == "Theme: auto"
    toggle.click()
    assert (toggle.text, ground()) == ("Theme: light", light)
    show(browser, troubled_page, width=DESKTOP, dark=True)
    assert (text_of(browser, ".theme"), ground()) == ("Theme: light", light)  # remembered
    browser.find_element("css selector", ".theme").click()
    assert text_of(browser, ".theme") == "Theme: dark"
    browser.find_element("css selector", ".theme").click()
    assert text_of(browser, ".theme") == "Theme: auto"


def test_figures_take_the_colours_of_the_page(browser: Any, troubled_page: Path) -> None:
    def ink() -> str:
        return browser.execute_script(
            "return getComputedStyle(document.querySelector('.drawing svg')).fill"
        )

    show(browser, troubled_page, width=DESKTOP, dark=False)
    light = ink()
    show(browser, troubled_page, width=DESKTOP, dark=True)
    assert light == "rgb(28, 34, 40)"
    assert ink() == "rgb(229, 233, 237)"


def test_a_command_is_copied_as_it_is_typed(browser: Any, troubled_page: Path) -> None:
    show(browser, troubled_page, width=DESKTOP)
    browser.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]},
    )
    button = browser.find_element("css selector", "#g1-tables button.copy")
    press(browser, button)
    copied = browser.execute_async_script(
        "navigator.clipboard.readText().then(arguments[0], (error) => arguments[0](String(error)))"
    )
    assert copied == text_of(browser, "#g1-tables .command code")
    assert copied.startswith("sparsesweep table digits --rows method")
    assert button.text == "Copied"


def test_every_cell_has_the_command_that_repeats_it(browser: Any, troubled_page: Path) -> None:
    show(browser, troubled_page, width=DESKTOP)
    rows = browser.find_elements("css selector", ".explorer td.id")
    for row in rows:
        cell = row.find_element("tag name", "code").text
        command = row.find_element("tag name", "button").get_attribute("data-copy")
        assert command == f"sparsesweep repro {cell}"
    assert len(rows) == 21


def test_without_a_script_all_but_the_table_of_cells_can_be_read(
    browser: Any, troubled_page: Path
) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(browser, troubled_page, width=DESKTOP)
        assert "Open the file in a browser." in text_of(browser, "noscript")
        assert "static" in text_of(browser, ".measurements")
        assert not browser.find_element("css selector", ".tools").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_on_paper_there_are_no_buttons_and_black_stands_on_white(
    browser: Any, troubled_page: Path
) -> None:
    show(browser, troubled_page, width=DESKTOP, dark=True)
    media = {"media": "print", "features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    try:
        assert not browser.find_element("css selector", ".tools").is_displayed()
        assert not browser.find_element("css selector", "button.copy").is_displayed()
        colour = "return getComputedStyle(document.body)[arguments[0]]"
        assert browser.execute_script(colour, "backgroundColor") == "rgb(255, 255, 255)"
        assert browser.execute_script(colour, "color") == "rgb(0, 0, 0)"
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
