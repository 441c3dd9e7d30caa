"""Turning a figure's SVG file into an element that can stand, with others, inside an HTML page."""

import re
from html import escape

_ID = re.compile(r'(?<= id=")([^"]+)(?=")')
_REFERENCE = re.compile(r'(?<=href="#)([^"]+)(?=")|(?<=url\(#)([^)]+)(?=\))')
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_STYLE = re.compile(r"<defs>\s*<style.*?</style>\s*</defs>", re.DOTALL)
_ROOT = re.compile(r'<svg [^>]*?width="([0-9.]+)pt"[^>]*?viewBox="([^"]+)"[^>]*>')
_GAPS = re.compile(r"\n\s*\n+")
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def inline(svg: str, *, prefix: str, title: str, description: str) -> str:
    """The element `<svg>` of a file that matplotlib wrote, fit for a page.

    Its style, which would reach every element of the page, becomes inherited properties of the
    element itself; comments and metadata go; it is as wide as there is room, up to its own width.

    Args:
        svg: The text of the file.
        prefix: What ids begin with.
        title: What a screen reader calls it.
        description: What a screen reader tells of it.

    Raises:
        ValueError: When the prefix is not a letter, then letters, digits, hyphens and underscores.
    """
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(f"{prefix!r} cannot begin ids of a figure")
    body = svg[svg.index("<svg ") :]
    for pattern in (_COMMENT, _METADATA, _STYLE):
        body = pattern.sub("", body)
    body = _ID.sub(rf"{prefix}-\1", body)
    body = _REFERENCE.sub(lambda found: f"{prefix}-{found[1] or found[2]}", body)
    return _GAPS.sub("\n", _ROOT.sub(lambda root: _opened(root, prefix, title, description), body))


def _opened(root: re.Match[str], prefix: str, title: str, description: str) -> str:
    style = (
        f"width: 100%; max-width: {root[1]}pt; height: auto; "
        "stroke-linejoin: round; stroke-linecap: butt"
    )
    names = f"{prefix}-title {prefix}-description"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{root[2]}" style="{style}" role="img" aria-labelledby="{names}">\n'
        f'<title id="{prefix}-title">{escape(title)}</title>\n'
        f'<desc id="{prefix}-description">{escape(description)}</desc>'
    )
