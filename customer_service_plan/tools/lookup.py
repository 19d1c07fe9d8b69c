"""What a person on the phone says, as what contacts are found by.

Plain text in, plain text out; nothing here knows of a database.
"""

import re
import unicodedata
from typing import NamedTuple

#: Longer words tell nobody apart, and an index cannot hold any length.
LONGEST_WORD = 60
LONGEST_TEXT = 400
#: By so many last digits numbers are compared: country and area codes vary in writing.
COMPARED_DIGITS = 7
#: Fewer digits are no part of a telephone number worth looking for.
FEWEST_DIGITS = 3

_WORD = re.compile(r"[^\W_]+")
_EMAIL = re.compile(r"[^\s<>,;:()\"]+@[^\s<>,;:()\"]*")
_EXTENSION = re.compile(r"(?:ext\.?|x|#)\s*\d+\s*$", re.IGNORECASE)
_SEVERAL = re.compile(r"[;,]|\s/\s")
_TRUNK_ZERO = re.compile(r"\(\s*0\s*\)")
_SCHEME = re.compile(r"^\s*(?:tel|callto|sip|mailto):", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![^\W\d_])[+(]*\d[\d\s()./–-]*(?![^\W\d_])")
#: Letters with a stroke, which are no letter with an accent to Unicode.
_STROKES = str.maketrans({"æ": "ae", "ø": "o", "ł": "l", "đ": "d", "œ": "oe", "ı": "i"})
_REFERENCE = re.compile(r"^#?\s*([^\W\d_]*)[\s-]*0*(\d{1,9})$")


class Asked(NamedTuple):
    """What somebody typed, taken apart."""

    #: Words and numbers as contacts are indexed by them; e-mail addresses are words.
    words: tuple[str, ...]
    #: Of these, what belongs to a name.
    name_words: tuple[str, ...]
    #: A telephone number or a part of it, as `phone_digits` writes it.
    digits: str
    email: str
    #: The same as it was typed, for a new contact.
    name: str
    phone: str

    @property
    def is_empty(self) -> bool:
        return not self.words or sum(map(len, self.words)) < 2


def fold(text: str) -> str:
    """Letters without case and accents: "Δήμητρα" and "ΔΗΜΗΤΡΑ" are one."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return bare.casefold().translate(_STROKES)


def words_of(text: str | None) -> list[str]:
    """The folded words of a name."""
    return [word[:LONGEST_WORD] for word in _WORD.findall(fold(text or ""))]


def emails_of(text: str | None) -> list[str]:
    """The addresses in a text, each as one word."""
    found = _EMAIL.findall(fold(text or ""))
    return [email[:LONGEST_WORD] for email in found]


def lookup_text(
    name: str | None, email: str | None = "", ref: str | None = ""
) -> str | None:
    """What a contact is found by: folded words, separated by one space each.

    The name comes first, so that its beginning is the beginning of the text.
    """
    words = [*words_of(name), *emails_of(email), *words_of(ref)]
    text, length = [], 0
    for word in words:
        length += len(word) + 1
        if length > LONGEST_TEXT:
            break
        text.append(word)
    return " ".join(text) or None


def phone_digits(phone: str | None) -> str | None:
    """The digits of a telephone number without what varies in writing.

    Signs, the leading zeros of country and area codes, a "(0)" and an extension are
    left out. Several numbers are separated by a space.
    """
    numbers = []
    for number in _SEVERAL.split(phone or ""):
        number = _TRUNK_ZERO.sub("", _EXTENSION.sub("", number))
        digits = "".join(str(int(char)) for char in number if char.isdecimal())
        numbers.append(digits.lstrip("0")[:LONGEST_WORD])
    return " ".join(filter(None, numbers))[:LONGEST_TEXT] or None


def same_number(stored: str | None, asked: str) -> int:
    """How well a stored number answers to the one asked for, both as `phone_digits`.

    :return: 0 the same number, whether or not with country and area code; 1 a number
        that ends so; 2 one that has these digits somewhere; 3 none
    """
    best = 3
    for number in (stored or "").split():
        if not asked or number == asked or _same_but_for_codes(number, asked):
            return 0 if asked else 3
        if number.endswith(asked):
            best = 1
        elif asked in number:
            best = min(best, 2)
    return best


def _same_but_for_codes(one: str, other: str) -> bool:
    """Whether one is the other with a country or area code, or with a zero too many."""
    if min(len(one), len(other)) < COMPARED_DIGITS - 1:
        return False
    if one.endswith(other) or other.endswith(one):
        return True
    same = 0
    for left, right in zip(reversed(one), reversed(other), strict=False):
        if left != right:
            break
        same += 1
    codes = {one[:-same].rstrip("0"), other[:-same].rstrip("0")} if same else ()
    return same >= COMPARED_DIGITS and len(codes) == 1


def parse(text: str | None) -> Asked:
    """Take apart what was typed: a name, a number, an address, or several of these."""
    text = _SCHEME.sub("", text or "")[:LONGEST_TEXT].strip()
    email = next(iter(_EMAIL.findall(text)), "")
    rest = text.replace(email, " ") if email else text
    phone = ""
    for match in _NUMBER.finditer(rest):
        digits = phone_digits(match[0].strip()) or ""
        if len(digits) >= FEWEST_DIGITS:
            phone = match[0].strip(" -–/.")
            break
    # A bracket belongs to the number only if it is closed within.
    if phone.startswith("(+") or phone.count("(") != phone.count(")"):
        phone = phone.replace("(", "").replace(")", "")
    name = rest.replace(phone, " ") if phone else rest
    name = " ".join(re.sub(r"[<>\"(),;:]", " ", name).split())
    return Asked(
        words=tuple([*words_of(rest), *emails_of(email)]),
        name_words=tuple(words_of(name)),
        digits=(phone_digits(phone) or "").replace(" ", ""),
        email=email,
        name=name,
        phone=phone,
    )


def ticket_reference(text: str | None) -> tuple[str, str] | None:
    """Letters and digits of a ticket number ("#12", "ht 12"), without leading zeros."""
    match = _REFERENCE.match((text or "").strip())
    return (match[1].upper(), match[2]) if match else None
