"""From the notebooks to the site: execute, turn into pages, render, polish, check."""

import json
import re
import shutil
import time
import tomllib
from pathlib import Path

import yaml
from api_pages import links_to, write_api, write_command_line, write_index, write_settings
from checks import problems
from execution import executed
from nbdev.config import get_config
from pages import write_notebook, write_text
from polish import polish
from reports import write_reports
from sidebar import short_title, write_sidebar
from smalldocs.site import build as render

from seedbed.base.files import shipped

SEEDBED = "reference/seedbed"  # where a project's site has the reference of what it is built on


class DocsError(Exception):
    """The site cannot be published as it is; one line for each reason."""


def build(
    root: Path,  # the project's folder
    execute: bool = True,  # run notebooks that have no outputs
) -> str:  # what was made, in a line
    """Build the site into the folder that pyproject.toml names, or raise with every broken link and lacking number."""
    began, config = time.perf_counter(), get_config(root)
    nbs, staging, out = Path(config.nbs_path), root / "build/docs/site", Path(config.doc_path)
    shutil.rmtree(staging, ignore_errors=True)
    found = stage(root, nbs, staging, executed(root, nbs, execute))
    reports, lacking = write_reports(root, staging)
    write_project(nbs, staging, config, reports)
    site = render(staging, quiet=True)
    found += lacking + [str(w) for w in site.warnings if "output-file" not in str(w)]
    polish(staging / "_docs")
    found += problems(staging / "_docs")
    if found:
        raise DocsError(
            "\n".join(dict.fromkeys(found)) + f"\n{len(found)} problems; the site was not replaced"
        )
    shutil.rmtree(out, ignore_errors=True)
    shutil.move(staging / "_docs", out)
    return f"{out}: {len(list(out.rglob('*.html')))} pages in {time.perf_counter() - began:.0f} s"


def stage(root: Path, nbs: Path, staging: Path, runs: dict[Path, Path]) -> list[str]:
    """Copy everything below nbs to where it is rendered, notebooks as pages; return what is wrong with them."""
    found = []
    for path in sorted(p for p in nbs.rglob("*") if p.is_file()):
        place = path.relative_to(nbs)
        if any(part.startswith((".", "_")) for part in place.parts) or place.suffix == ".yml":
            continue
        target = staging / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".ipynb":
            found += write_notebook(path, runs.get(path, path), target, root)
        elif path.suffix in (".md", ".qmd"):
            found += write_text(path, target, root)
        else:
            shutil.copy2(path, target)
    return found


def write_project(nbs: Path, staging: Path, config, reports: list[dict]):
    """Write what the renderer reads beside the pages: options, sidebar, API reference, command line, settings."""
    package = Path(config.lib_path).name
    modules, index = write_api(package, staging, nbs)
    write_index((seedbed_links(staging, nbs) | index) if package != "seedbed" else index, staging)
    write_command_line(package, staging)
    write_settings(config.config_path / "settings.ini", staging)
    sidebar = write_sidebar(nbs, modules, reports)
    options = site_options(nbs, staging)
    options["project"] = {
        "type": "website",
        "output-dir": "_docs",
        "resources": ["reports/**", "images/**"],
    }
    options["website"]["sidebar"] |= {"contents": sidebar}
    options["smalldocs"] = {"linkify": True}
    (staging / "_quarto.yml").write_text(yaml.safe_dump(options, sort_keys=False), encoding="utf-8")


def seedbed_links(staging: Path, nbs: Path) -> dict[str, str]:
    """Where seedbed's names lead to: to its site where pyproject.toml names one, else to pages of this site."""
    project = tomllib.loads((nbs.parent / "pyproject.toml").read_text(encoding="utf-8"))
    site = project["tool"].get("seedbed", {}).get("site", "")
    return links_to("seedbed", site) if site else write_api("seedbed", staging, nbs, SEEDBED)[1]


def site_options(nbs: Path, staging: Path) -> dict:
    """What nbs/site.yml says; a project without one has seedbed's look, and a bar of its own."""
    own = nbs / "site.yml"
    if own.is_file():
        return yaml.safe_load(own.read_text(encoding="utf-8"))
    options = yaml.safe_load(shipped("nbs/site.yml").read_text(encoding="utf-8"))
    for name in (options["format"]["html"]["css"], options["website"]["favicon"]):
        if not (staging / name).exists():
            (staging / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(shipped("nbs") / name, staging / name)
    title = short_title(nbs / "index.ipynb")
    text = "".join(
        json.loads((nbs / "index.ipynb").read_text(encoding="utf-8"))["cells"][0]["source"]
    )
    lead = re.search(r"(?m)^> *(.+)$", text)
    options["website"] |= {"title": title, "description": lead[1] if lead else title}
    stages = {"text": "Stages", "href": "00_success.ipynb"}
    options["website"]["navbar"] |= {"title": title, "left": [stages]}
    return options
