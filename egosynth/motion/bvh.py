"""Motion capture: BVH files by the joint names of Mixamo, CMU or MotionBuilder -> performances.

`pybvh` reads the files. World rotations are carried over bone by bone, after the rest poses are
aligned limb by limb (a T-pose's arm onto the A-pose's); the hips' path is scaled by the legs'
length, so units do not matter; the feet are put on the floor. Where the pose of zero rotations does not
stand, as in LAFAN1 or Rokoko's files, the recorded frame that stands best is the rest pose instead.
"""

import hashlib
import json
import tempfile
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from egolib.foundation.errors import EgolibError
from egolib.foundation.progress import progress_bar
from egolib.foundation.untrusted import read_bytes
from egolib.skeleton import ACTION_CLIPS
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
# Of MotionBuilder's older skeleton and its relatives.
MOTIONBUILDER = {
    "Spine": "Chest", "Spine1": "Chest2", "Spine2": "Chest3",
    **{
        side + mixamo: side + theirs
        for side in SIDES
        for mixamo, theirs in (
            ("Shoulder", "Collar"), ("Arm", "Shoulder"), ("ForeArm", "Elbow"), ("Hand", "Wrist"),
            ("UpLeg", "Hip"), ("Leg", "Knee"), ("Foot", "Ankle"), ("ToeBase", "Toe"),
        )
    },
}  # fmt: skip
FLAT_FEET_PERCENTILE = 5
MOST_BYTES = 1 << 30  # of a file: three hours of motion
FPS = (1, 1000)
LONGEST_BONE = 1e5  # in the file's unit; a body in millimetres is 2e3 high
UPRIGHT = 0.5  # cosine of the angle between a recorded body and the rest pose, at the median
STANDS = 0.7  # cosine of the angle between trunk and legs, up to which a pose stands
POSITIONS = {"Xposition", "Yposition", "Zposition"}


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
    """{official clip name: paths} of the `<clip name>*.bvh` in `folder`, which may also be one such file;
    {} without a folder.

    Raises EgolibError for a missing or empty folder and for a name that is no clip's.
    """
    if not folder:
        return {}
    folder = Path(folder)
    found = [folder] if folder.is_file() else folder.glob("*") if folder.is_dir() else ()
    paths = sorted(path for path in found if path.suffix.lower() == ".bvh")
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


def check_captures(folder):
    """Read every file of `captured_clips` once, so that a bad one ends a run before its first frame.
    Raises EgolibError as `read_capture` does."""
    paths = [path for paths in captured_clips(folder).values() for path in paths]
    for path in progress_bar(paths, desc="Reading motion", unit="file") if paths else ():
        read_capture(path)


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
    """A BVH file -> Capture. Raises EgolibError for what is not BVH, holds no frames, absurd numbers or
    bones without length, lacks joints, or never stands."""
    import pybvh  # only here: it takes half a second

    path = Path(path)
    text = read_bytes(path, MOST_BYTES).decode("utf-8", "replace")
    try:
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / "plain.bvh"
            plain.write_text(_with_fixed_positions(text), "utf-8")
            # The axes are found from the rest pose.
            content = pybvh.read_bvh_file(plain, world_up="+y")
        root, rotations = content.to_rotmat()
        fps = float(content.fps)
    except (ValueError, LookupError, ArithmeticError, RecursionError, OSError) as error:
        raise EgolibError(f"{path}: not a readable BVH file ({error})") from error
    joints = [node for node in content.nodes if node.name in set(content.joint_names)]
    offsets = np.array([node.offset for node in joints], float)
    if not (np.isfinite(rotations).all() and np.isfinite(root).all()):
        raise EgolibError(f"{path}: holds numbers that are not finite; export it again")
    if not (np.abs(offsets) < LONGEST_BONE).all() or not np.abs(root).max() < 100 * LONGEST_BONE:
        raise EgolibError(f"{path}: holds places far beyond a room; export it again")
    if not FPS[0] <= fps <= FPS[1]:
        raise EgolibError(f"{path}: {fps:.3g} frames a second; a frame time is in seconds")
    order = {node.name: index for index, node in enumerate(joints)}
    names = _mixamo_names([node.name for node in joints])
    if missing := [name for name in NEEDED if name not in names]:
        raise EgolibError(
            f"{path}: lacks the joints {', '.join(missing)} of the Mixamo, CMU or MotionBuilder "
            "skeleton; rename its joints or export it with one of these rigs"
        )
    parents = tuple(order[node.parent.name] if node.parent else -1 for node in joints)
    capture = Capture(path, names, parents, offsets, rotations, root, fps)
    for start, end in LIMBS.items():
        if not np.linalg.norm(offsets[names.index(end)]) > 0:
            raise EgolibError(f"{path}: the bone from {start} to {end} has no length")
    rest, recorded = _places(capture), _places(capture, _world_rotations(capture))
    if _uprightness(names, rest) < STANDS:
        return _rested_on_a_frame(capture, recorded)
    upward, _ = _up_and_left(names, rest)
    if np.median((unit(_up_and_left(names, recorded)[0]) * unit(upward)).sum(-1)) < UPRIGHT:
        raise EgolibError(
            f"{path}: its pose of zero rotations stands along another axis than the recorded body; "
            "export it with a T-pose that stands as the recording does"
        )
    return capture


def _mixamo_names(raw):
    """Names of joints in a file -> their names in Mixamo's rig; "" for those that it does not have."""
    raw = [name.split(":")[-1] for name in raw]
    prefix = raw[0][: raw[0].rfind("_") + 1]  # such as mixamorig_ or Character1_
    if all(name.startswith(prefix) for name in raw):
        raw = [name.removeprefix(prefix) for name in raw]
    theirs = CMU if "LowerBack" in raw else MOTIONBUILDER if "LeftKnee" in raw else {}
    mixamo = {name: own for own, name in theirs.items()}
    return tuple(mixamo.get(name, name if name not in theirs else "") for name in raw)


def _with_fixed_positions(text):
    """BVH text without the positions that joints below the root may have, as Blender writes them: a bone
    has one length, so they must be constant, and they become the offsets.

    Raises ValueError where they are not constant, and for a motion that does not fit the channels.
    """
    head, motion, frames = text.partition("MOTION")
    lines = head.splitlines()
    channels = [i for i, line in enumerate(lines) if line.split()[:1] == ["CHANNELS"]]
    kinds = [lines[i].split()[2:] for i in channels]
    if not any(POSITIONS & {*names} for names in kinds[1:]):
        return text
    begin, timing, *rows = [line for line in frames.splitlines() if line.strip()]
    values = np.array([row.split() for row in rows], float)
    columns = [(joint, kind) for joint, names in enumerate(kinds) for kind in names]
    if values.ndim != 2 or values.shape[1] != len(columns):
        raise ValueError("the rows of the motion do not fit the channels")
    for joint, (line, names) in enumerate(zip(channels, kinds, strict=True)):
        if joint and POSITIONS & {*names}:
            own = [columns.index((joint, kind)) for kind in sorted(POSITIONS)]
            if np.ptp(values[:, own], axis=0).max() > 1e-2 * max(np.abs(values[:, own]).max(), 1):
                raise ValueError("the bones change their lengths; export it without positions")
            offset = next(i for i in range(line, 0, -1) if lines[i].split()[:1] == ["OFFSET"])
            lines[offset] = "OFFSET " + " ".join(f"{x:.6f}" for x in values[0, own])
            turns = [kind for kind in names if kind not in POSITIONS]
            lines[line] = f"CHANNELS {len(turns)} {' '.join(turns)}"
    kept = [i for i, (joint, kind) in enumerate(columns) if not joint or kind not in POSITIONS]
    rows = [" ".join(f"{x:.6f}" for x in row) for row in values[:, kept]]
    return "\n".join([*lines, motion, begin, timing, *rows, ""])


def _world_rotations(capture):
    """Rotations (F, J, 3, 3) from each joint's rest to the file's axes."""
    world = np.empty_like(capture.rotations)
    for joint, parent in enumerate(capture.parents):
        local = capture.rotations[:, joint]
        world[:, joint] = local if parent < 0 else world[:, parent] @ local
    return world


def _places(capture, world=None):
    """Joints (J, 3) of the pose of zero rotations from the root, or (F, J, 3) of all frames."""
    shape = capture.offsets.shape if world is None else world.shape[:3]
    places = np.zeros(shape)
    for joint, parent in enumerate(capture.parents):
        if parent >= 0:
            offset = capture.offsets[joint]
            turned = offset if world is None else world[:, parent] @ offset
            places[..., joint, :] = places[..., parent, :] + turned
    return places


def _uprightness(names, places):
    """Least cosine of the angle between the trunk and each thigh and shank, (F,); 1 where a body of joints
    (F, J, 3) stands straight."""
    place = dict(zip(names, np.moveaxis(places, -2, 0), strict=True))
    trunk = unit(place["Head"] - place["Hips"])
    bones = [("UpLeg", "Leg"), ("Leg", "Foot")]
    legs = [unit(place[side + a] - place[side + b]) for side in SIDES for a, b in bones]
    return np.min([(trunk * leg).sum(-1) for leg in legs], 0)


def _rested_on_a_frame(capture, places):
    """The same motion with the frame that stands best as its pose of zero rotations, turned to stand
    straight and to face along an axis of the file."""
    world = _world_rotations(capture)
    upright = _uprightness(capture.names, places)
    best = int(upright.argmax())
    if not upright[best] > STANDS:
        raise EgolibError(
            f"{capture.path}: its pose of zero rotations does not stand, and no frame does; export it "
            "with a T-pose as the rest pose"
        )
    up, left = _up_and_left(capture.names, places[best])
    axes = frames_of(up, left)
    upward = _nearest_axis(axes[:, 0])
    sideward = _nearest_axis(axes[:, 1] * (upward == 0))
    straight = np.stack([upward, sideward, np.cross(upward, sideward)], -1) @ axes.T
    rest = straight @ world[best]  # (J, 3, 3)
    offsets = np.array([
        capture.offsets[joint] if parent < 0 else rest[parent] @ capture.offsets[joint]
        for joint, parent in enumerate(capture.parents)
    ])  # fmt: skip
    world = world @ rest.transpose(0, 2, 1)
    rotations = np.array([
        world[:, joint] if parent < 0 else world[:, parent].transpose(0, 2, 1) @ world[:, joint]
        for joint, parent in enumerate(capture.parents)
    ]).swapaxes(0, 1)  # fmt: skip
    return replace(capture, offsets=offsets, rotations=rotations)


def _nearest_axis(vector):
    """The axis of the file, or its opposite, that is nearest to a vector (3,)."""
    axis, longest = np.zeros(3), np.abs(vector).argmax()
    axis[longest] = np.sign(vector[longest])
    return axis


def _up_and_left(names, places):
    """Up and left (..., 3) of bodies of joints (..., J, 3); not of unit length."""
    place = dict(zip(names, np.moveaxis(places, -2, 0), strict=True))
    up = place["Head"] - (place["LeftFoot"] + place["RightFoot"]) / 2
    return up, place["LeftUpLeg"] - place["RightUpLeg"]


def _resting(capture):
    """Joints of the rest pose (J, 3), and the rotation (3, 3) from the file's axes to those of the rig."""
    rest = _places(capture)
    up, left = _up_and_left(capture.names, rest)
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
    world = axes @ _world_rotations(capture) @ axes.T
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
    window = replace(capture, rotations=rotations, root=root)
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
