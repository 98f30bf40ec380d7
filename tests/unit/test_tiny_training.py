"""What the model learns from: phrases, typos and the hold-out; and that a training does what it declares."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demo_flow.catalogue.catalogue import load
from demo_flow.making.data import Corpus, TextSampler, descriptions
from demo_flow.making.hold_out import HoldOut, choose_hold_out
from demo_flow.making.typos import add_typo
from demo_flow.making.words import languages
from demo_flow.model.features import normalise

ITEMS = [item for item in load() if item.concept in {"coat", "lab-coat", "guitar", "tomato", "backpack"}]


def edits(one: str, other: str) -> int:
    """Damerau's distance: inserted, missing, replaced letters and swapped neighbours."""
    table = np.zeros((len(one) + 1, len(other) + 1), dtype=int)
    table[:, 0], table[0, :] = range(len(one) + 1), range(len(other) + 1)
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            cost = int(one[i - 1] != other[j - 1])
            best = min(table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + cost)
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                best = min(best, table[i - 2, j - 2] + 1)
            table[i, j] = best
    return int(table[-1, -1])


@pytest.mark.parametrize("text", ["backpack", "Winterjacke", "пальто", "running shoe", "ジャケット"])
def test_a_typo_is_one_slip(text: str) -> None:
    """One letter swapped, missing, doubled, inserted or replaced; mostly the text is changed by it."""
    rng = random.Random(1)
    slips = [add_typo(text, rng) for _ in range(200)]
    assert {edits(text, slip) for slip in slips} <= {0, 1}
    assert sum(slip != text for slip in slips) > 150
    assert len(set(slips)) > 10


def test_what_is_too_short_for_a_typo_stays_as_it_is() -> None:
    """Two letters with one wrong are another word."""
    assert add_typo("TV", random.Random(1)) == "TV"
    assert add_typo("", random.Random(1)) == ""


def test_phrases_mean_the_items_of_their_concept_and_colour() -> None:
    """A text with a colour means items in that colour; a word shared by two things means both."""
    corpus = Corpus(ITEMS)
    texts, means = TextSampler(corpus, seed=3).sample(4000, range(len(ITEMS)))
    assert len(texts) == len(means) == 4000
    assert means.any(axis=1).all()
    assert all(means[row, row] for row in range(len(ITEMS)))
    blacks = [row for row, text in enumerate(texts) if "black" in normalise(text).split()]
    assert blacks
    for row in blacks:
        assert {ITEMS[index].colour for index in np.flatnonzero(means[row])} == {"black"}
    jacket = next(p for p in corpus.phrases["en"][corpus.concepts.index("coat")] if p.text == "jacket")
    assert {corpus.concepts[number] for number in jacket.concepts} == {"coat", "lab-coat"}


def test_long_descriptions_mean_the_thing_that_they_name() -> None:
    """Filler words change nothing: a description in any language means items of its concept."""
    corpus = Corpus(ITEMS)
    texts, means = TextSampler(corpus, seed=4).sample(3000)
    long = [row for row, text in enumerate(texts) if len(text.split()) > 12]
    assert len(long) > 60
    assert means[long].any(axis=1).all()
    assert set(descriptions()) == set(languages())


def test_nonsense_is_made_up_and_repeatable() -> None:
    """The training's negative texts: no phrase of the corpus, the same ones for the same seed."""
    corpus = Corpus(ITEMS)
    texts = TextSampler(corpus, seed=4).nonsense(200)
    assert texts == TextSampler(corpus, seed=4).nonsense(200)
    known = {phrase.text for phrases in corpus.phrases.values() for found in phrases for phrase in found}
    assert len(set(texts) - known) > 180


def test_the_same_seed_gives_the_same_phrases() -> None:
    """A training can be repeated."""
    corpus = Corpus(ITEMS)
    one, other = (TextSampler(corpus, seed=5).sample(50)[0] for _ in range(2))
    assert one == other
    assert one != TextSampler(corpus, seed=6).sample(50)[0]


def test_what_is_held_out_is_not_in_the_corpus() -> None:
    """No keyword of the hold-out is learnt in its language, and no name is ever held out."""
    items = load()
    held = choose_hold_out(items, 0.1)
    assert held == choose_hold_out(items, 0.1)
    assert 30 <= len(held.concepts) <= 80
    corpus = Corpus([item for item in items if item.concept not in held.concepts], held.keywords)
    assert not held.concepts & set(corpus.concepts)
    for code in languages():
        learnt = {normalise(phrase.text) for phrases in corpus.phrases[code] for phrase in phrases}
        assert not learnt & {word for language, word in held.keywords if language == code}
    assert choose_hold_out(items, 0.0) == HoldOut()


def test_the_loss_falls_on_any_of_several_right_answers() -> None:
    """It is the probability of all of them together that counts; rows without any count for nothing."""
    torch: Any = pytest.importorskip("torch", reason="torch comes with the extra clip")
    from demo_flow.making.objective import multi_positive

    logits = torch.tensor([[2.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    means = torch.tensor([[True, True, False], [False, False, False]])
    share = (np.exp(2) + np.exp(1)) / (np.exp(2) + np.exp(1) + 1)
    assert float(multi_positive(logits, means)) == pytest.approx(-np.log(share), abs=1e-6)
    assert float(multi_positive(logits, torch.zeros_like(means))) == 0.0


def test_texts_that_mean_something_come_nearer_than_nothing_and_nonsense_does_not() -> None:
    """Beside all items stands one column at a fixed cosine: right for nonsense alone."""
    torch: Any = pytest.importorskip("torch", reason="torch comes with the extra clip")
    from demo_flow.making.objective import NOTHING, text_loss

    means, scale = torch.tensor([[True, False]]), torch.tensor(20.0)
    good = text_loss(torch.tensor([[0.9, 0.0], [0.1, 0.0]]), means, scale)
    unfound = text_loss(torch.tensor([[NOTHING - 0.2, 0.0], [0.1, 0.0]]), means, scale)
    mistaken = text_loss(torch.tensor([[0.9, 0.0], [0.8, 0.0]]), means, scale)
    assert float(good) < 0.1
    assert min(float(unfound), float(mistaken)) > 1


def test_a_batch_without_padding_gives_the_vectors_of_the_tower() -> None:
    """`unpadded.encode` is `TextTower.forward`, empty texts and texts without words included."""
    torch: Any = pytest.importorskip("torch", reason="torch comes with the extra clip")
    from demo_flow.making.unpadded import encode
    from demo_flow.model.features import featurise
    from demo_flow.model.towers import TextTower

    tower, texts = TextTower(), ["black coat", "", "傘 guitarra", "!?", "a " * 200]
    batch = featurise(texts)
    with torch.no_grad():
        wanted = tower(torch.from_numpy(batch.words), torch.from_numpy(batch.pieces))
        np.testing.assert_allclose(encode(tower, texts).numpy(), wanted.numpy(), atol=1e-5)
        assert encode(tower, ["", "!"]).shape == (2, 192)


def test_a_training_can_start_from_shipped_weights() -> None:
    """The towers compute what the shipped ones do, and the image tower has batch norms again."""
    torch: Any = pytest.importorskip("torch", reason="torch comes with the extra clip")
    pytest.importorskip("safetensors")
    pytest.importorskip("onnx")
    from demo_flow.making.starting import start_from
    from demo_flow.model.weights import WEIGHTS, load_towers

    pixels = torch.from_numpy(Corpus(ITEMS).pixels())
    _, image = start_from(WEIGHTS, pixels)
    with torch.no_grad():
        wanted = load_towers()[1](pixels)
        assert float((image.eval()(pixels) * wanted).sum(1).min()) > 0.999
        assert float((image.train()(pixels) * wanted).sum(1).mean()) > 0.9


def test_a_short_training_goes_on_where_it_stopped_and_writes_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exported files give the vectors of the trained towers; other settings in the same folder are refused."""
    torch: Any = pytest.importorskip("torch", reason="torch comes with the extra clip")
    for package in ("safetensors", "onnx", "tqdm"):
        pytest.importorskip(package)
    from demo_flow.making import train
    from demo_flow.model.features import featurise
    from demo_flow.model.tiny import Tiny

    monkeypatch.setattr(train, "load", lambda: ITEMS)
    settings = train.Settings(joint_steps=6, text_steps=4, images=8, joint_texts=16, texts=16, nonsense=4, threads=1)
    train.train(settings, tmp_path)
    trainer = train.Trainer(Corpus(ITEMS), settings, tmp_path)
    assert trainer.step == 10
    batch = featurise(["black coat", "guitarra"])
    trainer.text.eval()
    with torch.no_grad():
        wanted = trainer.text(torch.from_numpy(batch.words), torch.from_numpy(batch.pieces)).numpy()
    model = Tiny(tmp_path)
    assert (model.encode_texts(["black coat", "guitarra"]) * wanted).sum(axis=1).min() > 0.99
    pictures = model.encode_images([item.image for item in ITEMS])
    np.testing.assert_allclose(pictures, trainer.image_vectors().numpy(), atol=0.02)
    assert json.loads((tmp_path / "training.json").read_text())["settings"]["joint_steps"] == 6
    with pytest.raises(SystemExit, match="was made with other settings"):
        train.Trainer(Corpus(ITEMS), train.Settings(joint_steps=7), tmp_path)
