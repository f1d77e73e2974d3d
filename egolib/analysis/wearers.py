"""Who wears the headset: traits of people, and whether somebody is systematically worse off.

Gender, body type and height stand in a character's name. Skin tone and clothing are told by the
miniature's metadata; on the official data they are not available.
"""

import json

import numpy as np
import pandas as pd

from egolib.analysis.answers import Answer, amount, listed
from egolib.metrics import bootstrap_group_means, interval
from egolib.skeleton import parse_character

_LUMINANCE = (0.2126, 0.7152, 0.0722)  # of linear RGB, Rec. 709
NAMED, TOLD = ("gender", "body type", "height"), ("skin tone", "sleeves", "legs")
UNKNOWN = ""


def traits(index):
    """{trait: what holds in each frame, (N,) str}, UNKNOWN where nothing tells.

    Skin is called darker or lighter than the median of the people of this FrameIndex.
    """
    people, person = np.unique(index.characters, return_inverse=True)
    named = np.array([_parsed(name) for name in people]).T
    told = {trait: values[person] for trait, values in zip(NAMED, named, strict=True)}
    tones = np.array([_luminance(index, name) for name in people])
    tone = np.where(tones > np.nanmedian(tones) if np.isfinite(tones).any() else False,
                    "lighter half", "darker half")  # fmt: skip
    told["skin tone"] = np.where(np.isfinite(tones), tone, UNKNOWN)[person]
    return told | _clothing(index)


def _parsed(name):
    gender, _, body, height = parse_character(name)
    return gender, body, height


def _luminance(index, character):
    folder = index.folders[[f.split("/")[1] == character for f in index.folders]][0]
    path = index.root.joinpath(*folder.split("/")[:2], "character.json")
    if not path.is_file():
        return np.nan
    return float(np.dot(_LUMINANCE, json.loads(path.read_text())["skin_linear_rgb"]))


def _clothing(index):
    """Sleeves and what covers the legs, from the metadata file of each sequence."""
    worn = {trait: np.full(len(index), UNKNOWN, "U24") for trait in ("sleeves", "legs")}
    for i, folder in enumerate(index.folders):
        for path in sorted((index.root / folder / "meta").glob("*.json")):
            meta = json.loads(path.read_text())
            outfit, numbers = meta["outfit"], (meta["first_number"], meta["last_number"])
            here = (index.folder_ids == i) & (index.numbers >= numbers[0])
            here &= index.numbers <= numbers[1]
            worn["sleeves"][here] = f"sleeves {outfit['top'].get('sleeves') or 'none'}"
            worn["legs"][here] = outfit["bottom"]["kind"]
    return worn


def by_person(anatomy, told):
    """Which people are hardest, and is a group of them worse off? told: `traits`.

    Table: rows (trait, group) with characters, frames, mean MPJPE and its bounds, and `worse`, by
    how much it is above that of all other frames, with bounds. The first trait is "character",
    whose intervals resample its sequences; those of groups resample characters, and the bounds of
    `worse` are widened for the number of comparisons (Bonferroni).
    """
    mpjpe = anatomy.error_mm.mean(-1)
    means, draws = bootstrap_group_means(
        mpjpe, anatomy.character, anatomy.cluster, len(anatomy.names)
    )
    low, high = interval(draws)
    frames = np.bincount(anatomy.character)
    rows = {("character", name): (1, frames[i], means[i], low[i], high[i], *[np.nan] * 3)
            for i, name in enumerate(anatomy.names)}  # fmt: skip
    groups = [(t, g) for t, values in told.items() for g in np.unique(values) if g != UNKNOWN]
    groups = [(t, g) for t, g in groups if not (told[t] == g).all()]
    for trait, group in groups:
        inside = told[trait] == group
        # Of so wide an interval each bound needs as many draws beyond it as one of a single comparison.
        means, draws = bootstrap_group_means(
            mpjpe, inside.astype(int), anatomy.character, 2, rounds=1000 * len(groups)
        )
        gap = map(float, interval(draws[:, 1] - draws[:, 0], 1 - 0.05 / len(groups)))
        bounds = [bound[1] for bound in interval(draws)]
        count = len(np.unique(anatomy.character[inside]))
        rows[trait, group] = (count, inside.sum(), means[1], *bounds, means[1] - means[0], *gap)
    columns = ["characters", "frames", "mean", "low", "high", "worse", "worse_low", "worse_high"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    table.index = pd.MultiIndex.from_tuples(table.index, names=["trait", "group"])
    unknown = [trait for trait, values in told.items() if (values == UNKNOWN).all()]
    return Answer(
        "who_is_worse_off",
        "Which people are hardest, and is anybody systematically worse off?",
        _sentence(table, len(groups), unknown),
        table,
    )


def _sentence(table, comparisons, unknown):
    people = table.loc["character"]
    hard, easy = people["mean"].idxmax(), people["mean"].idxmin()
    sure = table[table.worse_low > 0]
    worse = [f"{group} ({amount(*row[['worse', 'worse_low', 'worse_high']])})"
             for (_, group), row in sure.iterrows()]  # fmt: skip
    verdict = (
        f"Systematically worse off: {listed(worse)}"
        if worse
        else "No group is surely worse off than the rest"
    )
    missing = f" Not available on this data: {listed(unknown)}." if unknown else ""
    return (
        f"{hard} is hardest ({amount(*people.loc[hard, ['mean', 'low', 'high']])}), {easy} easiest "
        f"({amount(*people.loc[easy, ['mean', 'low', 'high']])}). {verdict}, of {comparisons} groups "
        f"of {len(people)} people compared; that few can only show large differences.{missing}"
    )
