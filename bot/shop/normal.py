"""One spelling for what shoppers type in many: order numbers, e-mail addresses, phone numbers, codes.

Every function is idempotent and answers None for what can't be such a thing. Full-width digits and letters (as a
Chinese keyboard types them) count as their plain forms.
"""

from __future__ import annotations

import re
import unicodedata

ORDER_NUMBER = re.compile(r"#?W(\d{7})")
EMAIL = re.compile(r"[a-z0-9._%+'-]{1,64}@[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){1,5}")
PHONE = re.compile(r"\+?\d{7,15}")
CODE = re.compile(r"\d{6}")
MAX_CHARS = 320
"""Longest text that is looked at: no e-mail address is longer."""


def plain(text: object) -> str:
    """Compatibility forms folded (full-width to ASCII), white space and control characters removed."""
    folded = unicodedata.normalize("NFKC", str(text)[:MAX_CHARS])
    return "".join(char for char in folded if not char.isspace() and unicodedata.category(char) not in ("Cc", "Cf"))


def order_number(text: object) -> str | None:
    """`#W2611340` from "w 2611340", "＃Ｗ２６１１３４０" and the like."""
    match = ORDER_NUMBER.fullmatch(_ascii_digits(plain(text)).upper().strip(".,;:!?。，；：！？"))
    return f"#W{match[1]}" if match else None


def email(text: object) -> str | None:
    """Lower-case e-mail address."""
    found = plain(text).lower().removeprefix("mailto:").strip("<>.,;:!?。，；：！？")
    return found if EMAIL.fullmatch(found) else None


def phone(text: object) -> str | None:
    """Digits only, with `+` in front if it was typed (or 00)."""
    found = re.sub(r"[-().·/]", "", _ascii_digits(plain(text)))
    found = "+" + found[2:] if found.startswith("00") else found
    return found if PHONE.fullmatch(found) else None


def contact(text: object) -> str | None:
    """An e-mail address or else a phone number."""
    return email(text) or phone(text)


def contact_in(text: object) -> str | None:
    """The first e-mail address, or else phone number, inside a sentence."""
    folded = _ascii_digits(unicodedata.normalize("NFKC", str(text)[:MAX_CHARS])).lower()
    if match := re.search(rf"(?<![a-z0-9]){EMAIL.pattern}", folded):
        return email(match[0])
    # Digits with the signs that people put between them; a longer run of digits is no phone number.
    match = re.search(r"(?<![\da-z#])\+?\d[\d\s().·/-]{5,20}\d(?!\d)", folded)
    return phone(match[0]) if match else None


def order_number_in(text: object) -> str | None:
    """The first order number inside a sentence."""
    folded = _ascii_digits(unicodedata.normalize("NFKC", str(text)[:MAX_CHARS])).upper()
    match = re.search(r"(?<![A-Z0-9])W\s?(\d{7})(?!\d)", folded)
    return f"#W{match[1]}" if match else None


def code(text: object) -> str | None:
    """Six digits from "123 456", "123-456" or a sentence that holds exactly one such group."""
    folded = _ascii_digits(unicodedata.normalize("NFKC", str(text)[:MAX_CHARS]))
    groups = re.findall(r"(?<!\d)\d{3}[\s-]?\d{3}(?!\d)", folded)
    digits = re.sub(r"\D", "", groups[0]) if len(groups) == 1 else re.sub(r"[\s-]", "", folded)
    return digits if CODE.fullmatch(digits) else None


def _ascii_digits(text: str) -> str:
    return "".join(str(unicodedata.digit(char)) if char.isdigit() and not char.isascii() else char for char in text)


def storable(text: object) -> str:
    """Text that every database takes: no NUL, no half of a surrogate pair."""
    return str(text).replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
