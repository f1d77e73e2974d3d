"""How plausible predicted poses are: lengths of bones, left against right, and jitter."""

import numpy as np
import pandas as pd

from egolib.data.index import FrameIndex
from egolib.evaluation.analysis.answers import BOUNDED, Answer, amount, compared, table_of
from egolib.metrics import bootstrap_interval
from egolib.skeleton import BONES, JOINTS, left_right_indices

_STARTS, _ENDS = (np.array([JOINTS.index(bone[i]) for bone in BONES]) for i in (0, 1))


def bone_lengths_mm(poses_m: np.ndarray) -> np.ndarray:
    """Lengths of BONES of poses (N, 16, 3) -> (N, 15) mm."""
    return 1000 * np.linalg.norm(poses_m[:, _ENDS] - poses_m[:, _STARTS], axis=-1)


def bones(predictions, components):
    """Are bones the right length, left and right alike? Table: a row a bone; `too_long`, predicted
    less true length, mean and bounds in mm; `wanders`, the standard deviation of the predicted
    length within a person, mean over persons, in mm."""
    predicted, true = (
        bone_lengths_mm(p) for p in (predictions.predicted_rel_m, predictions.true_rel_m)
    )
    names = [end for _, end in BONES]
    means, draws = components.means(np.arange(len(BONES)), len(BONES), predicted - true)
    table = table_of(means, draws, names)
    people = range(len(components.names))
    wanders = np.mean([predicted[components.character == i].std(0) for i in people], 0)
    left, right = left_right_indices(names)
    uneven = [
        amount(*bootstrap_interval(np.abs(p[:, left] - p[:, right]).mean(1), components.cluster))
        for p in (predicted, true)
    ]
    every = bootstrap_interval((predicted - true).mean(1), components.cluster)
    worst = table["mean"].abs().idxmax()
    return Answer(
        "are_bones_the_right_length",
        "Are bones the right length, left and right alike?",
        f"Predicted bones are {compared(*every, 'too long', 'too short')} on average; the bone to "
        f"{worst} is off most, {compared(*table.loc[worst], 'too long', 'too short')}. "
        f"Left and right differ by {uneven[0]}, in the truth by {uneven[1]}. Within one person a "
        f"bone's length varies by {wanders.mean():.0f} mm (SD), where a body's is constant.",
        table.assign(wanders=wanders),
    )


def consecutive(index: FrameIndex) -> np.ndarray:
    """Positions i, int (M,), of frames whose successor in the same sequence is i + 1."""
    same = (np.diff(index.folder_ids) == 0) & (np.diff(index.clip_ids) == 0)
    return np.flatnonzero(same & (np.diff(index.numbers) == 1))


def jitter(index, models, clusters, chosen):
    """Is motion smooth? `jitter_mm`: how much a joint's error changes from one frame to the next,
    mean over joints; 0 for a pose that is always off by the same.

    models: {name: Predictions} of the FrameIndex, `chosen` the one to speak of; clusters: int (N,).
    Table: a row a model, mean and bounds; and the row "true motion", how far a joint really moves
    from frame to frame.
    """
    question = "Is motion smooth?"
    at = consecutive(index)
    if not len(at):
        return Answer("is_motion_smooth", question, "Not available: no two frames are consecutive.")
    truth = next(iter(models.values())).true_rel_m
    moved = {
        "true motion": truth,
        **{n: p.predicted_rel_m - p.true_rel_m for n, p in models.items()},
    }
    rows = {
        name: bootstrap_interval(
            1000 * np.linalg.norm(values[at + 1] - values[at], axis=-1).mean(-1), clusters[at]
        )
        for name, values in moved.items()
    }
    table = pd.DataFrame(rows, index=BOUNDED).T
    return Answer(
        "is_motion_smooth",
        question,
        f"From one frame to the next the prediction ({chosen}) jitters by "
        f"{amount(*rows[chosen], unit='mm a frame')}, while a joint really moves by "
        f"{amount(*rows['true motion'])}: a ratio of "
        f"{rows[chosen][0] / rows['true motion'][0]:.1f}.",
        table,
    )
