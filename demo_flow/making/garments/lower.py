"""Skirts, dresses and trousers, each with its own measures and details."""

from __future__ import annotations

from dataclasses import dataclass

from demo_flow.making.garments.cloth import GOLD, INK, SILVER, WHITE, Cloth, both, hexadecimal, mix


@dataclass(frozen=True)
class Skirt:
    """A skirt from the waist down."""

    hem: float = 128  # where it ends
    flare: float = 26  # how much wider the hem is than the waist
    waist: float = 24  # half its width
    top: float = 26
    pleats: int = 0
    tiers: int = 0  # layers of tulle or flounces
    scallops: bool = False  # a hem of small arcs, as lace has
    front: str = ""  # buttons, fly
    slit: bool = False
    bow: bool = False

    def __call__(self, cloth: Cloth) -> str:
        """The drawing's body."""
        body = (
            "".join(self._tier(cloth, number) for number in range(self.tiers))
            if self.tiers
            else (cloth.piece(self._path(self.hem), inside=self._inside(cloth)))
        )
        return body + self._waistband(cloth) + self._front(cloth)

    def _path(self, hem: float, wider: float = 0) -> str:
        top, waist, wide = self.top, self.waist, self.waist + self.flare + wider
        middle = (top + hem) / 2
        hip = waist + self.flare * 0.3 + 5
        return (
            f"M{80 - waist} {top}Q{80 - hip} {middle - 14} {80 - wide} {hem - 4}{self._edge(wide, hem)}"
            f"Q{80 + hip} {middle - 14} {80 + waist} {top}Z"
        )

    def _edge(self, wide: float, hem: float) -> str:
        """The hem from left to right."""
        if not self.scallops:
            return f"Q80 {hem + 7} {80 + wide} {hem - 4}"
        count = 11
        step = 2 * wide / count
        return "".join(f"q{step / 2:.2f} {9} {step:.2f} 0" for _ in range(count))

    def _inside(self, cloth: Cloth) -> str:
        wide = self.waist + self.flare
        if self.pleats:
            shares = [-1 + 2 * (number + 0.5) / self.pleats for number in range(self.pleats)]
            lines = [f"M{80 + self.waist * s:.1f} {self.top}L{80 + wide * s:.1f} {self.hem + 6}" for s in shares]
            return "".join(cloth.fold(line, 4.4, 0.55) + cloth.seam(line) for line in lines)
        shares = [-0.62, -0.25, 0.2, 0.58]
        lines = [
            f"M{80 + wide * s:.1f} {self.hem + 4}Q{80 + wide * s * 0.8:.1f} {self.hem - 34} {80 + self.waist * s:.1f} {self.top + 14}"
            for s in shares
        ]
        slit = (
            cloth.piece(
                f"M{80 + wide * 0.35} {self.hem - 30}L{80 + wide * 0.35 + 8} {self.hem + 8}H{80 + wide * 0.35 - 4}Z",
                mix(cloth.colour, INK, 0.7),
            )
            if self.slit
            else ""
        )
        border = (
            cloth.seam(f"M0 {self.hem - 9}Q80 {self.hem + 1} 160 {self.hem - 9}", width=1.6) if self.scallops else ""
        )
        return "".join(cloth.fold(line, 5, 0.28) for line in lines) + slit + border

    def _tier(self, cloth: Cloth, number: int) -> str:
        """One layer; the lowest is drawn first."""
        step = (self.hem - self.top - 10) / self.tiers
        hem = self.hem - number * step
        wide = self.waist + self.flare * (hem - self.top) / (self.hem - self.top)
        narrow = self.waist + self.flare * max(hem - step - self.top - 6, 0) / (self.hem - self.top)
        up = max(hem - step - 6, self.top)
        waves = "".join(f"q{wide / 8:.2f} {6 if wave % 2 else -4} {wide / 4:.2f} 0" for wave in range(8))
        path = f"M{80 - narrow:.1f} {up:.1f}L{80 - wide:.1f} {hem - 3:.1f}{waves}L{80 + narrow:.1f} {up:.1f}Z"
        folds = "".join(
            cloth.fold(f"M{80 + narrow * s:.1f} {up}L{80 + wide * s:.1f} {hem}", 4, 0.35)
            for s in (-0.7, -0.35, 0, 0.35, 0.7)
        )
        return cloth.piece(path, inside=folds)

    def _waistband(self, cloth: Cloth) -> str:
        top, waist = self.top, self.waist
        band = cloth.piece(
            f"M{80 - waist} {top - 7}Q80 {top - 3} {80 + waist} {top - 7}L{80 + waist + 1} {top + 2}Q80 {top + 7} {80 - waist - 1} {top + 2}Z",
            plain=True,
        )
        bow = (
            "".join(both(cloth.piece(f"M80 {top}L64 {top - 8}Q60 {top} 64 {top + 8}Z", plain=True))) if self.bow else ""
        )
        return band + bow + (cloth.button(80, top, 3) if self.bow else "")

    def _front(self, cloth: Cloth) -> str:
        if self.front == "buttons":
            places = [self.top + 12 + 13 * number for number in range(8) if self.top + 12 + 13 * number < self.hem - 6]
            line = cloth.seam(f"M74 {self.top + 2}V{self.hem + 1}", dashed=True) + cloth.seam(
                f"M86 {self.top + 2}V{self.hem + 1}", dashed=True
            )
            pockets = both(
                cloth.seam(
                    f"M{80 - self.waist + 2} {self.top + 14}Q{80 - self.waist + 12} {self.top + 16} {80 - self.waist + 14} {self.top + 3}",
                    dashed=True,
                )
            )
            return line + "".join(pockets) + "".join(cloth.button(80, y, 2.3, GOLD) for y in places)
        return ""


@dataclass(frozen=True)
class Dress:
    """A bodice with a skirt."""

    skirt: Skirt
    sleeve: float = 0  # length; 0 without
    neck: str = "round"  # round, vee, straps, collar
    waist: float = 66  # where the bodice ends
    sash: bool = False
    front: str = ""  # buttons

    def __call__(self, cloth: Cloth) -> str:
        """The drawing's body."""
        below = self.skirt(cloth)
        return (
            below + self._sleeves(cloth) + cloth.piece(self._bodice(), inside=self._shade(cloth)) + self._details(cloth)
        )

    def _bodice(self) -> str:
        half, waist, low = 25, self.skirt.waist, self.waist
        if self.neck == "straps":
            return (
                f"M62 14L65 14Q66 30 80 36Q94 30 95 14L98 14Q99 28 {80 + half} 36Q{80 + half - 1} 52 {80 + waist} {low}"
                f"Q80 {low + 4} {80 - waist} {low}Q{80 - half + 1} 52 {80 - half} 36Q61 28 62 14Z"
            )
        cut = "L80 42L92 14" if self.neck == "vee" else "Q80 34 92 14"
        return (
            f"M68 14{cut}L104 20Q{80 + half + 3} 30 {80 + half} 42Q{80 + half - 2} 54 {80 + waist} {low}Q80 {low + 4} {80 - waist} {low}"
            f"Q{80 - half + 2} 54 {80 - half} 42Q{80 - half - 3} 30 56 20Z"
        )

    def _shade(self, cloth: Cloth) -> str:
        return cloth.fold(f"M66 {self.waist}Q64 50 60 42", 4, 0.3) + cloth.fold(
            f"M94 {self.waist}Q96 50 100 42", 4, 0.3
        )

    def _sleeves(self, cloth: Cloth) -> str:
        if not self.sleeve:
            return ""
        end = 20 + self.sleeve
        out = 8 + self.sleeve * 0.22
        sleeve = cloth.piece(
            f"M60 17Q48 20 46 32L{54 - out - 9:.1f} {end}Q{54 - out:.1f} {end + 6} {54 - out + 9:.1f} {end + 2}L57 44Z"
        )
        return "".join(both(sleeve))

    def _details(self, cloth: Cloth) -> str:
        parts = ""
        if self.sash:
            waist = self.skirt.waist + 1
            parts += cloth.piece(
                f"M{80 - waist} {self.waist - 4}Q80 {self.waist + 1} {80 + waist} {self.waist - 4}V{self.waist + 5}Q80 {self.waist + 10} {80 - waist} {self.waist + 5}Z",
                mix(cloth.colour, INK, 0.3),
            )
        if self.front == "buttons":
            parts += cloth.seam(f"M80 26V{self.skirt.hem}") + "".join(
                cloth.button(80, 30 + 13 * number, 2) for number in range(int((self.skirt.hem - 34) / 13))
            )
        if self.neck == "collar":
            parts += "".join(both(cloth.piece("M68 11Q74 12 80 24L68 32L61 16Z")))
        return parts


@dataclass(frozen=True)
class Trousers:
    """Two legs and a waistband."""

    hem: float = 146
    leg: float = 12  # half the width of a leg's end
    crease: bool = False
    cuffs: bool = False
    pockets: str = ""  # cargo, jeans
    drawstring: bool = False
    bib: bool = False

    def __call__(self, cloth: Cloth) -> str:
        """The drawing's body."""
        legs = "".join(both(cloth.piece(self._leg(), inside=self._inside(cloth))))
        return self._bib(cloth) + legs + self._front(cloth)

    def _top(self) -> float:
        return 62 if self.bib else 20

    def _leg(self) -> str:
        top, ankle = self._top(), 60
        return f"M56 {top}H80V{top + 34}L{ankle + self.leg} {self.hem}Q{ankle} {self.hem + 4} {ankle - self.leg} {self.hem - 1}Q48 {top + 44} 56 {top}Z"

    def _inside(self, cloth: Cloth) -> str:
        top = self._top()
        parts = cloth.fold(f"M76 {top + 34}L66 {self.hem}", 5, 0.3) + cloth.fold(
            f"M58 {top + 50}Q66 {top + 54} 74 {top + 46}", 4, 0.25
        )
        if self.crease:
            parts += cloth.fold(f"M66 {top + 20}L60 {self.hem}", 3, 0.4) + cloth.seam(f"M66 {top + 14}L60 {self.hem}")
        if self.cuffs:
            cuff = Cloth(cloth.colour, "ribbed", cloth.definitions)
            parts += cloth.cut(f"M0 {self.hem - 10}H160V160H0Z", cuff.piece(self._leg())) + cloth.seam(
                f"M0 {self.hem - 10}H160"
            )
        if self.pockets == "cargo":
            parts += cloth.piece(f"M49 {top + 56}H64V{top + 74}H49Z") + cloth.piece(f"M48 {top + 54}H65V{top + 61}H48Z")
        stitched = self.pockets == "jeans"
        return parts + cloth.seam(f"M56 {top + 20}Q64 {top + 18} 66 {top + 7}", dashed=stitched, width=1.5)

    def _front(self, cloth: Cloth) -> str:
        top = self._top()
        band = cloth.piece(f"M55 {top - 4}Q80 {top} 105 {top - 4}V{top + 6}Q80 {top + 10} 55 {top + 6}Z")
        fly = (
            ""
            if self.drawstring
            else cloth.seam(f"M80 {top + 9}V{top + 32}M87 {top + 9}Q88 {top + 26} 80 {top + 31}")
            + cloth.button(80, top + 3, 2.2, SILVER)
        )
        if self.drawstring:
            string = hexadecimal(WHITE)
            fly = f'<path d="M78 {top + 4}Q74 {top + 16} 76 {top + 26}M82 {top + 4}Q86 {top + 16} 84 {top + 24}" fill="none" stroke="{string}" stroke-width="2"/>'
        return band + fly

    def _bib(self, cloth: Cloth) -> str:
        if not self.bib:
            return ""
        straps = both(cloth.piece("M60 10H67L68 40H61Z"))
        bib = cloth.piece("M61 32Q80 36 99 32L103 64H57Z") + cloth.piece("M70 40H90V52L80 56L70 52Z")
        return "".join(straps) + bib + cloth.button(64, 35, 2.8, GOLD) + cloth.button(96, 35, 2.8, GOLD)
