"""A link that leads nowhere, or a page that needs another server, must not be published."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"script": "src", "img": "src", "link": "href", "source": "src", "iframe": "src"}


class Page(HTMLParser):
    """What a page links to, what it loads, and which anchors it has."""

    def __init__(self, text: str):
        super().__init__()
        self.links, self.loads, self.anchors = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.anchors |= {given[k] for k in ("id", "name") if given.get(k)}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag in LOADED and given.get(LOADED[tag]) and given.get("rel") != "canonical":
            self.loads.append(given[LOADED[tag]])


def problems(site: Path) -> list[str]:
    """Every link of a site that leads nowhere, and everything that a page would load from elsewhere."""
    pages = {p.resolve(): Page(p.read_text(encoding="utf-8")) for p in site.rglob("*.html")}
    found = []
    for path, page in pages.items():
        name = path.relative_to(site.resolve()).as_posix()
        found += [
            f"{name}: loads {url} from elsewhere"
            for url in page.loads
            if url.startswith(("http", "//"))
        ]
        for url in [*page.links, *page.loads]:
            reason = broken(url, path, pages)
            if reason:
                found.append(f"{name}: broken link {url}: {reason}")
    return found


def broken(url: str, page: Path, pages: dict[Path, Page]) -> str:
    """Why a link leads nowhere; empty where it leads somewhere, or out of the site."""
    parts = urlsplit(url)
    if parts.scheme or parts.netloc or url.startswith("data:"):
        return ""
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if target.is_dir():
        target = target / "index.html"
    if not target.is_file():
        return "no such page"
    if parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
        return "no such place on that page"
    return ""
