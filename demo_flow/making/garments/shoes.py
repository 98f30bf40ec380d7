"""Shoes and boots, seen from the side and in pairs, and what is worn on head, hands and neck."""

from __future__ import annotations

from dataclasses import dataclass

from demo_flow.making.garments.cloth import CREAM, GOLD, INK, SILVER, WHITE, Cloth, both, hexadecimal, mix, oval


@dataclass(frozen=True)
class Shoe:
    """A pair: one shoe before the other."""

    shaft: float = 84  # where the shoe ends above; the sole is at 128
    heel: float = 0  # height of the heel
    sole: str = "flat"  # flat, thick, lugged
    detail: str = ""  # laces, elastic, fur, tassel, straps, zip
    rubber: bool = False

    def __call__(self, cloth: Cloth) -> str:
        """The drawing's body."""
        one = self._shoe(cloth)
        return f'<g transform="translate(22 -14)">{one}</g><g transform="translate(-4 4)">{one}</g>'

    def _shoe(self, cloth: Cloth) -> str:
        if self.detail == "straps":
            return self._sole(cloth) + self._straps(cloth)
        return self._sole(cloth) + cloth.piece(self._upper(), inside=self._inside(cloth)) + self._details(cloth)

    def _upper(self) -> str:
        top, floor = self.shaft, 122 - self.heel
        if top > 90:  # a low shoe
            return f"M24 {top}Q40 {top + 12} 58 {top + 4}L84 {top + 13}Q122 {top + 14} 124 121Q76 127 {26} {floor + 3}Q20 {top + 18} 24 {top}Z"
        return (
            f"M28 {top}Q46 {top + 5} 66 {top}L68 88Q74 99 90 102Q124 104 126 121Q76 127 28 {floor + 3}Q24 100 28 {top}Z"
        )

    def _inside(self, cloth: Cloth) -> str:
        toe = cloth.fold("M100 104Q92 112 96 124", 4, 0.35)
        heel = cloth.seam("M40 104Q46 112 42 126", width=1.3)
        return toe + ("" if self.rubber else heel) + cloth.fold("M70 92Q60 102 62 112", 4, 0.3)

    def _sole(self, cloth: Cloth) -> str:
        dark = mix(cloth.colour, INK, 0.75)
        if self.sole == "thick":
            return cloth.piece(
                "M24 117Q76 125 127 117Q131 124 127 132Q76 136 24 132Q20 124 24 117Z",
                WHITE if not self.rubber else CREAM,
            )
        if self.sole == "lugged":
            teeth = "l4 4h5l1 -4" * 10
            return cloth.piece(f"M24 117Q76 125 127 117Q131 124 128 130H24{teeth}V117Z", dark) + cloth.piece(
                "M24 118Q76 126 128 118V132Q76 136 24 132Z", dark
            )
        heel = cloth.piece(f"M25 {120 - self.heel}Q36 {123 - self.heel} 48 {122 - self.heel * 0.7}L44 132H27Z", dark)
        return heel + cloth.piece("M40 120Q76 127 127 118Q130 124 124 127Q80 131 44 127Z", dark)

    def _details(self, cloth: Cloth) -> str:
        top = self.shaft
        if self.detail in ("laces", "fur"):
            return self._laces(cloth) if self.detail == "laces" else self._fur()
        if self.detail == "elastic":
            rib = Cloth(mix(cloth.colour, INK, 0.35), "ribbed", cloth.definitions)
            return rib.piece(f"M40 {top + 3}H56L52 102Q46 106 42 102Z")
        if self.detail == "tassel":
            tongue = f"M58 {top + 5}L84 {top + 13}L78 {top + 20}L56 {top + 14}Z"
            tassels = cloth.seam(f"M74 {top + 14}l6 8m-10 -8l2 9", width=2.4)
            return cloth.piece(tongue, mix(cloth.colour, INK, 0.25)) + tassels
        if self.detail == "zip":
            return cloth.zip(f"M40 {top + 4}Q38 96 44 118")
        border = f"M27 {top}Q46 {top + 5} 67 {top}V{top + 8}Q46 {top + 13} 27 {top + 8}Z"
        return cloth.piece(border, mix(cloth.colour, WHITE, 0.25)) if self.rubber else ""

    def _laces(self, cloth: Cloth) -> str:
        rows = [(62, 100), (70, 103), (78, 106)]
        if self.shaft <= 90:
            rows = [(54, y) for y in range(int(self.shaft) + 8, 92, 9)] + [(60, 94), (68, 100)]
        colour = hexadecimal(mix(cloth.second, cloth.colour, 0.1))
        return "".join(
            f'<path d="M{x} {y + 2}L{x + 13} {y - 3}" stroke="{colour}" stroke-width="2.4" stroke-linecap="round"/>'
            for x, y in rows
        )

    def _fur(self) -> str:
        top, fill = self.shaft, hexadecimal(CREAM)
        return "".join(
            f'<circle cx="{26 + 6 * n}" cy="{top + 2 + (n % 2) * 2}" r="6.4" fill="{fill}"/>'
            f'<circle cx="{25 + 6 * n}" cy="{top}" r="3" fill="#fff"/>'
            for n in range(8)
        )

    def _straps(self, cloth: Cloth) -> str:
        over = cloth.piece("M84 121Q86 98 104 104Q120 110 122 121Z") + cloth.piece(
            "M50 122Q52 96 66 94Q76 96 78 122H68Q66 106 62 106Q58 108 58 122Z"
        )
        heel = cloth.piece("M28 119Q24 98 32 92L64 96V102L36 101Q34 108 37 120Z")
        return (
            heel
            + over
            + f'<rect x="60" y="95" width="8" height="8" rx="1.5" fill="none" stroke="{hexadecimal(GOLD)}" stroke-width="2"/>'
        )


@dataclass(frozen=True)
class Hat:
    """What is worn on the head."""

    kind: str  # beanie, bucket, fedora, beret, sun

    def __call__(self, cloth: Cloth) -> str:
        """The drawing's body."""
        return getattr(self, f"_{self.kind}")(cloth)  # type: ignore[no-any-return]

    def _beanie(self, cloth: Cloth) -> str:
        rib = Cloth(mix(cloth.colour, INK, 0.12), "ribbed", cloth.definitions)
        ball = "".join(
            f'<circle cx="{80 + dx}" cy="{28 + dy}" r="8" fill="{hexadecimal(mix(cloth.second, WHITE, 0.3))}"/>'
            for dx, dy in ((-8, 3), (8, 3), (0, -7), (0, 5), (-6, -3), (6, -3))
        )
        return (
            ball
            + cloth.piece("M34 104Q32 36 80 34Q128 36 126 104Z")
            + rib.piece("M30 98Q80 108 130 98V122Q80 132 30 122Z")
        )

    def _bucket(self, cloth: Cloth) -> str:
        brim = cloth.piece("M44 84Q80 92 116 84L142 118Q80 140 18 118Z")
        return (
            brim
            + cloth.seam("M24 114Q80 132 136 114", dashed=True)
            + cloth.piece("M44 88L54 44Q80 34 106 44L116 88Q80 98 44 88Z")
            + cloth.seam("M46 80Q80 90 114 80", dashed=True)
        )

    def _fedora(self, cloth: Cloth) -> str:
        brim = cloth.piece("M10 102Q40 88 80 90Q120 88 150 102Q140 120 80 120Q20 120 10 102Z")
        crown = cloth.piece(
            "M42 102Q42 48 62 44Q72 44 80 52Q88 44 98 44Q118 48 118 102Q80 112 42 102Z",
            inside=cloth.fold("M80 50Q78 66 80 76", 6, 0.4),
        )
        return brim + crown + cloth.piece("M42 90Q80 100 118 90V103Q80 113 42 103Z", mix(cloth.second, INK, 0.6))

    def _beret(self, cloth: Cloth) -> str:
        return (
            cloth.piece("M78 42Q78 30 83 26L87 28Q83 34 84 42Z")
            + cloth.piece(
                "M18 84Q20 40 82 40Q146 44 144 78Q140 108 84 112Q22 112 18 84Z",
                inside=cloth.fold("M40 100Q84 112 130 96", 8, 0.4),
            )
            + cloth.piece("M44 106Q84 116 122 100L120 116Q84 128 48 118Z")
        )


@dataclass(frozen=True)
class Small:
    """Scarves, gloves, belts, ties and what is worn below."""

    kind: str

    def __call__(self, cloth: Cloth) -> str:
        """The drawing's body."""
        return getattr(self, f"_{self.kind}")(cloth)  # type: ignore[no-any-return]

    def _scarf(self, cloth: Cloth) -> str:
        fringe = "".join(cloth.seam(f"M{x} 132v14", width=2.2) for x in range(50, 72, 4)) + "".join(
            cloth.seam(f"M{x} 112v14", width=2.2) for x in range(92, 114, 4)
        )
        return (
            fringe
            + cloth.piece("M90 56L116 60V114H90Z")
            + cloth.piece("M48 58H76L74 134H46Z")
            + cloth.piece(
                "M36 38Q80 8 124 38Q130 60 100 70Q70 78 44 66Q30 56 36 38Z",
                inside=cloth.fold("M44 44Q80 70 118 44", 7, 0.5),
            )
        )

    def _shawl(self, cloth: Cloth) -> str:
        border = cloth.seam("M24 33H136L80 118Z", width=4, colour=hexadecimal(mix(cloth.colour, INK, 0.4)))
        return cloth.piece(
            "M14 26Q80 34 146 26L84 134Q80 140 76 134Z",
            inside=border + cloth.fold("M80 34L78 130", 5, 0.3) + cloth.fold("M50 32L76 120", 5, 0.25),
        )

    def _mittens(self, cloth: Cloth) -> str:
        rib = Cloth(mix(cloth.colour, INK, 0.15), "ribbed", cloth.definitions)
        one = cloth.piece("M26 108V56Q28 26 48 26Q70 28 70 58L72 66Q80 54 86 60Q90 66 82 78L70 96V108Z") + rib.piece(
            "M24 104H72V128H24Z"
        )
        return f'<g transform="translate(-10 4) rotate(-8 50 80) scale(0.92)">{one}</g><g transform="translate(168 8) scale(-0.92 0.92) rotate(-8 50 80)">{one}</g>'

    def _gloves(self, cloth: Cloth) -> str:
        hand = "M28 128L26 76L20 40Q20 34 25 34Q29 34 30 40L35 64L34 28Q34 22 39 22Q44 22 44 28L46 62L50 26Q51 20 56 21Q60 22 60 28L57 66L65 38Q67 33 71 34Q75 36 74 42L67 78Q76 68 81 66Q86 66 85 71L68 100L68 128Z"
        lines = cloth.seam("M38 92V72M48 92V70M58 92V74") + cloth.seam("M27 116H68", dashed=True)
        one = cloth.piece(hand, inside=lines)
        return f'<g transform="translate(-10 4)">{one}</g><g transform="translate(170 8) scale(-1 1)">{one}</g>'

    def _belt(self, cloth: Cloth) -> str:
        metal = f'<rect x="62" y="62" width="36" height="36" rx="5" fill="none" stroke="{hexadecimal(GOLD)}" stroke-width="6"/><rect x="62" y="62" width="36" height="36" rx="5" fill="none" stroke="#fff" stroke-opacity="0.5" stroke-width="1.4"/>'
        holes = "".join(f'<circle cx="{x}" cy="80" r="2.2" fill="{hexadecimal(INK)}"/>' for x in (108, 120, 132))
        band = cloth.piece("M8 66H146Q154 80 146 94H8Z") + cloth.seam("M10 70H146M10 90H146", dashed=True)
        return (
            band
            + holes
            + metal
            + cloth.seam("M80 80H96", width=4, colour=hexadecimal(GOLD))
            + cloth.piece("M40 62H50V98H40Z")
        )

    def _bow(self, cloth: Cloth) -> str:
        wing = cloth.piece(
            "M80 80Q50 44 22 48Q12 80 22 112Q50 116 80 80Z",
            inside=cloth.fold("M76 78Q50 70 30 70", 5, 0.4) + cloth.fold("M76 84Q50 92 34 96", 5, 0.4),
        )
        return "".join(both(wing)) + cloth.piece("M70 66Q80 62 90 66Q94 80 90 94Q80 98 70 94Q66 80 70 66Z")

    def _braces(self, cloth: Cloth) -> str:
        strap = cloth.piece("M44 18H54L104 132H94Z")
        clips = "".join(
            f'<rect x="{x}" y="128" width="14" height="18" rx="3" fill="{hexadecimal(SILVER)}" stroke="{hexadecimal(INK)}" stroke-width="0.8"/>'
            for x in (46, 100)
        )
        return "".join(both(strap)) + clips + cloth.piece("M72 66H88V86H72Z", mix(cloth.colour, INK, 0.5))

    def _socks(self, cloth: Cloth) -> str:
        one = cloth.piece(
            "M50 18H84V84Q86 98 104 106Q122 116 112 130Q98 140 66 126Q48 114 50 92Z",
            inside=cloth.fold("M52 96Q66 92 82 100", 5, 0.4),
        )
        rib = Cloth(mix(cloth.colour, INK, 0.15), "ribbed", cloth.definitions)
        both_ = one + rib.piece("M48 14H86V28H48Z")
        return f'<g transform="translate(26 -4) scale(0.92)">{both_}</g><g transform="translate(-22 10) scale(0.96)">{both_}</g>'

    def _tights(self, cloth: Cloth) -> str:
        leg = cloth.piece(
            "M60 16H80V40L76 128Q76 138 64 146Q50 150 44 144Q46 138 58 132L60 100Q52 60 60 16Z",
            inside=cloth.fold("M76 40L72 130", 5, 0.4),
        )
        return "".join(both(leg)) + cloth.piece("M58 12Q80 16 102 12V22Q80 26 58 22Z")

    def _headband(self, cloth: Cloth) -> str:
        ring = cloth.piece("M18 92Q22 34 80 32Q138 34 142 92L128 94Q122 52 80 50Q38 52 32 94Z")
        knot = both(cloth.piece("M80 40L60 26Q54 40 60 54Z"))
        return ring + "".join(knot) + cloth.piece(oval(80, 40, 8, 9))
