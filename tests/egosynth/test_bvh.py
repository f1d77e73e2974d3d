"""Captured motion: performances written as BVH come back, in both namings and from another rest
pose; what is not motion is refused with one line."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from test_body import cast
from test_motion import PERFORMER, shown, soles_of

from egolib.foundation.errors import EgolibError
from egolib.foundation.render_config import RenderConfig
from egosynth.motion.bvh import (
    CMU,
    LIMBS,
    MOTIONBUILDER,
    captured_clips,
    perform_capture,
    read_capture,
    retarget,
)
from egosynth.motion.limits import shortest_turns, unit
from egosynth.people.body import pose_skeleton, stable_rng
from egosynth.tree import render_tree

TO_FILE = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # y up, z forward
CENTIMETRES, INCHES = 100, 1 / 0.0254


def t_pose(rig, heads):
    """World rotations (J, 3, 3) that take the bodies' rest pose to a T-pose."""
    turns = np.tile(np.eye(3), (len(rig.bones), 1, 1))
    for bone, name in enumerate(rig.bones):
        if "Hand" in name or name.endswith("Arm"):
            turns[bone] = turns[rig.parents[bone]]
        if name.endswith("Arm"):
            end = name.replace("ForeArm", "Hand") if "Fore" in name else name[:-3] + "ForeArm"
            line = turns[bone] @ unit(heads[rig.index(end)] - heads[bone])
            outward = np.array([[1.0 if name.startswith("Left") else -1.0, 0, 0]])
            turns[bone] = shortest_turns(line, outward)[0] @ turns[bone]
    return turns


def write_bvh(path, rig, heads, performance, unit_scale, names, rest=None, fps=30):
    """`names`: {bone: name in the file}; rest: world rotations of the file's rest pose."""
    rest = np.tile(np.eye(3), (len(rig.bones), 1, 1)) if rest is None else rest
    world, joints = pose_skeleton(rig, heads, performance.rotations, performance.root_positions)
    world = TO_FILE @ world @ rest.transpose(0, 2, 1) @ TO_FILE.T
    lines, order = ["HIERARCHY"], []

    def node(bone, depth):
        order.append(bone)
        parent = rig.parents[bone]
        if parent < 0:
            offset, channels = np.zeros(3), "6 Xposition Yposition Zposition"
        else:
            offset = TO_FILE @ rest[parent] @ (heads[bone] - heads[parent]) * unit_scale
            channels = "3"
        lines.append("\t" * depth + f"{'ROOT' if parent < 0 else 'JOINT'} {names[rig.bones[bone]]}")
        lines.append("{\nOFFSET " + " ".join(f"{x:.6f}" for x in offset))
        lines.append(f"CHANNELS {channels} Zrotation Yrotation Xrotation")
        children = [child for child, of in enumerate(rig.parents) if of == bone]
        for child in children:
            node(child, depth + 1)
        if not children:
            lines.append("End Site\n{\nOFFSET 0 1 0\n}")
        lines.append("}")

    node(rig.parents.index(-1), 0)
    lines.append(f"MOTION\nFrames: {len(world)}\nFrame Time: {1 / fps:.7f}")
    for frame in range(len(world)):
        row = list(TO_FILE @ joints[frame, order[0]] * unit_scale)
        for bone in order:
            parent = rig.parents[bone]
            turn = world[frame, bone] if parent < 0 else world[frame, parent].T @ world[frame, bone]
            row += list(Rotation.from_matrix(turn).as_euler("ZYX", degrees=True))
        lines.append(" ".join(f"{x:.6f}" for x in row))
    path.write_text("\n".join(lines) + "\n")
    return joints


def mixamo(rig):
    return {bone: f"mixamorig:{bone}" for bone in rig.bones}


def cmu(rig):
    return {bone: CMU.get(bone, bone) for bone in rig.bones}


def plain(rig):
    return {bone: bone for bone in rig.bones}


@pytest.mark.parametrize(
    ("naming", "scale", "in_t_pose"),
    [(mixamo, CENTIMETRES, False), (cmu, INCHES, False), (plain, 1.0, True), (cmu, 5.6, True)],
)
@pytest.mark.parametrize("clip", ["lower_stretching", "Boxing"])
def test_a_performance_comes_back_from_its_file(tmp_path, clip, naming, scale, in_t_pose):
    rig, characters = cast()
    heads, performance = characters[PERFORMER].heads, shown(clip, seconds=0.8)[0]
    rest = t_pose(rig, heads) if in_t_pose else None
    path = tmp_path / f"{clip}.bvh"
    written = write_bvh(path, rig, heads, performance, scale, naming(rig), rest)
    rotations, root = retarget(read_capture(path), rig, heads)
    _, joints = pose_skeleton(rig, heads, rotations, root)
    assert np.linalg.norm(joints - written, axis=-1).max() < 0.01


def test_a_capture_performs_on_another_body_at_another_rate(tmp_path):
    rig, characters = cast()
    path = tmp_path / "walking_01.bvh"
    write_bvh(path, rig, characters["male_004_a_a"].heads, shown("walking")[0], 1.0, mixamo(rig))
    done = perform_capture(rig, characters[PERFORMER], read_capture(path), 20, 10,
                           soles_of(PERFORMER), 0.5, stable_rng("test"))  # fmt: skip
    assert done.rotations.shape == (20, len(rig.bones), 3, 3)
    assert done.source == "walking_01.bvh"
    heads = characters[PERFORMER].heads
    world, joints = pose_skeleton(rig, heads, done.rotations, done.root_positions)
    bones, points = soles_of(PERFORMER)
    soles = joints[:, bones] + np.einsum("npij,pj->npi", world[:, bones], points - heads[bones])
    assert soles[..., 2].min() > -0.01
    assert soles[..., 2].min(1).max() < 0.03
    assert np.abs(done.root_positions[:, :2].mean(0)).max() < 0.8


def test_files_find_their_clips(tmp_path):
    assert captured_clips("") == {}
    for name in (
        "Talking.bvh",
        "Counting__1__take2.bvh",
        "Counting_03.bvh",
        "golf_putt_failure.bvh",
    ):
        (tmp_path / name).write_text("")
    found = captured_clips(tmp_path)
    assert set(found) == {"Talking", "Counting__1_", "Counting", "Golf_Putt_Failure"}
    for stranger in ("somersault.bvh", "Countings.bvh"):  # a clip's name ends where a word does
        (tmp_path / stranger).write_text("")
        with pytest.raises(EgolibError, match=stranger):
            captured_clips(tmp_path)
        (tmp_path / stranger).unlink()
    with pytest.raises(EgolibError, match="holds no"):
        captured_clips(tmp_path / "none")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: "hello", "not a readable BVH"),
        (lambda text: text.split("MOTION")[0] + "MOTION\nFrames: 0\nFrame Time: 0.03\n", "BVH"),
        (lambda text: text[: len(text) * 3 // 4], "BVH"),
        (lambda text: text.rsplit(" ", 1)[0] + " nan\n", "not finite"),
        (lambda text: text.replace("LeftForeArm", "ulna_l"), "LeftForeArm"),
    ],
)
def test_what_is_not_motion_is_refused_with_one_line(tmp_path, damage, message):
    rig, characters = cast()
    path = tmp_path / "Boxing.bvh"
    write_bvh(
        path, rig, characters[PERFORMER].heads, shown("Boxing", seconds=0.5)[0], 1.0, mixamo(rig)
    )
    path.write_text(damage(path.read_text()))
    with pytest.raises(EgolibError, match=message) as raised:
        read_capture(path)
    assert "Boxing.bvh" in str(raised.value)
    assert "\n" not in str(raised.value)


def rebuilt(path, change):
    path.write_text(change(path.read_text()))
    return path


def walk(tmp_path, names=mixamo, rest=None, seconds=2.0):
    """A walk as BVH -> (path, rig, heads, joints as performed)."""
    rig, characters = cast()
    heads, path = characters[PERFORMER].heads, tmp_path / "walking_01.bvh"
    performance = shown("walking", seconds=seconds)[0]
    return path, rig, heads, write_bvh(path, rig, heads, performance, 100, names(rig), rest)


@pytest.mark.parametrize(
    "kind", ["every bone along one axis", "hips upright, all else along one axis"]
)
def test_a_zero_pose_that_does_not_stand(tmp_path, kind):
    """The limbs point where they did, and the body stands as upright as it did but for the lean of the
    frame that is taken as the rest pose."""
    rig, characters = cast()
    heads = characters[PERFORMER].heads
    rest = np.empty((len(rig.bones), 3, 3))
    for bone, name in enumerate(rig.bones):
        children = [child for child, parent in enumerate(rig.parents) if parent == bone]
        end = rig.index("Spine") if name == "Hips" else children[0] if children else bone
        way = heads[end] - heads[bone] if children else np.array([0.0, 0, 1])
        rest[bone] = shortest_turns(unit(way), np.array([[1.0, 0, 0]]))[0]
    if kind.startswith("hips"):
        rest[rig.parents.index(-1)] = np.eye(3)
    path, rig, heads, performed = walk(tmp_path, rest=rest)
    rotations, root = retarget(read_capture(path), rig, heads)
    _, joints = pose_skeleton(rig, heads, rotations, root)

    # The whole recording may be turned about the vertical by a quarter.
    hips = [rig.index("LeftUpLeg"), rig.index("RightUpLeg")]
    left, performed_left = (
        np.subtract(*places[0, hips, :2].T.swapaxes(0, 1)) for places in (joints, performed)
    )
    yaw = np.arctan2(*performed_left[::-1]) - np.arctan2(*left[::-1])
    quarters = round(yaw / (np.pi / 2))
    joints = joints @ Rotation.from_euler("z", 90 * quarters, degrees=True).as_matrix().T

    def ways(places, ends):
        return unit(places[:, rig.index(ends[1])] - places[:, rig.index(ends[0])])

    for ends in LIMBS.items():
        angle = np.degrees(
            np.arccos(np.clip((ways(joints, ends) * ways(performed, ends)).sum(-1), -1, 1))
        )
        assert angle.max() < 5, ends
    trunk = ("Hips", "Neck")
    lean = np.degrees(
        np.arccos(np.clip((ways(joints, trunk) * ways(performed, trunk)).sum(-1), -1, 1))
    )
    assert lean.max() < 15


def test_a_zero_pose_that_lies_along_another_axis_is_refused(tmp_path):
    rig, _ = cast()
    fallen = Rotation.from_euler("x", 90, degrees=True).as_matrix()
    path, *_ = walk(tmp_path, rest=np.tile(fallen, (len(rig.bones), 1, 1)), seconds=0.5)
    with pytest.raises(EgolibError, match="along another axis than the recorded body"):
        read_capture(path)


def test_a_motion_that_never_stands_is_refused(tmp_path):
    path, *_ = walk(tmp_path)
    with pytest.raises(EgolibError, match="does not stand, and no frame does"):
        read_capture(rebuilt(path, _legs_up))


def _legs_up(text):
    lines = text.splitlines()
    for i, line in enumerate(lines):
        if line.strip().endswith(("Leg", "Foot")) and "JOINT" in line:
            numbers = [float(x) for x in lines[i + 2].split()[1:]]
            lines[i + 2] = f"OFFSET {numbers[0]} {abs(numbers[1])} {numbers[2]}"
    start = lines.index("MOTION") + 3
    lines[start:] = [" ".join(["0"] * len(line.split())) for line in lines[start:]]
    return "\n".join(lines) + "\n"


def behind(prefix):
    return lambda rig: {bone: f"{prefix}{bone}" for bone in rig.bones}


def motionbuilder(rig):
    return {bone: MOTIONBUILDER.get(bone, bone) for bone in rig.bones}


@pytest.mark.parametrize(
    "names", [behind("mixamorig_"), behind("Character1_"), behind("a:"), motionbuilder]
)
def test_joints_of_other_names(tmp_path, names):
    path, rig, heads, performed = walk(tmp_path, names, seconds=0.5)
    _, joints = pose_skeleton(rig, heads, *retarget(read_capture(path), rig, heads))
    assert np.linalg.norm(joints - performed, axis=-1).max() < 0.01


def with_positions(text, shift=0.0):
    """The same motion with positions on every joint, which are its offsets; `shift` is added to one of
    the second frame."""
    lines, offsets = text.splitlines(), []
    for i, line in enumerate(lines):
        if line.strip().startswith("CHANNELS 3"):
            offsets.append(lines[i - 1].split()[1:])
            lines[i] = "CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation"
            lines[i - 1] = "OFFSET 0 0 0"
    start = lines.index("MOTION") + 3
    for number, line in enumerate(lines[start:]):
        row = line.split()
        turns = [row[i : i + 3] for i in range(6, len(row), 3)]
        places = [list(offset) for offset in offsets]
        places[3][0] = str(float(places[3][0]) + shift * (number == 1))
        pairs = zip(places, turns, strict=True)
        lines[start + number] = " ".join(
            [*row[:6], *(x for pair in pairs for part in pair for x in part)]
        )
    return "\n".join(lines) + "\n"


def test_positions_that_do_not_change_are_the_offsets(tmp_path):
    path, rig, heads, performed = walk(tmp_path, seconds=0.5)
    _, joints = pose_skeleton(
        rig, heads, *retarget(read_capture(rebuilt(path, with_positions)), rig, heads)
    )
    assert np.linalg.norm(joints - performed, axis=-1).max() < 0.01


def test_positions_that_change_are_refused(tmp_path):
    path, *_ = walk(tmp_path, seconds=0.5)
    with pytest.raises(EgolibError, match="the bones change their lengths"):
        read_capture(rebuilt(path, lambda text: with_positions(text, shift=20.0)))


@pytest.mark.parametrize("seconds", ["1e-300", "0", "inf", "nan", "-1", "1e300", "1e-9", "100"])
def test_absurd_frame_times_are_refused(tmp_path, seconds):
    path, *_ = walk(tmp_path, seconds=0.5)
    with pytest.raises(EgolibError, match=r"walking_01\.bvh"):
        read_capture(
            rebuilt(
                path, lambda text: text.replace("Frame Time: 0.0333333", f"Frame Time: {seconds}")
            )
        )


def test_one_file_and_capitals(tmp_path):
    path, *_ = walk(tmp_path, seconds=0.5)
    assert captured_clips(path) == {"walking": (path,)}
    capitals = path.rename(tmp_path / "walking_01.BVH")
    assert captured_clips(tmp_path) == {"walking": (capitals,)}


def test_every_file_is_read_before_the_first_frame_is_drawn(tmp_path):
    walk(tmp_path, seconds=0.5)
    (tmp_path / "Boxing.bvh").write_text("hello")
    with pytest.raises(EgolibError, match=r"Boxing\.bvh: not a readable BVH"):
        render_tree(
            tmp_path / "tree", RenderConfig(scale=0.1, characters=1, motion=str(tmp_path)), 0
        )
    assert not list((tmp_path / "tree").rglob("*.png"))
