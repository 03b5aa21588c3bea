"""The site's sidebar: sidebar.yml, its patterns spelt out with short titles, and the reference behind it."""

import json
import re
from pathlib import Path

import yaml


def short_title(path: Path) -> str:
    """A page's title up to the colon; a stage keeps its number."""
    text = (
        "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
        if path.suffix == ".ipynb"
        else path.read_text(encoding="utf-8")
    )
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
        if isinstance(item, dict) and isinstance(item.get("contents"), str):
            item = item | {"contents": [item["contents"]]}
        if isinstance(item, dict) and "auto" in item:
            item = item["auto"]
        if isinstance(item, dict) and "contents" in item:
            inner = spelt_out(item["contents"], nbs)
            if inner:
                out.append(item | {"contents": inner})
        elif isinstance(item, str) and "*" in item:
            out += [
                entry(nbs, p)
                for p in sorted(nbs.glob(item))
                if p.suffix in (".ipynb", ".qmd", ".md")
            ]
        elif isinstance(item, str):
            out.append(entry(nbs, nbs / item))  # its title; {text, href} says another one
        else:
            out.append(item)
    return out


OF_A_PROJECT = [
    {"text": "Home", "href": "index.ipynb"},
    {"section": "Stages", "contents": "0*.ipynb"},
    {"section": "Look closer", "contents": "[!0-9i]*.ipynb"},
    {"section": "Models", "contents": "models/*.ipynb"},
    {"section": "Sources", "contents": "sources/**/*.ipynb"},
]  # where there is no sidebar.yml


def own_contents(nbs: Path) -> list:
    """What sidebar.yml says, spelt out."""
    own = nbs / "sidebar.yml"
    if not own.is_file():
        return spelt_out([*OF_A_PROJECT, *rooms_of(nbs)], nbs)
    said = yaml.safe_load(own.read_text(encoding="utf-8"))
    return spelt_out(said["website"]["sidebar"]["contents"], nbs)


def rooms_of(nbs: Path) -> list[dict]:
    """A section for each other folder of notebooks, such as a room that was taken over."""
    named = {"models", "sources", "reports", "images"}
    folders = sorted({p.relative_to(nbs).parts[0] for p in nbs.glob("[!._]*/**/*.ipynb")} - named)
    return [
        {"section": name.replace("_", " ").capitalize(), "contents": f"{name}/**/*.ipynb"}
        for name in folders
    ]


def pages_of(contents: list) -> list[str]:
    """Every page that a sidebar leads to, in its order."""
    return [
        page
        for item in contents
        for page in (pages_of(item["contents"]) if "contents" in item else [item["href"]])
    ]


def in_order(modules: dict[str, list[dict]], chapters: list[str]) -> dict[str, list[dict]]:
    """The sections of the reference and their modules in the order of the chapters that explain them."""
    place = {Path(page).with_suffix("").as_posix(): i for i, page in enumerate(chapters)}
    numbered = {
        re.sub(r"^\d+\w?_", "", name): i for name, i in place.items()
    }  # a stage's module has no number

    def at(module):
        return numbered.get(
            Path(module["href"]).with_suffix("").as_posix().removeprefix("reference/"), len(place)
        )

    sections = {name: sorted(pages, key=at) for name, pages in modules.items()}
    return dict(sorted(sections.items(), key=lambda section: at(section[1][0])))


def write_sidebar(nbs: Path, modules: dict[str, list[dict]], reports: list[dict]) -> list:
    """The sidebar's contents: those of sidebar.yml, then the reference, a section for each part of the package."""
    own = own_contents(nbs)
    reference = [
        {"text": "Settings", "href": "reference/settings.qmd"},
        {"text": "Command line", "href": "reference/command_line.qmd"},
    ]
    reference += [
        {"section": name, "contents": pages}
        for name, pages in in_order(modules, pages_of(own)).items()
    ]
    shown = [{"section": "Reports", "contents": reports}] if reports else []
    return [*own, *shown, {"section": "Reference", "contents": reference}]
