"""What a drawing is made of: a material with its colour and pattern, and pieces of it with soft shading.

In: paths in a square of 160 × 160. Out: SVG. State: the numbers of a drawing's definitions, so that each has its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Colour: TypeAlias = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)
INK: Colour = (30, 26, 34)
GOLD: Colour = (226, 178, 74)
SILVER: Colour = (192, 197, 206)
CREAM: Colour = (250, 242, 224)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """`share` (0..1) of `other` in `one`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def hexadecimal(colour: Colour) -> str:
    """`#rrggbb`."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def lightness(colour: Colour) -> float:
    """From 0, black, to 1, white."""
    return (0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]) / 255


@dataclass
class Cloth:
    """A material in one colour, and the drawing that is made of it."""

    colour: Colour
    pattern: str = ""
    definitions: list[str] = field(default_factory=list)

    @property
    def dark(self) -> str:
        """A shade darker, for seams and edges."""
        return hexadecimal(mix(self.colour, INK, 0.45 if lightness(self.colour) > 0.35 else 0.75))

    @property
    def light(self) -> str:
        """A shade lighter, for edges that catch light."""
        return hexadecimal(mix(self.colour, WHITE, 0.35))

    @property
    def second(self) -> Colour:
        """The pattern's other colour."""
        return mix(self.colour, INK, 0.72) if lightness(self.colour) > 0.62 else CREAM

    def define(self, kind: str, body: str, attributes: str = "") -> str:
        """Add `<kind id=…>body</kind>` to the definitions; returns the id."""
        name = f"d{len(self.definitions)}"
        self.definitions.append(f'<{kind} id="{name}" {attributes}>{body}</{kind}>')
        return name

    def gradient(self, colour: Colour | None = None, strength: float = 0.22) -> str:
        """A fill that falls from light at the upper left to dark at the lower right."""
        base = colour or self.colour
        dark = mix(base, INK, strength * (1.0 if lightness(base) > 0.2 else 0.5))
        stops = ((0, mix(base, WHITE, strength * 0.9)), (0.45, base), (1, dark))
        body = "".join(f'<stop offset="{at}" stop-color="{hexadecimal(stop)}"/>' for at, stop in stops)
        return self._use("linearGradient", body, 'x1="0.1" y1="0" x2="0.9" y2="1"')

    def blur(self, radius: float) -> str:
        """A filter that blurs."""
        body = f'<feGaussianBlur stdDeviation="{radius}"/>'
        return self._use("filter", body, 'x="-50%" y="-50%" width="200%" height="200%"')

    def cut(self, path: str, body: str) -> str:
        """`body`, of which only what is inside of `path` is seen."""
        return f'<g clip-path="{self._use("clipPath", _path(path))}">{body}</g>'

    def _use(self, kind: str, body: str, attributes: str = "") -> str:
        return f"url(#{self.define(kind, body, attributes)})"

    def piece(self, path: str, colour: Colour | None = None, inside: str = "", plain: bool = False) -> str:
        """A shaded piece: of this cloth, or of `colour` without a pattern; `inside` is drawn on it and cut to it."""
        clip = self.define("clipPath", _path(path))
        base = colour or self.colour
        edge = hexadecimal(mix(base, INK, 0.35 if lightness(base) > 0.3 else 0.7))
        patterned = "" if colour or plain or not self.pattern else PATTERNS[self.pattern](self)
        shade = 0.5 if lightness(base) > 0.2 else 0.75
        glow = 0.4 if lightness(base) < 0.8 else 0.7
        return (
            f'<g clip-path="url(#{clip})"><path d="{path}" fill="{self.gradient(colour)}"/>{patterned}{inside}'
            f'<g filter="{self.blur(3.2)}"><path d="{path}" fill="none" stroke="{edge}" stroke-width="6" '
            f'stroke-opacity="{shade}"/></g>'
            f'<g filter="{self.blur(2.2)}" transform="translate(2.4 2.6)"><path d="{path}" fill="none" stroke="#fff" '
            f'stroke-width="2.6" stroke-opacity="{glow}"/></g></g>'
            f'<path d="{path}" fill="none" stroke="{edge}" stroke-width="1" stroke-opacity="0.55" '
            'stroke-linejoin="round"/>'
        )

    def fold(self, path: str, width: float = 4, strength: float = 0.3) -> str:
        """A soft dark line: a fold, or the shadow of what lies above."""
        return (
            f'<g filter="{self.blur(width / 2.4)}"><path d="{path}" fill="none" stroke="{self.dark}" '
            f'stroke-width="{width}" stroke-opacity="{strength}" stroke-linecap="round"/></g>'
        )

    def seam(self, path: str, dashed: bool = False, width: float = 1.1, colour: str = "") -> str:
        """A thin line; `dashed` is stitching."""
        dash = ' stroke-dasharray="2.6 1.8"' if dashed else ""
        return (
            f'<path d="{path}" fill="none" stroke="{colour or self.dark}" stroke-width="{width}"'
            f' stroke-opacity="0.8" stroke-linecap="round" stroke-linejoin="round"{dash}/>'
        )

    def button(self, x: float, y: float, radius: float = 2.2, colour: Colour | None = None) -> str:
        """A round button with its light."""
        base = colour or mix(self.second, self.colour, 0.25)
        return (
            f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{hexadecimal(base)}" stroke="{self.dark}" '
            f'stroke-width="0.7"/><circle cx="{x - 0.5}" cy="{y - 0.6}" r="{radius * 0.35}" fill="#fff" '
            'fill-opacity="0.8"/>'
        )

    def zip(self, path: str) -> str:
        """A metal zip along `path`."""
        return (
            f'<path d="{path}" fill="none" stroke="{self.dark}" stroke-width="4.2"/>'
            f'<path d="{path}" fill="none" stroke="{hexadecimal(SILVER)}" stroke-width="2.4" '
            'stroke-dasharray="1.3 0.9"/>'
        )

    def svg(self, body: str) -> str:
        """The whole picture: `body` over its soft shadow on the ground."""
        shade = '<feDropShadow dx="1.5" dy="3" stdDeviation="2.6" flood-opacity="0.28"/>'
        shadow = self._use("filter", shade, 'x="-20%" y="-20%" width="140%" height="140%"')
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 160" width="160" height="160"><defs>'
            f'{"".join(self.definitions)}</defs><g filter="{shadow}">{body}</g></svg>'
        )


def _path(path: str) -> str:
    return f'<path d="{path}"/>'


def _tiled(cloth: Cloth, width: float, height: float, body: str, turned: float = 0) -> str:
    turn = f' patternTransform="rotate({turned})"' if turned else ""
    name = cloth.define("pattern", body, f'width="{width}" height="{height}" patternUnits="userSpaceOnUse"{turn}')
    return f'<rect width="160" height="160" fill="url(#{name})"/>'


def _striped(cloth: Cloth) -> str:
    return _tiled(cloth, 15, 15, f'<rect y="0" width="15" height="6.5" fill="{hexadecimal(cloth.second)}"/>')


def _pinstriped(cloth: Cloth) -> str:
    stripe = f'<rect width="1.4" height="9" fill="{hexadecimal(cloth.second)}" fill-opacity="0.75"/>'
    return _tiled(cloth, 7, 9, stripe)


def _checked(cloth: Cloth) -> str:
    second, thin = hexadecimal(cloth.second), hexadecimal(mix(cloth.colour, INK, 0.5))
    return _tiled(
        cloth, 24, 24,
        f'<g fill-opacity="0.5"><rect width="10" height="24" fill="{thin}"/><rect width="24" height="10" fill="{thin}"/>'
        f'</g><g fill="{second}" fill-opacity="0.85"><rect x="16" width="2.2" height="24"/>'
        '<rect y="16" width="24" height="2.2"/></g>',
    )  # fmt: skip


def _dotted(cloth: Cloth) -> str:
    fill = hexadecimal(cloth.second)
    return _tiled(
        cloth, 15, 15, f'<g fill="{fill}"><circle cx="4" cy="4" r="2.9"/><circle cx="11.5" cy="11.5" r="2.9"/></g>'
    )


def _flower(x: float, y: float, radius: float, petal: str, heart: str) -> str:
    around = ((0, -1), (0.95, -0.31), (0.59, 0.81), (-0.59, 0.81), (-0.95, -0.31))
    petals = "".join(
        f'<circle cx="{x + dx * radius:.2f}" cy="{y + dy * radius:.2f}" r="{radius * 0.75:.2f}"/>' for dx, dy in around
    )
    return f'<g fill="{petal}">{petals}</g><circle cx="{x}" cy="{y}" r="{radius * 0.6:.2f}" fill="{heart}"/>'


def _floral(cloth: Cloth) -> str:
    petal = hexadecimal(mix(cloth.second, WHITE, 0.2)) if lightness(cloth.colour) <= 0.62 else "#d6486f"
    leaf = (
        '<g fill="#3f8f58"><ellipse cx="17" cy="9" rx="3.6" ry="1.6"/><ellipse cx="5" cy="25" rx="3.6" ry="1.6"/></g>'
    )
    flowers = (
        _flower(8, 8, 4.2, petal, "#f2b632")
        + _flower(22, 20, 3.4, "#f08a9b", "#fff2c8")
        + _flower(8, 31, 3, petal, "#f2b632")
    )
    return _tiled(cloth, 30, 38, leaf + flowers)


def _lace(cloth: Cloth) -> str:
    thread = hexadecimal(
        mix(cloth.colour, WHITE, 0.62) if lightness(cloth.colour) < 0.62 else mix(cloth.colour, INK, 0.38)
    )
    mesh = (
        f'<g fill="none" stroke="{thread}" stroke-width="0.9"><path d="M0 0L20 20M20 0L0 20" stroke-opacity="0.5"/>'
        '<circle cx="10" cy="10" r="6.6"/>'
        + "".join(
            f'<ellipse cx="10" cy="6.4" rx="1.9" ry="3.4" transform="rotate({60 * turn} 10 10)"/>' for turn in range(6)
        )
        + f'</g><circle cx="10" cy="10" r="1.4" fill="{thread}"/><g fill="{thread}"><circle r="1.6"/>'
        '<circle cx="20" r="1.6"/><circle cy="20" r="1.6"/><circle cx="20" cy="20" r="1.6"/></g>'
    )
    return _tiled(cloth, 20, 20, mesh)


def _knitted(cloth: Cloth) -> str:
    lines = f'<path d="M0 0L4 4L8 0M0 6L4 10L8 6" fill="none" stroke="{cloth.dark}" stroke-opacity="0.45" stroke-width="1.6"/>'
    return _tiled(cloth, 8, 12, lines)


def _cabled(cloth: Cloth) -> str:
    rope = (
        f'<g fill="none" stroke="{cloth.dark}" stroke-opacity="0.5" stroke-width="1.5"><path d="M5 0C5 8 15 8 15 16M15 0C15 '
        '8 5 8 5 16M1 0V16M19 0V16"/></g>'
        f'<g fill="none" stroke="{cloth.light}" stroke-opacity="0.8" stroke-width="1.2"><path d="M6.4 0C6.4 8 16.4 8 16.4 16"/></g>'
    )
    return _tiled(cloth, 20, 16, rope)


def _denim(cloth: Cloth) -> str:
    lines = f'<path d="M0 0V3.4" stroke="{cloth.light}" stroke-opacity="0.4" stroke-width="1.1"/>'
    return _tiled(cloth, 2.6, 3.4, lines, turned=38)


def _quilted(cloth: Cloth) -> str:
    lines = (
        f'<path d="M0 0L16 16M16 0L0 16" stroke="{cloth.dark}" stroke-opacity="0.6" stroke-width="1.3"/>'
        f'<path d="M1.6 0L17.6 16M-14.4 0L1.6 16" stroke="{cloth.light}" stroke-opacity="0.6" stroke-width="1"/>'
    )
    return _tiled(cloth, 16, 16, lines)


def _fleecy(cloth: Cloth) -> str:
    curls = f'<g fill="none" stroke="{cloth.light}" stroke-opacity="0.7" stroke-width="1.2"><circle cx="3" cy="3" r="2"/><circle cx="8" cy="8" r="2.2"/></g>'
    return _tiled(cloth, 10, 10, curls)


def _ribbed(cloth: Cloth) -> str:
    return _tiled(cloth, 4.4, 8, f'<rect width="1.5" height="8" fill="{cloth.dark}" fill-opacity="0.4"/>')


PATTERNS = {
    "cabled": _cabled, "checked": _checked, "denim": _denim, "dotted": _dotted, "fleecy": _fleecy, "floral": _floral,
    "knitted": _knitted, "lace": _lace, "pinstriped": _pinstriped, "quilted": _quilted, "ribbed": _ribbed,
    "striped": _striped,
}  # fmt: skip
"""What is laid over a piece, by the pattern's name."""

Points: TypeAlias = Sequence[tuple[float, float]]


def polygon(points: Points) -> str:
    """A closed path."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "Z"


def both(path_of: str) -> tuple[str, str]:
    """A group's transformation that leaves it where it is, and one that mirrors it at the middle."""
    return path_of, f'<g transform="translate(160 0) scale(-1 1)">{path_of}</g>'


def oval(x: float, y: float, across: float, down: float) -> str:
    """A closed path."""
    return f"M{x - across} {y}A{across} {down} 0 1 1 {x + across} {y}A{across} {down} 0 1 1 {x - across} {y}Z"
