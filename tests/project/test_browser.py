"""The report and the site in a real browser: clicked, filtered, searched, narrow, dark and printed."""

import base64
import functools
import http.server
import json
import shutil
import threading
import time

import pytest

from tests.support.pages import notebook
from tests.support.reports import data_of
from tests.support.site import build_site, lay_out

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
DRIVER = shutil.which("chromedriver")
NARROW = 400  # pixels: a telephone

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("report"),  # `romania` is made once
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER),
        reason="no chromium with its driver; apt-get install chromium chromium-driver",
    ),
]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def pages(romania, tmp_path_factory):
    """Where the report and a small site are served, and the folder into which a browser downloads."""
    root = tmp_path_factory.mktemp("site")
    lay_out(root)
    first = notebook("# First: a stage\n\n> What it does", "## A part\n\nHere lives a quokka.")
    folder = build_site(root, "[the stage](00_first.ipynb)", **{"00_first": first})
    shutil.copy(romania[0] / "report.html", folder / "the_report.html")
    handler = functools.partial(Quiet, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    """A browser without a window, and the folder into which it downloads."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    downloads = tmp_path_factory.mktemp("downloads")
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)}
    )
    yield driver, downloads
    driver.quit()


class Browser:
    """A page that is open in a browser."""

    def __init__(self, driver, address):
        self.driver, self.address = driver, address

    def open(self, page, width=1200):
        """Open a page in a window of a width."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get(f"{self.address}/{page}")
        return self

    def value(self, script):
        """What a JavaScript expression gives."""
        return self.driver.execute_script(f"return {script}")

    def find(self, selector):
        """Elements that a selector finds."""
        return self.driver.find_elements("css selector", selector)

    def click(self, selector):
        """Click the first element that a selector finds, in the middle of the window."""
        element = self.find(selector)[0]
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def emulate(self, media="", scheme="light"):
        """A screen or paper, by day or by night, without movement."""
        features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        pairs = [{"name": name, "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"media": media, "features": pairs}
        )

    def choose(self, name, option):
        """Choose an option of a select by its value."""
        self.click(f"#{name} option[value='{option}']")

    def texts(self, selector):
        """The visible texts of elements."""
        return [element.text for element in self.find(selector)]

    def until(self, script, seconds=5):
        """Wait until a JavaScript expression is true."""
        end = time.monotonic() + seconds
        while not self.value(script):
            assert time.monotonic() < end, f"not within {seconds} s: {script}"
            time.sleep(0.02)

    def paper(self):
        """The background of the page."""
        return self.value("getComputedStyle(document.body).backgroundColor")

    def overflow(self):
        """By how many pixels the page is wider than the window."""
        return self.value("document.scrollingElement.scrollWidth - innerWidth")

    def complaints(self):
        """Errors in the browser's console."""
        found = [e["message"] for e in self.driver.get_log("browser") if e["level"] == "SEVERE"]
        return [line for line in found if "favicon.ico" not in line]

    def pdf(self):
        """The page as it is printed."""
        return base64.b64decode(self.driver.execute_cdp_cmd("Page.printToPDF", {})["data"])


@pytest.fixture
def browser(chromium, pages):
    """A browser that remembers nothing of the test before."""
    driver, _ = chromium
    made = Browser(driver, pages)
    made.emulate()
    yield made
    driver.execute_script("localStorage.clear()")


@pytest.fixture
def report(browser, romania):
    """The report in a browser; `report.data` is what it shows."""
    browser.open("the_report.html").data = data_of(romania[0])
    return browser


# --- the report ---


def test_a_browser_draws_the_gallery(report):
    errors = report.data["errors"]
    assert len(report.find("article.card")) == min(len(errors), 24)
    assert report.texts("#count")[0].startswith(f"{len(errors)} of {report.data['wrong']} errors")
    assert all(picture.is_displayed() for picture in report.find("article.card img"))
    assert report.value("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    assert report.complaints() == []


def test_errors_are_filtered(report):
    errors = report.data["errors"]
    report.choose("by-true", "open")
    wanted = [e for e in errors if e["true"] == "open"]
    assert report.texts("#count")[0].startswith(f"{len(wanted)} of ") and len(wanted) > 2
    assert all(text.startswith("open") for text in report.texts("article.card h3"))
    pred = wanted[0]["pred"]
    report.choose("by-pred", pred)
    both = {e["id"] for e in wanted if e["pred"] == pred}
    assert report.texts("#count")[0].startswith(f"{len(both)} of ")
    assert set(report.texts("article.card footer b")) <= both
    assert not report.find("#none")[0].is_displayed()
    report.choose("by-true", pred)  # nothing is taken for itself
    assert report.find("article.card") == []
    assert report.texts("#none") == ["No error fits this choice."]


def test_errors_are_sorted_and_more_are_shown(report):
    errors = report.data["errors"]
    orders = {
        "sure": sorted(errors, key=lambda e: -e["weight"]),
        "unsure": sorted(errors, key=lambda e: e["weight"]),
        "doubt": sorted(errors, key=lambda e: e["quality"]),
    }
    for name, wanted in orders.items():
        report.choose("order", name)
        assert report.texts("article.card footer b") == [e["id"] for e in wanted[:24]], name
    report.click("#more")
    assert len(report.find("article.card")) == min(len(errors), 72)


def test_the_chosen_theme_is_remembered(report):
    light = report.paper()
    report.click("#theme")
    assert report.value("document.documentElement.dataset.theme") == "dark"
    assert report.paper() != light
    report.open("the_report.html")
    assert report.paper() != light
    report.click("#theme")
    assert report.paper() == light


def test_a_link_leads_to_its_section_and_is_marked(report):
    link = report.find(".links a")[-1]
    link.click()
    report.until("document.querySelectorAll('.links a[aria-current]').length === 1")
    section = link.get_attribute("href").partition("#")[2]
    report.until(
        f"Math.abs(document.getElementById('{section}').getBoundingClientRect().top) < 900"
    )
    assert report.value("scrollY") > 0


def test_the_next_to_relabel_are_saved(report, chromium):
    file = chromium[1] / "relabel.geojson"
    report.click("#relabel")
    end = time.monotonic() + 10
    while not file.is_file():
        assert time.monotonic() < end
        time.sleep(0.05)
    saved = json.loads(file.read_text())
    assert saved["type"] == "FeatureCollection" and len(saved["features"]) == 50
    assert saved["features"] == report.data["relabel"]["features"][:50]


def test_what_is_saved_follows_the_filter(report, chromium):
    report.choose("by-region", report.data["errors"][0]["region"])
    wanted = [
        f["properties"]["id"]
        for f in report.data["relabel"]["features"]
        if f["properties"]["region"] == report.data["errors"][0]["region"]
    ][:50]
    assert report.texts("#relabel") == [f"Save the next {len(wanted)} to relabel"]


# --- the site ---


def test_the_site_is_searched(browser):
    browser.open("index.html")
    browser.find("#quarto-search input")[0].send_keys("quokka")
    browser.until("document.querySelector('.smalldocs-search-results a') !== null")
    browser.click(".smalldocs-search-results a")
    browser.until("location.pathname.endsWith('00_first.html')")
    assert browser.complaints() == []


def test_pages_of_the_site_lead_to_each_other(browser):
    browser.open("index.html")
    browser.click("main a[href='00_first.html']")
    browser.until("document.title.startsWith('First: a stage')")
    browser.click(".nav-page-previous a")
    browser.until("document.title.startsWith('Home')")


def test_the_site_remembers_its_scheme(browser):
    light = browser.open("index.html").paper()
    browser.click(".quarto-color-scheme-toggle")
    browser.until(f"getComputedStyle(document.body).backgroundColor !== '{light}'")
    assert browser.open("00_first.html").paper() != light


# --- both ---

PAGES = ("the_report.html", "index.html", "reference/settings.html")


@pytest.mark.parametrize("page", PAGES)
def test_a_narrow_window_needs_no_scrolling_sideways(browser, page):
    assert browser.open(page, NARROW).overflow() <= 0


@pytest.mark.parametrize("page", PAGES[:2])
def test_a_dark_screen_gets_a_dark_page(browser, page):
    light = browser.open(page).paper()
    browser.emulate(scheme="dark")
    assert browser.open(page).paper() != light


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_printed(browser, page):
    printed = browser.open(page).pdf()
    assert printed.startswith(b"%PDF") and len(printed) > 1000
    if page == "the_report.html":
        browser.emulate("print")
        assert not [e for e in browser.find("nav, .bar, .more") if e.is_displayed()]
        assert all(e.is_displayed() for e in browser.find("section h2"))
