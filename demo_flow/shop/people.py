"""Who may ask in the shop's page, and what they may ask at first: constants that the page receives.

A person is a platform in a region, and the language that names of goods are read in. The link of each to the gateway is
that of `pamazon load`.
"""

from dataclasses import dataclass
from typing import Final

from demo_flow.flow import REGIONS
from demo_flow.links import LINKS
from telemetry.conventions import PLATFORMS


@dataclass(frozen=True, slots=True)
class Person:
    """One who searches: `language` is the code of the language that names are shown in."""

    name: str
    platform: str
    region: str
    language: str


PEOPLE: Final = (
    Person("Alice", "ios", "de", "de"),
    Person("Bob", "linux", "cl", "es"),
    Person("Carol", "web", "us", "en"),
    Person("Dai", "ios", "jp", "ja"),
    Person("Elena", "android", "es", "es"),
    Person("Fábio", "android", "br", "pt"),
)


@dataclass(frozen=True, slots=True)
class Example:
    """A query to begin with: its text, its language, and the goods whose picture stands beside it."""

    text: str
    language: str
    good: str


EXAMPLES: Final = (
    Example("Winterjacke", "de", "winter-jacket-red"),
    Example("black jacket", "en", "mens-jacket-black"),
    Example("guitarra", "es", "guitar"),
    Example("自転車", "ja", "bicycle-red"),
    Example("чайник", "ru", "teapot"),
    Example("parapluie", "fr", "umbrella-purple"),
    Example("orologio", "it", "watch"),
    Example("حقيبة ظهر", "ar", "backpack"),
    Example("runing shoes", "en", "running-shoe"),
    Example("耳机", "zh", "headphones"),
    Example("skrzypce", "pl", "violin"),
    Example("कैमरा", "hi", "camera"),
)
"""Twelve of the languages that the goods have names in; one is misspelt, as people do."""


def described() -> dict[str, object]:
    """Return all of it for the page: people, platforms, regions, the links that there are, examples."""
    return {
        "people": [
            {"name": one.name, "platform": one.platform, "region": one.region, "language": one.language}
            for one in PEOPLE
        ],
        "platforms": PLATFORMS,
        "regions": REGIONS,
        "links": [{"platform": one.platform, "region": one.region, "ms": one.milliseconds} for one in LINKS],
        "examples": [{"text": one.text, "language": one.language, "good": one.good} for one in EXAMPLES],
    }
