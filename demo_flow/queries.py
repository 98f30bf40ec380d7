"""What the callers of `pamazon load` ask: half of the searches are for what everybody wants, the others differ.

The others are made of words: a thing in a colour, in one of six languages, some with a wish. There are thousands of
them, so that a cache of vectors finds about half of all searches.
"""

import random
from typing import Final

HEADS: Final = (
    "jacket mens", "black jacket", "Winterjacke", "guitarra", "backpak", "red dress", "Rucksack", "zapatos",
    "football", "Kaffee", "parapluie", "orologio", "自転車", "чайник", "green umbrella", "runing shoes",
)  # fmt: skip
"""English, German, Spanish, …, with colours and with typos."""

SHARE_OF_HEADS: Final = 0.5

_LANGUAGES: Final = (
    ("{colour} {thing}{wish}", "black white grey red orange yellow green blue purple pink brown",
     "coat dress socks scarf gloves jeans t-shirt shorts backpack handbag umbrella watch bicycle guitar kettle teapot",
     ("", " mens", " for women", " kids", " cheap", " gift")),
    ("{thing} in {colour}{wish}", "Schwarz Weiß Grau Rot Orange Gelb Grün Blau Lila Rosa Braun",
     "Mantel Kleid Socken Schal Handschuhe Jeans T-Shirt Shorts Rucksack Handtasche Regenschirm Armbanduhr Fahrrad",
     ("", " Herren", " für Damen", " Kinder", " günstig", " neu")),
    ("{thing} de color {colour}{wish}", "negro blanco gris rojo naranja amarillo verde azul morado rosa marrón",
     "abrigo vestido calcetines bufanda guantes vaqueros camiseta mochila bolso paraguas reloj bicicleta guitarra",
     ("", " hombre", " para mujer", " niños", " barato", " nuevo")),
    ("{thing} {colour}{wish}", "noir blanc gris rouge orange jaune vert bleu violet rose marron",
     "manteau chaussettes écharpe gants jean t-shirt short parapluie vélo sac pantalon chapeau",
     ("", " homme", " pour femme", " enfant", " pas cher", " neuf")),
    ("{thing} {colour}{wish}", "preto branco cinza vermelho laranja amarelo verde azul roxo rosa marrom",
     "casaco vestido meias cachecol luvas jeans camiseta mochila bolsa relógio bicicleta",
     ("", " masculino", " feminino", " infantil", " barato", " novo")),
    ("{colour}の{thing}{wish}", "黒 白 グレー 赤 オレンジ 黄色 緑 青 紫 ピンク 茶色",
     "コート ドレス 靴下 マフラー 手袋 ジーンズ バックパック ハンドバッグ 傘 腕時計 自転車",
     ("", " メンズ", " レディース", " 子供用", " 安い", " 新品")),
)  # fmt: skip
"""Form, colours, things and wishes of each language."""


def draw_query(draw: random.Random) -> str:
    """Return the next query, the same for the same state of `draw`."""
    if draw.random() < SHARE_OF_HEADS:
        return draw.choice(HEADS)
    form, colours, things, wishes = draw.choice(_LANGUAGES)
    return form.format(colour=draw.choice(colours.split()), thing=draw.choice(things.split()), wish=draw.choice(wishes))
