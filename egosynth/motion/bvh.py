"""Motion capture: BVH files by the joint names of Mixamo or CMU -> performances of a character.

`pybvh` reads the files. World rotations are carried over bone by bone, after the rest poses are
aligned limb by limb (a T-pose's arm onto the A-pose's); the hips' path is scaled by the legs'
length, so units do not matter; the feet are put on the floor.
"""

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from egolib.foundation.errors import EgolibError
from egolib.skeleton import ACTION_CLIPS, RIG_PREFIX
from egosynth.motion.articulate import euler
from egosynth.motion.footing import leg_length_m
from egosynth.motion.limits import SIDES, frames_of, shortest_turns, unit
from egosynth.motion.performance import Performance, placed_path
from egosynth.people.body import pose_skeleton

# Limbs whose rest directions are aligned, bone -> the joint to which it points.
LIMBS = {
    side + bone: side + end
    for side in SIDES
    for bone, end in (("Arm", "ForeArm"), ("ForeArm", "Hand"), ("UpLeg", "Leg"), ("Leg", "Foot"))
}
NEEDED = ("Hips", "Spine", "Head", *LIMBS, "LeftHand", "RightHand", "LeftFoot", "RightFoot")
CMU = {
    "Spine": "LowerBack", "Spine1": "Spine", "Spine2": "Spine1", "Neck": "Neck1",
    **{f"{side}HandThumb1": f"{side[0]}Thumb" for side in SIDES},
}  # fmt: skip
FLAT_FEET_PERCENTILE = 5


@dataclass(frozen=True)
class Capture:
    """F frames of a recording: J joints by their names in Mixamo's rig, parents before children.

    offsets (J, 3) at rest and root (F, 3) in the file's own unit and axes; rotations (F, J, 3, 3)
    relative to the parent; parents: indices, -1 for the root.
    """

    path: Path
    names: tuple
    parents: tuple
    offsets: np.ndarray
    rotations: np.ndarray
    root: np.ndarray
    fps: float


def captured_clips(folder):
    """{official clip name: paths} of the `<clip name>*.bvh` below `folder`, {} without a folder.

    Raises EgolibError for a missing or empty folder and for a name that is no clip's.
    """
    if not folder:
        return {}
    paths = sorted(Path(folder).glob("*.bvh"))
    if not paths:
        raise EgolibError(f"{folder}: holds no .bvh files; name them like walking_01.bvh")
    known = [clip for clips in ACTION_CLIPS.values() for clip in clips]
    found = defaultdict(tuple)
    for path in paths:
        clips = [clip for clip in known if _named_after(path.stem, clip)]
        if not clips:
            raise EgolibError(
                f"{path}: not named after an official clip, its name alone or followed by "
                f"anything but a letter; rename it, for example to walking_01.bvh (names: {', '.join(known)})"
            )
        found[max(clips, key=len)] += (path,)
    return dict(found)


def _named_after(stem, clip):
    """Whether a file's name is the clip's, or that and more after anything but a letter."""
    begins, rest = stem[: len(clip)], stem[len(clip) :]
    return begins.lower() == clip.lower() and not rest[:1].isalpha()


def captures_digest(folder):
    """Digest of the names and bytes of the files that `captured_clips` finds, "" for none."""
    paths = [path for paths in captured_clips(folder).values() for path in paths]
    names = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(paths)}
    return hashlib.sha256(json.dumps(names).encode()).hexdigest() if names else ""


def read_capture(path):
    """A BVH file -> Capture. Raises EgolibError for what is not BVH, holds no frames or numbers
    that are not finite, or lacks joints."""
    import pybvh  # only here: it takes half a second

    try:
        content = pybvh.read_bvh_file(path, world_up="+y")  # the axes are found from the rest pose
    except (ValueError, IndexError, KeyError, OSError) as error:
        raise EgolibError(f"{path}: not a readable BVH file ({error})") from error
    root, rotations = content.to_rotmat()
    if not (np.isfinite(rotations).all() and np.isfinite(root).all()):
        raise EgolibError(f"{path}: holds numbers that are not finite; export it again")
    joints = [node for node in content.nodes if node.name in set(content.joint_names)]
    raw = [node.name.split(":")[-1].removeprefix(RIG_PREFIX) for node in joints]
    order = {node.name: index for index, node in enumerate(joints)}
    mixamo = {cmu: mixamo for mixamo, cmu in CMU.items()} if "LowerBack" in raw else {}
    names = tuple(mixamo.get(name, name if name not in mixamo.values() else "") for name in raw)
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise EgolibError(
            f"{path}: lacks the joints {', '.join(missing)} of the Mixamo or CMU skeleton; "
            "rename its joints or export it with one of these rigs"
        )
    return Capture(
        path=Path(path),
        names=names,
        parents=tuple(order[node.parent.name] if node.parent else -1 for node in joints),
        offsets=np.array([node.offset for node in joints], float),
        rotations=rotations,
        root=root,
        fps=float(content.fps),
    )


def _resting(capture):
    """Joints of the rest pose (J, 3), and the rotation (3, 3) from the file's axes to those of the rig."""
    rest = np.zeros_like(capture.offsets)
    for joint, parent in enumerate(capture.parents):
        if parent >= 0:
            rest[joint] = rest[parent] + capture.offsets[joint]
    place = dict(zip(capture.names, rest, strict=True))
    left = place["LeftUpLeg"] - place["RightUpLeg"]
    up = place["Head"] - (place["LeftFoot"] + place["RightFoot"]) / 2
    axes = _straight(frames_of(up, left))  # columns up, left, back
    return rest, np.stack([axes[:, 1], axes[:, 2], axes[:, 0]])


def _straight(axes):
    """The file's own axes where the rest pose is within a few degrees of them."""
    snapped = np.round(axes)
    upright = np.abs(np.linalg.det(snapped)) > 0.5 and np.abs(axes - snapped).max() < 0.2
    return snapped if upright else axes


def retarget(capture, rig, heads):
    """Capture -> local rotations (F, J, 3, 3) and root positions (F, 3) in metres of a body with
    bone heads (J, 3); the height above the floor is as it comes."""
    rest, axes = _resting(capture)
    world = np.empty_like(capture.rotations)
    for joint, parent in enumerate(capture.parents):
        local = capture.rotations[:, joint]
        world[:, joint] = local if parent < 0 else world[:, parent] @ local
    world = axes @ world @ axes.T
    place = dict(zip(capture.names, rest @ axes.T, strict=True))
    theirs = {name: index for index, name in enumerate(capture.names)}

    align = np.tile(np.eye(3), (len(rig.bones), 1, 1))
    rig_world = np.empty((len(world), len(rig.bones), 3, 3))
    rotations = np.tile(np.eye(3), (len(world), len(rig.bones), 1, 1))
    for bone, name in enumerate(rig.bones):
        parent = rig.parents[bone]
        upper_limb = "Hand" in name or name in LIMBS
        if upper_limb:
            align[bone] = align[parent]
        if name in LIMBS:
            start = align[bone] @ unit(heads[rig.index(LIMBS[name])] - heads[bone])
            goal = unit(place[LIMBS[name]] - place[name])
            align[bone] = shortest_turns(start, goal[None])[0] @ align[bone]
        if name in theirs:
            rig_world[:, bone] = world[:, theirs[name]] @ align[bone]
        else:
            rig_world[:, bone] = rig_world[:, parent]
        if parent < 0:
            rotations[:, bone] = rig_world[:, bone]
        else:
            rotations[:, bone] = rig_world[:, parent].transpose(0, 2, 1) @ rig_world[:, bone]

    leg = sum(
        np.linalg.norm(place[end] - place[start])
        for start, end in (("LeftUpLeg", "LeftLeg"), ("LeftLeg", "LeftFoot"))
    )
    root = capture.root @ axes.T * (leg_length_m(rig, heads) / leg)
    return rotations, root


def _resampled(capture, times_s):
    """The recording at `times_s` (N,), played to and fro when it is shorter."""
    last = (len(capture.root) - 1) / capture.fps
    if last == 0:
        index = np.zeros(len(times_s), int)
        return capture.rotations[index], capture.root[index]
    times_s = last - np.abs(times_s % (2 * last) - last)
    recorded_s = np.arange(len(capture.root)) / capture.fps
    times_s = np.clip(times_s, 0, recorded_s[-1])
    rotations = np.stack(
        [
            Slerp(recorded_s, Rotation.from_matrix(capture.rotations[:, joint]))(
                times_s
            ).as_matrix()
            for joint in range(len(capture.names))
        ],
        1,
    )
    root = np.stack([np.interp(times_s, recorded_s, column) for column in capture.root.T], 1)
    return rotations, root


def _on_the_floor(rig, heads, rotations, root, soles):
    """Shift the root so that the feet that stand are on the floor and none is below it."""
    bones, points = soles
    world, joints = pose_skeleton(rig, heads, rotations, root)
    placed = joints[:, bones] + np.einsum("npij,pj->npi", world[:, bones], points - heads[bones])
    lowest = placed[..., 2].min(1)
    root[:, 2] -= np.percentile(lowest, FLAT_FEET_PERCENTILE)
    lowest -= np.percentile(lowest, FLAT_FEET_PERCENTILE)
    root[:, 2] += np.maximum(-lowest, 0)
    return root


def perform_capture(rig, character, capture, frames, fps, soles, free_m, rng):
    """A window of a recording as a Performance, from a random moment and under a random heading;
    the arguments are those of `motion.perform`."""
    last = (len(capture.root) - 1) / capture.fps
    phase = float(rng.random())
    start_s = phase * max(last - (frames - 1) / fps, 0)
    rotations, root = _resampled(capture, start_s + np.arange(frames) / fps)
    window = Capture(**(vars(capture) | {"rotations": rotations, "root": root}))
    rotations, root = retarget(window, rig, character.heads)
    turn = euler("z", [rng.uniform(-180, 180)])[0]
    rotations[:, rig.index("Hips")] = turn @ rotations[:, rig.index("Hips")]
    root = _on_the_floor(rig, character.heads, rotations, root @ turn.T, soles)
    root[:, :2] = placed_path(root[:, :2], free_m, rng)
    leg = leg_length_m(rig, character.heads)
    return Performance(
        rotations=rotations,
        root_positions=root,
        mirrored=False,
        speed=1.0,
        amplitude=1.0,
        phase=phase,
        seated=bool(np.median(root[:, 2]) < 0.75 * leg),
        source=capture.path.name,
    )
