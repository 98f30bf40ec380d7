"""What is worn above: jackets, coats, shirts, sweaters. Each is a `Top` with its own measures and details."""

from __future__ import annotations

from dataclasses import dataclass

from demo_flow.making.garments.cloth import CREAM, INK, WHITE, Cloth, both, hexadecimal, lightness, mix


@dataclass(frozen=True)
class Top:
    """A garment with a body and two sleeves; lengths in the drawing's units, words name a detail's kind."""

    hem: float = 126  # where it ends
    width: float = 33  # from the middle to the side
    flare: float = 2  # how much wider the hem is
    sleeve: float = 122  # where the sleeves end; 0 without
    loose: float = 11  # half the width of a sleeve's end
    neck: str = "round"  # round, high, vee, collar, lapels, wide, straps
    front: str = ""  # zip, buttons, double, slanted, open, placket
    hood: str = ""  # plain, fur
    pockets: str = ""  # flaps, patch, pouch, slits, chest
    ends: str = ""  # ribbed: cuffs and hem
    puffed: float = 0  # distance of the seams of a quilted jacket
    belt: bool = False
    shirt: bool = False  # a white shirt shows in the neck
    peplum: bool = False

    def __call__(self, cloth: Cloth) -> str:
        """The drawing's body."""
        drop = self.top
        parts = [self._hood(cloth), self._sleeves(cloth), self._inside(cloth)]
        parts.append(cloth.piece(self._body(drop), inside=self._folds(cloth)))
        parts += [self._ends(cloth), self._front(cloth), self._pockets(cloth), self._belt(cloth), self._neck(cloth)]
        return "".join(parts)

    @property
    def top(self) -> float:
        """Where the neck is."""
        return 36 if self.hood else 27

    @property
    def deep(self) -> float:
        """How deep the neck is cut."""
        return {"vee": 40, "lapels": 48, "wide": 18, "straps": 22, "collar": 12, "high": 2}.get(self.neck, 11)

    def _body(self, top: float) -> str:
        neck = 17 if self.neck in ("wide", "straps") else 12
        shoulder = 19 if self.neck == "straps" else self.width - 4
        left, right = 80 - self.width, 80 + self.width
        low_left, low_right = left - self.flare, right + self.flare
        waist = (self.hem + top) / 2 + 6
        cut = (
            f"Q80 {top + 2 * self.deep} {80 - neck} {top}"
            if self.neck not in ("vee", "lapels")
            else (f"L80 {top + self.deep}L{80 - neck} {top}")
        )
        slim = 4 if self.belt or self.peplum else 1
        return (
            f"M{80 - neck} {top}L{80 - shoulder} {top + (2 if self.neck == 'straps' else 8)}Q{left + 3} {top + 20} {left} {top + 32}"
            f"Q{left + slim} {waist} {low_left} {self.hem - 2}Q80 {self.hem + 5} {low_right} {self.hem - 2}"
            f"Q{right - slim} {waist} {right} {top + 32}Q{right - 3} {top + 20} {80 + shoulder} {top + (2 if self.neck == 'straps' else 8)}"
            f"L{80 + neck} {top}{cut}Z"
        )

    def _sleeve_path(self) -> str:
        top, left, end = self.top, 80 - self.width, self.sleeve
        out = 9 + (end - top) * 0.16
        wrist = left - out
        half = self.loose
        return (
            f"M{left + 8} {top + 6}Q{left - 6} {top + 10} {left - 9} {top + 26}L{wrist - half / 2:.1f} {end - 3}"
            f"Q{wrist + half / 2:.1f} {end + 4} {wrist + half * 1.5:.1f} {end}L{left + 3} {top + 38}L{left + 12} {top + 20}Z"
        )

    def _sleeves(self, cloth: Cloth) -> str:
        if not self.sleeve:
            return ""
        path = self._sleeve_path()
        inside = "".join(
            cloth.fold(f"M10 {y}Q40 {y + 7} 66 {y - 3}", 3.5, 0.6) + cloth.seam(f"M10 {y}Q40 {y + 7} 66 {y - 3}")
            for y in self._seams()
        )
        inside += cloth.fold(f"M{80 - self.width + 2} {self.top + 30}L{80 - self.width - 12} {self.sleeve}", 5, 0.3)
        if self.ends:
            cuff = Cloth(cloth.colour, "ribbed", cloth.definitions)
            end = self.sleeve
            inside += cloth.cut(f"M0 {end - 9}L80 {end - 6}V160H0Z", cuff.piece(path))
            inside += cloth.seam(f"M0 {end - 9}L80 {end - 6}")
        elif self.sleeve > 90 and not self.puffed:
            inside += cloth.seam(f"M0 {self.sleeve - 9}L80 {self.sleeve - 6}")
        return "".join(both(cloth.piece(path, inside=inside)))

    def _seams(self) -> list[float]:
        if not self.puffed:
            return []
        count = int((self.hem - self.top - 20) / self.puffed)
        return [self.top + 24 + self.puffed * number for number in range(count)]

    def _folds(self, cloth: Cloth) -> str:
        left, right, hem = 80 - self.width, 80 + self.width, self.hem
        folds = "".join(
            cloth.fold(f"M{left - 6} {y - 2}Q80 {y + 7} {right + 6} {y - 2}", 4, 0.6)
            + cloth.seam(f"M{left - 6} {y - 2}Q80 {y + 7} {right + 6} {y - 2}")
            for y in self._seams()
        )
        return folds + "".join(
            cloth.fold(f"M{x} {hem - length}Q{x + bend} {hem - 12} {x - bend} {hem + 2}", 4, 0.26)
            for x, length, bend in ((left + 11, 46, 4), (right - 12, 52, -4), (72, 30, 2))
        )

    def _ends(self, cloth: Cloth) -> str:
        if not self.ends:
            return ""
        left, right, hem = 80 - self.width - self.flare, 80 + self.width + self.flare, self.hem
        band = f"M{left} {hem - 6}Q80 {hem + 1} {right} {hem - 6}L{right - 2} {hem + 5}Q80 {hem + 12} {left + 2} {hem + 5}Z"
        return Cloth(cloth.colour, "ribbed", cloth.definitions).piece(band)

    def _inside(self, cloth: Cloth) -> str:
        """What is seen through the neck: the back, or a shirt."""
        top, deep = self.top, self.deep
        if self.neck == "straps":
            return ""
        colour = WHITE if self.shirt else mix(cloth.colour, INK, 0.5)
        back = cloth.piece(f"M67 {top + 1}Q80 {top - 6} 93 {top + 1}L80 {top + deep + 6}Z", colour)
        if self.shirt:
            back += cloth.piece(
                f"M66 {top}L73 {top - 6}L80 {top + 9}L87 {top - 6}L94 {top}L86 {top + 15}L80 {top + 9}L74 {top + 15}Z",
                WHITE,
            )
        return back

    def _front(self, cloth: Cloth) -> str:
        start, hem = self.top + self.deep, self.hem + 1
        middle = f"M80 {start}V{hem}"
        if self.front == "zip":
            return (
                cloth.fold(middle, 6, 0.3)
                + cloth.zip(middle)
                + f'<rect x="78" y="{start + 2}" width="4" height="9" rx="1.6" fill="#d6d9e0" stroke="{cloth.dark}" stroke-width="0.7"/>'
            )
        if self.front == "slanted":
            slant = f"M69 {start - 12}L92 {hem}"
            return (
                cloth.fold(slant, 6, 0.4)
                + cloth.zip(slant)
                + cloth.zip(f"M54 {start + 38}L66 {start + 32}")
                + cloth.zip(f"M108 {start + 38}L98 {start + 32}")
            )
        if self.front in ("buttons", "placket"):
            end = hem if self.front == "buttons" else start + 26
            places = [start + 7 + 14 * number for number in range(9) if start + 7 + 14 * number < end - 5]
            line = (
                cloth.fold(f"M81 {start}V{end}", 4, 0.35)
                + cloth.seam(f"M76 {start}V{end}")
                + cloth.seam(f"M84 {start}V{end}")
            )
            return line + "".join(cloth.button(80, y) for y in places)
        if self.front == "double":
            places = [start + 6 + 17 * number for number in range(5) if start + 6 + 17 * number < hem - 12]
            line = cloth.fold(f"M90 {start - 6}L92 {hem}", 5, 0.4) + cloth.seam(f"M90 {start - 6}L92 {hem}")
            return line + "".join(cloth.button(x, y, 2.6) for y in places for x in (70, 86))
        if self.front == "single":
            line = cloth.fold(f"M82 {start}V{hem}", 5, 0.4) + cloth.seam(f"M81 {start}Q82 {hem - 20} 88 {hem}")
            return line + cloth.button(80, start + 6, 2.6) + cloth.button(80, start + 22, 2.6)
        return ""

    def _pockets(self, cloth: Cloth) -> str:
        y = self.top + (self.hem - self.top) * 0.62
        low = {
            "flaps": cloth.fold(f"M54 {y + 8}H70", 4, 0.4) + cloth.piece(f"M53 {y}H70V{y + 6}Q61 {y + 9} 53 {y + 6}Z"),
            "patch": cloth.piece(f"M52 {y - 2}H70V{y + 14}Q61 {y + 19} 52 {y + 14}Z")
            + cloth.piece(f"M51 {y - 3}H71V{y + 3}L61 {y + 7}L51 {y + 3}Z"),
            "slits": cloth.fold(f"M56 {y + 14}L63 {y - 4}", 3.5, 0.5) + cloth.seam(f"M56 {y + 14}L63 {y - 4}", width=2),
            "chest": cloth.piece(f"M52 {self.top + 30}H68V{self.top + 44}L60 {self.top + 49}L52 {self.top + 44}Z")
            + cloth.piece(f"M51 {self.top + 29}H69V{self.top + 34}L60 {self.top + 38}L51 {self.top + 34}Z")
            + cloth.button(60, self.top + 35, 1.6),
        }.get(self.pockets)
        if low:
            return "".join(both(low))
        if self.pockets == "pouch":
            return cloth.piece(f"M60 {y}H100L108 {y + 22}H52Z")
        if self.pockets == "breast":
            return cloth.piece(f"M90 {self.top + 28}H105V{self.top + 40}L97.5 {self.top + 44}L90 {self.top + 40}Z")
        return ""

    def _belt(self, cloth: Cloth) -> str:
        if not self.belt:
            return ""
        y = (self.hem + self.top) / 2 - 3
        half = self.width + 1.5
        band = cloth.piece(
            f"M{80 - half} {y}Q80 {y + 6} {80 + half} {y}V{y + 9}Q80 {y + 15} {80 - half} {y + 9}Z",
            mix(cloth.colour, INK, 0.3),
        )
        buckle = f'<rect x="72" y="{y + 1.5}" width="16" height="12" rx="2" fill="none" stroke="#d9b25a" stroke-width="2.4"/>'
        return band + buckle

    def _hood(self, cloth: Cloth) -> str:
        if not self.hood:
            return ""
        top = self.top
        back = cloth.piece(
            f"M52 {top + 8}Q48 {top - 26} 80 {top - 29}Q112 {top - 26} 108 {top + 8}Q80 {top + 24} 52 {top + 8}Z"
        )
        hollow = cloth.piece(
            f"M60 {top + 5}Q57 {top - 18} 80 {top - 20}Q103 {top - 18} 100 {top + 5}Q80 {top + 18} 60 {top + 5}Z",
            mix(cloth.colour, INK, 0.55),
        )
        return back + hollow + (self._fur(top) if self.hood == "fur" else "")

    def _fur(self, top: float) -> str:
        """Tufts along the hood's edge."""
        places = [(55, 2), (53, -6), (55, -14), (60, -21), (67, -26), (75, -29)]
        places += [(160 - x, y) for x, y in places]
        fill = hexadecimal(mix(CREAM, (168, 128, 88), 0.35))
        return "".join(
            f'<circle cx="{x}" cy="{top + y}" r="6" fill="{fill}"/><circle cx="{x - 1.5}" cy="{top + y - 2}" r="3" fill="#fff" fill-opacity="0.6"/>'
            for x, y in places
        )

    def _neck(self, cloth: Cloth) -> str:
        top, deep = self.top, self.deep
        if self.neck == "vee":
            return cloth.seam(f"M66 {top + 1}L80 {top + deep + 3}L94 {top + 1}", width=2.4)
        if self.neck == "round":
            return cloth.seam(f"M66 {top + 1}Q80 {top + 2 * deep + 7} 94 {top + 1}", width=2.2)
        drawn = {"collar": self._collar, "lapels": self._lapels, "high": self._roll, "stand": self._stand}
        return drawn[self.neck](cloth) if self.neck in drawn else ""

    def _collar(self, cloth: Cloth) -> str:
        top = self.top
        wing = cloth.piece(f"M68 {top - 4}Q74 {top - 7} 80 {top + 9}L68 {top + 19}L60 {top + 3}Z")
        shadow = f"M62 {top + 8}L70 {top + 22}L80 {top + 12}L90 {top + 22}L98 {top + 8}"
        return cloth.fold(shadow, 3, 0.5) + "".join(both(wing))

    def _lapels(self, cloth: Cloth) -> str:
        top, deep = self.top, self.deep
        edge = mix(cloth.colour, INK if lightness(cloth.colour) > 0.2 else WHITE, 0.1)
        flap = cloth.piece(
            f"M68 {top - 3}L{80 - 0.5} {top + deep}L60 {top + 32}L63 {top + 25}L56 {top + 22}L62 {top + 2}Z",
            edge if not cloth.pattern else None,
        )
        return cloth.fold(f"M60 {top + 30}L80 {top + deep + 2}L100 {top + 30}", 4, 0.4) + "".join(both(flap))

    def _roll(self, cloth: Cloth) -> str:
        top = self.top
        return Cloth(cloth.colour, "ribbed", cloth.definitions).piece(
            f"M66 {top + 5}Q65 {top - 8} 68 {top - 15}Q80 {top - 10} 92 {top - 15}Q95 {top - 8} 94 {top + 5}Q80 {top + 14} 66 {top + 5}Z"
        )

    def _stand(self, cloth: Cloth) -> str:
        top = self.top
        collar = cloth.piece(
            f"M64 {top + 4}L66 {top - 10}Q80 {top - 5} 94 {top - 10}L96 {top + 4}Q88 {top + 16} 80 {top + 16}Q72 {top + 16} 64 {top + 4}Z"
        )
        return collar + (cloth.zip(f"M80 {top - 7}V{top + 16}") if self.front == "zip" else "")
