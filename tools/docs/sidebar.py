"""The site's sidebar: sidebar.yml, its patterns spelt out with short titles, and the reference behind it."""

import json
import re
from pathlib import Path

import yaml


def short_title(path: Path) -> str:
    """A page's title up to the colon; a stage keeps its number."""
    text = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"]) if path.suffix == ".ipynb" else path.read_text(encoding="utf-8")
    heading = re.search(r"^(?:# |title: *\"?)([^\n\":]+)", text, flags=re.M)
    title = heading[1].strip() if heading else path.stem
    number = re.match(r"\d+\w?(?=_)", path.name)
    return f"{number[0]}  {title}" if number else title[:1].upper() + title[1:]


def entry(nbs: Path, path: Path) -> dict:
    """A page as the renderer wants it named."""
    return {"text": short_title(path), "href": path.relative_to(nbs).as_posix()}


def spelt_out(contents: list, nbs: Path) -> list:
    """Contents with each pattern replaced by the pages that fit it."""
    out = []
    for item in contents:
        if isinstance(item, dict) and isinstance(item.get("contents"), str): item = item | {"contents": [item["contents"]]}
        if isinstance(item, dict) and "contents" in item:
            inner = spelt_out(item["contents"], nbs)
            if inner: out.append(item | {"contents": inner})
        elif isinstance(item, str) and "*" in item: out += [entry(nbs, p) for p in sorted(nbs.glob(item)) if p.suffix in (".ipynb", ".qmd", ".md")]
        elif isinstance(item, str): out.append(entry(nbs, nbs / item))  # its title; {text, href} says another one
        else: out.append(item)
    return out


def write_sidebar(nbs: Path, modules: dict[str, list[dict]], reports: list[dict]) -> list:
    """The sidebar's contents: those of sidebar.yml, then the reference, a section for each part of the package."""
    own = yaml.safe_load((nbs / "sidebar.yml").read_text(encoding="utf-8"))["website"]["sidebar"]["contents"]
    reference = [{"text": "Settings", "href": "reference/settings.qmd"}, {"text": "Command line", "href": "reference/command_line.qmd"}]
    reference += [{"section": name, "contents": pages} for name, pages in modules.items()]
    shown = [{"section": "Reports", "contents": reports}] if reports else []
    return [*spelt_out(own, nbs), *shown, {"section": "Reference", "contents": reference}]
