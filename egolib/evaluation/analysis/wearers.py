"""Who wears the headset: traits of people, and whether somebody is systematically worse off.

Gender, body type and height stand in a character's name. Skin tone and clothing are in the
miniature's metadata; on the official data they are not available.
"""

import numpy as np
import pandas as pd

from egolib.data.index import FrameIndex
from egolib.evaluation.analysis.answers import BOUNDED, Answer, amount, listed
from egolib.evaluation.analysis.components import ErrorComponents
from egolib.foundation.errors import EgolibError
from egolib.foundation.untrusted import load_json, numbers
from egolib.metrics import bootstrap_group_means, interval
from egolib.skeleton import parse_character

_LUMINANCE = (0.2126, 0.7152, 0.0722)  # of linear RGB, Rec. 709
UNKNOWN = ""
_NOBODY = "No group is significantly worse off than the rest"
WORSE = ["worse", "worse_low", "worse_high"]


def traits(index: FrameIndex) -> dict[str, np.ndarray]:
    """{trait: its value in each frame, (N,) str}, UNKNOWN where the data do not hold it.

    Skin is called darker or lighter than the median of the people of this FrameIndex.
    """
    people, person = np.unique(index.characters, return_inverse=True)
    gender, _, body, height = np.array([_of_name(name) for name in people]).T
    tones = np.array([_luminance(index, name) for name in people])
    known = np.isfinite(tones)
    lighter = tones > np.median(tones[known]) if known.any() else known
    tone = np.where(known, np.where(lighter, "lighter half", "darker half"), UNKNOWN)
    of_people = {"gender": gender, "body type": body, "height": height, "skin tone": tone}
    return {trait: values[person] for trait, values in of_people.items()} | _clothing(index)


def _of_name(character):
    """`parse_character`, UNKNOWN for a name of another form."""
    try:
        return parse_character(character)
    except EgolibError:
        return (UNKNOWN,) * 4


def _luminance(index, character):
    folder = index.folders[[f.split("/")[1] == character for f in index.folders]][0]
    path = index.root.joinpath(*folder.split("/")[:2], "character.json")
    if not path.is_file():
        return np.nan
    return load_json(
        path, lambda character: float(numbers(character["skin_linear_rgb"]) @ _LUMINANCE)
    )


def _clothing(index):
    """Sleeves and what covers the legs, from the metadata file of each sequence."""
    worn = {trait: np.full(len(index), UNKNOWN, "U24") for trait in ("sleeves", "legs")}
    for i, folder in enumerate(index.folders):
        for path in sorted((index.root / folder / "meta").glob("*.json")):
            first, last, sleeves, legs = load_json(path, _clothing_of)
            here = (index.folder_ids == i) & (index.numbers >= first) & (index.numbers <= last)
            worn["sleeves"][here], worn["legs"][here] = f"sleeves {sleeves}", legs
    return worn


def _clothing_of(meta):
    outfit, numbered = meta["outfit"], (meta["first_number"], meta["last_number"])
    sleeves = dict(outfit["top"]).get("sleeves") or "none"
    return *map(int, numbered), str(sleeves), str(outfit["bottom"]["kind"])


def by_person(components: ErrorComponents, traits: dict[str, np.ndarray]) -> Answer:
    """Which people are hardest, and is a group of them worse off? traits: as `traits` returns them.

    Table: rows (trait, group) with characters, frames, mean MPJPE and its bounds, and `worse`, by
    how much it is above that of all other frames, with bounds. The first trait is "character",
    whose intervals resample its sequences; those of groups resample characters, and the bounds of
    `worse` are widened for the number of comparisons (Bonferroni).
    """
    mpjpe, character = components.error_mm.mean(-1), components.character
    count = len(components.names)
    means, draws = bootstrap_group_means(mpjpe, character, components.cluster, count)
    frames, bounds = np.bincount(character), np.stack([means, *interval(draws)], -1)
    rows = {("character", name): (1, frames[i], *bounds[i], *[np.nan] * 3)
            for i, name in enumerate(components.names)}  # fmt: skip
    groups = [
        (trait, group)
        for trait, values in traits.items()
        for group in np.unique(values)
        if group != UNKNOWN and not (values == group).all()
    ]
    for trait, group in groups:
        inside = traits[trait] == group
        # Of so wide an interval each bound needs as many draws beyond it as one of a single comparison.
        rounds = 1000 * len(groups)
        means, draws = bootstrap_group_means(mpjpe, inside.astype(int), character, 2, rounds)
        low, high = (bound[1] for bound in interval(draws))
        gap = interval(draws[:, 1] - draws[:, 0], 1 - 0.05 / len(groups))
        count = len(np.unique(character[inside]))
        worse = (means[1] - means[0], *map(float, gap))
        rows[trait, group] = (count, inside.sum(), means[1], low, high, *worse)
    columns = ["characters", "frames", *BOUNDED, *WORSE]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    table.index = pd.MultiIndex.from_tuples(table.index, names=["trait", "group"])
    people, worse = table.loc["character", BOUNDED], table.loc[table.worse_low > 0, WORSE]
    hard, easy = people["mean"].idxmax(), people["mean"].idxmin()
    named = [f"{group} ({amount(*row)})" for (_, group), row in worse.iterrows()]
    verdict = f"Systematically worse off: {listed(named)}" if named else _NOBODY
    unknown = [trait for trait, values in traits.items() if (values == UNKNOWN).all()]
    missing = f" Not available on this data: {listed(unknown)}." if unknown else ""
    return Answer(
        "who_is_worse_off",
        "Which people are hardest, and is anybody systematically worse off?",
        f"{hard} is hardest ({amount(*people.loc[hard])}), {easy} easiest "
        f"({amount(*people.loc[easy])}). {verdict}, of {len(groups)} groups of {len(people)} people "
        f"compared; that few can only show large differences.{missing}",
        table,
    )
