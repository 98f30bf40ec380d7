"""Bags, jewellery and watches."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

from demo_flow.making.garments.cloth import (
    CREAM,
    GOLD,
    INK,
    SILVER,
    WHITE,
    Cloth,
    Colour,
    both,
    hexadecimal,
    lightness,
    mix,
    oval,
    polygon,
)  # fmt: skip


@dataclass(frozen=True)
class Bag:
    """A bag."""

    kind: str

    def __call__(self, cloth: Cloth) -> str:
        """The drawing's body."""
        return getattr(self, f"_{self.kind}")(cloth)  # type: ignore[no-any-return]

    def _handle(self, cloth: Cloth, path: str, width: float = 5) -> str:
        light = f'<path d="{path}" fill="none" stroke="#fff" stroke-opacity="0.35" stroke-width="{width / 4}"/>'
        return (
            f'<path d="{path}" fill="none" stroke="{cloth.dark}" stroke-width="{width}" stroke-linecap="round"/>'
            + light
        )

    def _tote(self, cloth: Cloth) -> str:
        back = self._handle(cloth, "M58 64Q58 14 80 14Q102 14 102 64")
        return (
            back
            + cloth.piece("M26 56H134L126 142Q80 148 34 142Z", inside=cloth.fold("M40 66Q44 100 42 136", 6, 0.3))
            + cloth.seam("M27 64H133", dashed=True)
            + self._handle(cloth, "M54 76Q56 24 80 24Q104 24 106 76")
        )

    def _shoulder(self, cloth: Cloth) -> str:
        strap = self._handle(cloth, "M34 76Q40 8 80 8Q120 8 126 76", 4)
        flap = cloth.piece("M24 70Q80 62 136 70Q138 106 80 112Q22 106 24 70Z")
        lock = f'<rect x="70" y="100" width="20" height="16" rx="4" fill="{hexadecimal(GOLD)}" stroke="{hexadecimal(INK)}" stroke-width="0.8"/>'
        return (
            strap
            + cloth.piece("M22 72Q80 64 138 72L134 134Q80 142 26 134Z")
            + cloth.fold("M26 104Q80 124 134 104", 5, 0.5)
            + flap
            + lock
        )

    def _bucket(self, cloth: Cloth) -> str:
        strap = self._handle(cloth, "M44 58Q44 10 80 10Q116 10 116 58", 4)
        folds = "".join(cloth.fold(f"M{x} 50L{x + (x - 80) * 0.2} 96", 4, 0.4) for x in (52, 66, 80, 94, 108))
        string = f'<path d="M44 64Q80 76 116 64M74 70L66 96M86 70L94 96" fill="none" stroke="{hexadecimal(GOLD)}" stroke-width="3"/>'
        return (
            strap
            + cloth.piece("M40 50Q80 40 120 50L130 134Q80 148 30 134Z", inside=folds)
            + string
            + cloth.piece("M31 124Q80 138 129 124L130 135Q80 149 30 135Z", mix(cloth.colour, INK, 0.3))
        )

    def _belt(self, cloth: Cloth) -> str:
        strap = self._handle(cloth, "M8 62Q80 30 152 62", 8)
        return (
            strap
            + cloth.piece("M24 62Q80 48 136 62Q144 98 120 112Q80 124 40 112Q16 98 24 62Z")
            + cloth.zip("M34 72Q80 60 126 72")
            + cloth.piece("M46 88Q80 82 114 88Q112 104 80 108Q48 104 46 88Z")
        )

    def _wallet(self, cloth: Cloth) -> str:
        return (
            cloth.piece("M18 46H142Q146 80 142 118H18Q14 80 18 46Z")
            + cloth.seam("M23 52H137V112H23Z", dashed=True)
            + cloth.piece("M104 70H144V94H104Q98 82 104 70Z", mix(cloth.colour, INK, 0.25))
            + cloth.button(114, 82, 4, GOLD)
        )

    def _duffel(self, cloth: Cloth) -> str:
        body = cloth.piece("M20 70Q20 58 36 58H124Q140 58 140 70V112Q140 124 124 124H36Q20 124 20 112Z")
        return (
            self._handle(cloth, "M52 62Q56 26 80 26Q104 26 108 62", 6)
            + body
            + cloth.zip("M34 64H126")
            + cloth.piece("M46 58H56V124H46Z", mix(cloth.colour, INK, 0.4))
            + cloth.piece("M104 58H114V124H104Z", mix(cloth.colour, INK, 0.4))
            + cloth.piece("M64 84H96V112H64Z")
        )


def _gem(cloth: Cloth, x: float, y: float, size: float, colour: Colour | None = None) -> str:
    """A cut stone with a bright table."""
    base = colour or cloth.colour
    stone = [(x + size * cos(pi * n / 4 + pi / 8), y + size * sin(pi * n / 4 + pi / 8)) for n in range(8)]
    table = [(x + size * 0.55 * cos(pi * n / 4 + pi / 8), y + size * 0.55 * sin(pi * n / 4 + pi / 8)) for n in range(8)]
    rays = "".join(f"M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}" for (a, b), (c, d) in zip(stone, table, strict=True))
    edge = "#fff" if lightness(base) < 0.75 else "#8d93a3"
    return cloth.piece(polygon(stone), base) + (
        f'<path d="{polygon(table)}" fill="#fff" fill-opacity="0.32"/><path d="{rays}" stroke="{edge}" stroke-opacity="0.6" '
        f'stroke-width="0.9"/><path d="{polygon(stone)}" fill="none" stroke="{hexadecimal(GOLD)}" stroke-width="{size / 7:.1f}"/>'
    )


def _ball(cloth: Cloth, x: float, y: float, radius: float, colour: Colour | None = None) -> str:
    return cloth.piece(oval(x, y, radius, radius), colour or cloth.colour) + (
        f'<ellipse cx="{x - radius * 0.3:.1f}" cy="{y - radius * 0.35:.1f}" rx="{radius * 0.3:.1f}" ry="{radius * 0.22:.1f}" fill="#fff" fill-opacity="0.85"/>'
    )


def _wire(path: str, width: float = 2.4, colour: Colour = GOLD) -> str:
    dark = hexadecimal(mix(colour, INK, 0.35))
    return (
        f'<path d="{path}" fill="none" stroke="{dark}" stroke-width="{width + 1.2}"/><path d="{path}" fill="none" '
        f'stroke="{hexadecimal(colour)}" stroke-width="{width}"/><path d="{path}" fill="none" stroke="#fff" '
        f'stroke-opacity="0.6" stroke-width="{width / 3:.1f}" transform="translate(-0.5 -0.6)"/>'
    )


_HOOK = "M46 40Q38 20 48 16Q58 16 54 30"


@dataclass(frozen=True)
class Jewel:
    """Earrings, rings, necklaces, bracelets and watches; the stones have the cloth's colour."""

    kind: str

    def __call__(self, cloth: Cloth) -> str:
        """The drawing's body."""
        return getattr(self, f"_{self.kind}")(cloth)  # type: ignore[no-any-return]

    def _drops(self, cloth: Cloth) -> str:
        drop = (
            cloth.piece("M46 62Q66 96 62 112Q58 128 46 128Q34 128 30 112Q26 96 46 62Z")
            + '<ellipse cx="39" cy="106" rx="4" ry="10" fill="#fff" fill-opacity="0.65"/>'
        )
        return "".join(both(_wire(_HOOK) + _gem(cloth, 46, 50, 10, WHITE) + drop))

    def _hoops(self, cloth: Cloth) -> str:
        beads = "".join(_ball(cloth, 46 + 34 * sin(a), 86 + 34 * cos(a), 5.4) for a in (-1.1, -0.55, 0, 0.55, 1.1))
        return "".join(both(_wire("M46 52A34 34 0 1 0 47 52", 5) + _wire("M46 52V36Q46 28 52 30", 2.4) + beads))

    def _studs(self, cloth: Cloth) -> str:
        return "".join(
            both(
                _gem(cloth, 44, 80, 25)
                + '<path d="M34 66l4 -9l4 9l9 2l-9 4l-4 9l-4 -9l-9 -4z" fill="#fff" fill-opacity="0.85"/>'
            )
        )

    def _pearls(self, cloth: Cloth) -> str:
        return "".join(
            both(
                _wire(_HOOK)
                + _gem(cloth, 46, 46, 7)
                + _wire("M46 54V66", 2)
                + _ball(cloth, 46, 88, 22, (244, 236, 224))
            )
        )

    def _chandelier(self, cloth: Cloth) -> str:
        strings = "".join(
            _wire(f"M46 66L{x} {y}", 1.4) + _gem(cloth, x, y, 6.6)
            for x, y in ((20, 100), (33, 114), (46, 122), (59, 114), (72, 100))
        )
        fan = (
            _wire("M18 84Q46 56 74 84Q46 96 18 84Z", 2.4)
            + _gem(cloth, 46, 78, 9)
            + _gem(cloth, 30, 81, 5, WHITE)
            + _gem(cloth, 62, 81, 5, WHITE)
        )
        return "".join(both(_wire(_HOOK) + _gem(cloth, 46, 50, 9) + strings + fan))

    def _tassels(self, cloth: Cloth) -> str:
        threads = "".join(cloth.seam(f"M{x} 74L{x + (x - 46) * 0.35:.1f} 138", width=1.2) for x in range(36, 58, 3))
        return "".join(
            both(
                _wire(_HOOK)
                + _ball(cloth, 46, 48, 8, GOLD)
                + cloth.piece("M38 58H54Q58 70 58 76L64 136Q46 144 28 136L34 76Q34 70 38 58Z", inside=threads)
                + _wire("M36 70H56", 4)
            )
        )

    def _band(self, cloth: Cloth) -> str:
        metal = mix(GOLD, cloth.colour, 0.12)
        stones = "".join(
            _gem(cloth, 80 + 50 * sin(a), 88 - 44 * cos(a), 5.5) for a in (-0.75, -0.45, -0.15, 0.15, 0.45, 0.75)
        )
        return _wire("M30 88A50 44 0 1 0 130 88A50 44 0 1 0 30 88", 12, metal) + stones

    def _gemstone(self, cloth: Cloth) -> str:
        return (
            _wire("M34 104A46 40 0 1 0 126 104A46 40 0 1 0 34 104", 7)
            + cloth.piece("M56 64L64 74H96L104 64Z", GOLD)
            + _gem(cloth, 80, 44, 27)
        )

    def _signet(self, cloth: Cloth) -> str:
        return (
            _wire("M36 98A44 42 0 1 0 124 98A44 42 0 1 0 36 98", 10)
            + cloth.piece("M48 62Q50 34 80 32Q110 34 112 62Q80 74 48 62Z", GOLD)
            + cloth.piece(oval(80, 50, 22, 12))
        )

    def _pendant(self, cloth: Cloth) -> str:
        heart = "M80 144Q46 120 52 100Q58 86 72 92Q78 95 80 101Q82 95 88 92Q102 86 108 100Q114 120 80 144Z"
        return (
            _wire("M24 14Q30 70 80 92Q130 70 136 14", 2.4)
            + _ball(cloth, 80, 92, 5, GOLD)
            + cloth.piece(heart)
            + '<ellipse cx="66" cy="104" rx="5" ry="7" fill="#fff" fill-opacity="0.6" transform="rotate(25 66 104)"/>'
        )

    def _beads(self, cloth: Cloth, radius: float = 8.4) -> str:
        return "".join(
            _ball(cloth, 80 + 58 * cos(a), 62 + (72 if sin(a) > 0 else 42) * sin(a), radius)
            for a in (2 * pi * n / 26 for n in range(26))
        )

    def _pearl_string(self, cloth: Cloth) -> str:
        pearl = Cloth(mix((244, 236, 224), cloth.colour, 0.0), "", cloth.definitions)
        return self._beads(pearl, 7.4) + _gem(cloth, 80, 140, 11)

    def _bracelet(self, cloth: Cloth) -> str:
        beads = [(2 * pi * n / 20) for n in range(20)]
        return "".join(
            _ball(cloth, 80 + 56 * cos(a), 84 + 36 * sin(a), 9.5, GOLD if n % 5 == 0 else None)
            for n, a in enumerate(beads)
        )

    def _bangle(self, cloth: Cloth) -> str:
        ring = "M22 82A58 42 0 1 0 138 82A58 42 0 1 0 22 82"
        return (
            _wire(ring, 14)
            + f'<path d="{ring}" fill="none" stroke="{hexadecimal(cloth.colour)}" stroke-width="7"/><path d="{ring}" fill="none" stroke="#fff" stroke-opacity="0.45" stroke-width="1.6" transform="translate(-1 -2)"/>'
        )

    def _brooch(self, cloth: Cloth) -> str:
        petals = "".join(
            f'<g transform="rotate({60 * n} 80 80)">{cloth.piece("M80 76Q58 50 70 28Q80 18 90 28Q102 50 80 76Z")}</g>'
            for n in range(6)
        )
        return petals + _gem(cloth, 80, 80, 15, CREAM)

    def _strap_watch(self, cloth: Cloth) -> str:
        strap = (
            cloth.piece("M60 6H100L104 50H56Z")
            + cloth.piece("M56 110H104L98 152Q80 158 62 152Z")
            + cloth.seam("M62 10L60 46M98 10L100 46M61 114L66 150M99 114L94 150", dashed=True)
        )
        case = cloth.piece(oval(80, 80, 38, 38), GOLD) + cloth.piece(oval(80, 80, 31, 31), (250, 248, 242))
        marks = "".join(
            f'<path d="M80 54V59" stroke="#333" stroke-width="2" transform="rotate({30 * n} 80 80)"/>'
            for n in range(12)
        )
        hands = '<path d="M80 80L66 68M80 80L92 58" stroke="#222" stroke-width="3" stroke-linecap="round"/><circle cx="80" cy="80" r="3" fill="#222"/>'
        return (
            strap
            + f'<rect x="116" y="75" width="8" height="10" rx="2" fill="{hexadecimal(mix(GOLD, INK, 0.2))}"/>'
            + case
            + marks
            + hands
        )

    def _smart_watch(self, cloth: Cloth) -> str:
        strap = cloth.piece("M56 6Q80 0 104 6L110 46H50Z") + cloth.piece("M50 114H110L104 154Q80 160 56 154Z")
        case = cloth.piece("M52 40H108Q120 40 120 52V108Q120 120 108 120H52Q40 120 40 108V52Q40 40 52 40Z", SILVER)
        screen = cloth.piece(
            "M54 46H106Q114 46 114 54V106Q114 114 106 114H54Q46 114 46 106V54Q46 46 54 46Z", (22, 24, 34)
        )
        rings = "".join(
            f'<circle cx="80" cy="80" r="{r}" fill="none" stroke="{c}" stroke-width="5" stroke-linecap="round" stroke-dasharray="{r * d:.0f} 400" transform="rotate(-90 80 80)"/>'
            for r, c, d in ((26, "#ff4d5e", 4.6), (19, "#7be35b", 5.4), (12, "#48c7f4", 3.6))
        )
        return strap + case + screen + rings
