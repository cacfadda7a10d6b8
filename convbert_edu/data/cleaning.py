"""Turning text from the web into plain text on one line."""

import html
import re


def _character_repairs() -> dict[int, str]:
    """Return a replacement for each character that is no text: code of the character -> what takes its place."""
    repairs = dict.fromkeys([*range(0x20), 0x7F], " ")  # control characters
    for code in range(0x80, 0xA0):
        # Punctuation of Windows (dashes, dots, quotes) that was read as if it were Latin-1 became control characters.
        repairs[code] = bytes([code]).decode("cp1252", errors="ignore") or " "
    invisible = [0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF]  # soft hyphens, joiners and their kin
    repairs |= dict.fromkeys(invisible, "")
    repairs[0xF0B7] = "•"  # the bullet of an old symbol font
    return repairs


_REPAIRS = _character_repairs()
_BREAK = re.compile(r"</?(?:br|hr|p)\b[^<>]*>")
_MARKUP = re.compile(r"</?(?:b|i|em|strong|small)\b[^<>]*>|<!--.*?-->")
_WEB_ADDRESS = re.compile(r"(?:https?://|www\.)\S+")


def clean_text(text: str) -> str:
    """Return `text` on one line without HTML, web addresses, control characters and repeated spaces.

    Only known tags go, so "<3" and "x < y" stay.
    """
    text = _BREAK.sub(" ", text)
    text = _MARKUP.sub("", text)
    text = html.unescape(text)
    text = _WEB_ADDRESS.sub(" ", text)
    return " ".join(text.translate(_REPAIRS).split())
