"""What the renderer leaves to the network is put into the pages themselves."""

import html
import re
from pathlib import Path

from latex2mathml.converter import convert

MATH = re.compile(r'<span class="math (inline|display)">\\[(\[](.+?)\\[)\]]</span>', flags=re.S)
REMOTE = re.compile(
    r'<(?:script|link)\b[^>]*\b(?:src|href)="https?://(?!127)[^"]*katex[^"]*"[^>]*>(?:</script>)?'
)
IMPORT = re.compile(r"@import\s+url\([^)]*//[^)]*\);?")


def as_mathml(found: re.Match) -> str:
    """A formula in MathML, which browsers draw without any script."""
    return convert(html.unescape(found[2]), display="block" if found[1] == "display" else "inline")


def polish(site: Path):
    """Turn formulas into MathML and remove fonts and scripts from other servers."""
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(REMOTE.sub("", MATH.sub(as_mathml, text)), encoding="utf-8")
    for sheet in site.rglob("*.css"):
        sheet.write_text(IMPORT.sub("", sheet.read_text(encoding="utf-8")), encoding="utf-8")
