"""Captured motion: performances written as BVH come back, in both namings and from another rest
pose; what is not motion is refused with one line."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from test_body import cast
from test_motion import PERFORMER, shown, soles_of

from egolib.foundation.errors import EgolibError
from egosynth.motion.bvh import CMU, captured_clips, perform_capture, read_capture, retarget
from egosynth.motion.limits import shortest_turns, unit
from egosynth.people.body import pose_skeleton, stable_rng

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
