"""Places, light and sensor of the miniature: rays against a formula, soft shadows, occlusion, bounced
colour, coarse light against brute force, what a camera may and may not do to an image."""

from dataclasses import fields, replace
from functools import cache
from itertools import combinations, count

import numpy as np
import pytest
from test_body import cast

from egolib.camera import inside_circle
from egosynth.people.body import camera_poses, pose_skeleton, stable_rng
from egosynth.people.wardrobe import OBJECT_IDS, dress
from egosynth.places import room as places_room
from egosynth.places.furniture import companions, draw_piece
from egosynth.places.lights import Lamp, Light, draw_light
from egosynth.places.room import (
    CLEARANCE_M,
    GARDEN_FLOORS,
    INDOOR_FLOORS,
    PLACES,
    TERRACE_FLOORS,
    WILD_SHARE,
    Window,
    furnish,
)
from egosynth.places.solids import part, placed
from egosynth.places.surfaces import FLAT, Surface
from egosynth.rendering.renderer import BRUTE_FORCE, Renderer, pixel_centres, tile_order
from egosynth.rendering.sensor import Film, Sensor, draw_sensor, tone_curve

SCALE = 0.2
PLAIN_SENSOR = Sensor(
    exposure=1.0, exposure_jitter=0, white_balance=(1, 1, 1), saturation=1, contrast=1, shoulder=0,
    defocus=0.0001, motion=0, read_noise=0, shot_noise=0, vignetting=0, fringe=0,
)  # fmt: skip
GREY = Surface("grey", FLAT, *np.full((3, 3), 0.5))
DOWN = np.diag([1.0, -1.0, -1.0])


@cache
def dressed():
    """(rig, character, outfit)"""
    rig, characters = cast()
    character = next(iter(characters.values()))
    return rig, character, dress(rig, character, stable_rng("outfit"))


@pytest.fixture(scope="module")
def stand():
    """A renderer with a dressed person who stands at rest: (renderer, pose arguments, camera)."""
    rig, character, outfit = dressed()
    renderer = Renderer(SCALE)
    renderer.dress(outfit)
    rotations = np.tile(np.eye(3), (1, len(rig.bones), 1, 1))
    world, joints = pose_skeleton(rig, character.heads, rotations, character.heads[:1])
    turns, centres = camera_poses(rig, character, world, joints)
    return renderer, (character.heads, world[0], joints[0]), (turns[0], centres[0])


def bare_room(solids=(), lamps=(), ambient=0.0, below=0.0):
    room = furnish(stable_rng("bare"))
    light = Light(list(lamps), np.full(3, ambient), np.broadcast_to(below, 3), room.light.sky)
    return replace(
        room, kind="room", half=np.array([4.0, 4.0, 3.0]), floor=GREY, ground=GREY, wall=GREY,
        windows=[], rug=np.zeros(4), boxes=list(solids), light=light,
    )  # fmt: skip


def lamp(place, size_m, level=4.0):
    across, along = size_m * np.eye(3)[:2]
    return Lamp(np.array([*place, 1.0]), across, along, np.zeros(3), np.full(3, level))


def radiance_from(stand, room, centre=None):
    """Linear image from a point, straight down and the person far away; or from the headset."""
    renderer, (heads, world, joints), camera = stand
    renderer.furnish(room)
    renderer.pose(heads, world, joints + (0 if centre is None else 60))
    renderer.trace(*(camera if centre is None else (DOWN, np.array(centre))))
    return renderer.radiance.numpy().copy()


def floor_points(stand, centre):
    """Where the rays of a camera that looks straight down meet the floor -> (H, W, 2); inf far off."""
    rays = stand[0].rays.numpy() @ DOWN.T
    points = centre[:2] + rays[..., :2] * (centre[2] / np.maximum(-rays[..., 2:], 1e-6))
    seen = inside_circle(pixel_centres(SCALE)) & (rays[..., 2] < -0.3)
    return np.where(seen[..., None], points, np.inf)


def test_hits_agree_with_the_formula_for_a_ray_and_a_triangle(stand):
    renderer, _, (turn, centre) = stand
    room = bare_room(placed([part(0, 0, 0.3, 0.3, 0.2, 0.3, np.ones(3), sides=10)], 0.7, -1.0, 0.4))
    radiance_from(stand, room)
    distances, ids = renderer.distances.numpy(), renderer.object_ids.numpy()
    points = renderer.points.numpy().astype(float)
    faces = np.concatenate(
        [renderer.triangles.numpy(), np.arange(len(renderer.solid_points)) + len(renderer.normals)]
    ).reshape(-1, 3)
    a, b, c = (points[faces[:-1, k]] - centre for k in range(3))  # the last one lies buried
    inside = inside_circle(pixel_centres(SCALE))
    rays = renderer.rays.numpy()[inside][::97].astype(float) @ turn.T
    for ray, seen, object_id in zip(rays, distances[inside][::97], ids[inside][::97], strict=True):
        shares = np.stack([np.cross(b, c) @ ray, np.cross(c, a) @ ray, np.cross(a, b) @ ray])
        met = (shares >= 0).all(0) | (shares <= 0).all(0)
        normal = np.cross(b - a, c - a)[met]
        to_faces = (a[met] * normal).sum(1) / (normal @ ray)
        slope = np.where(np.abs(ray) < 1e-9, 1e-9, ray)
        walls = (np.where(ray > 0, room.half, [-4.0, -4.0, 0.0]) - centre) / slope
        expected = np.concatenate([to_faces[to_faces > 0], walls]).min()
        assert seen == pytest.approx(expected, abs=1e-3)
        assert (object_id < 200) == (met[: len(renderer.triangles) // 3].any()
                                     and expected < walls.min() - 1e-6
                                     and object_id != OBJECT_IDS["furniture"])  # fmt: skip
    assert {OBJECT_IDS["furniture"], OBJECT_IDS["floor"]} <= set(ids[inside].tolist())


def test_a_larger_lamp_throws_a_softer_shadow(stand):
    board, centre = part(0.8, 0, 0.5, 0.3, 0.6, 0.02, np.ones(3)), (0, 0, 1.6)
    points = floor_points(stand, np.array(centre))
    row = (np.abs(points[..., 1]) < 0.06) & (points[..., 0] < 0.45) & (points[..., 0] > -0.6)
    widths = []
    for size_m in (0.03, 0.35, 0.8):
        room = bare_room([board], [lamp((1.6, 0, 2.6), size_m)])
        seen = radiance_from(stand, room, centre)[row][:, 0]
        clear = radiance_from(stand, replace(room, boxes=[]), centre)[row][:, 0]
        share = seen / clear
        assert share.min() < 0.2
        assert share.max() > 0.95
        widths.append(np.mean((share > 0.1) & (share < 0.9)))
    assert widths[0] <= widths[1] < widths[2] - 0.05  # no shadow is sharper than the coarse grid


def test_corners_are_darker_under_an_even_sky(stand):
    centre = np.array([0, 0, 1.6])
    room = bare_room([part(0.9, 0, 0.6, 0.3, 0.8, 0.6, np.ones(3))], ambient=1.0)
    points, seen = floor_points(stand, centre), radiance_from(stand, room, centre)[..., 0]
    beside = np.abs(points[..., 1]) < 0.3
    corner = beside & (points[..., 0] > 0.5) & (points[..., 0] < 0.58)
    middle = beside & (np.abs(points[..., 0] + 0.6) < 0.2)
    assert seen[corner].mean() < 0.93 * seen[middle].mean()
    assert seen[middle].mean() == pytest.approx(0.5, rel=0.02)


def test_beyond_an_opening_lies_ground_as_bright_as_in_the_open_air(stand):
    opening = Window(wall=0, along=0.0, height=1.5, half_width=1.9, half_height=1.49)
    room = bare_room(lamps=[lamp((0, 0, 2.9), 0.1)], ambient=1.0)
    room = replace(room, half=np.array([2.0, 2.0, 3.0]), windows=[opening], window_bars_m=0.0)
    centre = np.array([0, 0, 1.6])
    points, seen = floor_points(stand, centre), radiance_from(stand, room, centre)
    outside = (points[..., 0] > 2.2) & (points[..., 0] < 4) & (np.abs(points[..., 1]) < 1)
    assert outside.sum() > 50
    assert (stand[0].object_ids.numpy()[outside] == OBJECT_IDS["floor"]).all()
    sideways = np.linalg.norm(points[outside], axis=-1)
    expected_m = np.hypot(sideways, centre[2])
    np.testing.assert_allclose(stand[0].distances.numpy()[outside], expected_m, atol=1e-3)
    sky = (room.light.sky.low + room.light.sky.above) / 2
    np.testing.assert_allclose(seen[outside] / (0.5 * sky), 1, atol=0.03)


def test_the_floor_colours_what_faces_it(stand):
    red, blue = np.array([0.6, 0.1, 0.1]), np.array([0.1, 0.1, 0.6])
    ratios = []
    for colour in (red, blue):
        light = draw_light(stable_rng("light"), np.array([4, 4, 3.0]), [], "room", colour, False)
        room = replace(bare_room(), light=light, floor=replace(GREY, colour=colour, second=colour))
        seen = radiance_from(stand, room)
        chin = np.isin(stand[0].object_ids.numpy(), [OBJECT_IDS["head:skin"]])
        ratios.append(seen[chin, 0].mean() / seen[chin, 2].mean())
    assert ratios[0] > 1.8 * ratios[1]


def test_coarse_light_is_close_to_brute_force(stand):
    renderer, (heads, world, joints), camera = stand
    exact = Renderer(SCALE, BRUTE_FORCE)
    exact.dress(dressed()[2])
    images = []
    room = bare_room([part(0.9, 0.5, 0.4, 0.2, 0.3, 0.4, np.ones(3))],
                     [lamp((1.5, -1, 2.7), 0.3), lamp((-2, 1, 2.7), 0.1)], 0.3, 0.2)  # fmt: skip
    for one in (renderer, exact):
        one.furnish(room)
        one.load(PLAIN_SENSOR)
        one.pose(heads, world, joints)
        images.append(one.render(*camera, stable_rng("frame"))[0].astype(int))
    lost = np.abs(images[0] - images[1])[inside_circle(pixel_centres(SCALE))]
    assert lost.mean() < 2.5
    assert np.percentile(lost, 99) < 40


def test_images_repeat_to_the_byte(stand):
    renderer, pose, camera = stand
    images = []
    for _ in range(2):
        renderer.furnish(furnish(stable_rng(7, "room")))
        renderer.load(draw_sensor(stable_rng(7, "sensor")))
        renderer.pose(*pose)
        images.append([part.copy() for part in renderer.render(*camera, stable_rng("frame"))])
    for first, second in zip(*images, strict=True):
        np.testing.assert_array_equal(first, second)
    outside = ~inside_circle(pixel_centres(SCALE))
    assert all(not image[outside].any() for image in images[0])
    assert (images[0][1][~outside] > 0).all()
    assert (images[0][2][~outside] > 0).all()


def test_the_sensor_is_black_outside_and_brighter_with_more_exposure():
    height, width = 40, 64
    grid = np.stack(np.meshgrid(np.linspace(-1.6, 1.6, width), np.linspace(-1, 1, height)), -1)
    film, means = Film(grid), []
    for exposure in (0.25, 0.5, 1.0, 2.0):
        film.load(replace(draw_sensor(stable_rng("sensor")), exposure=exposure))
        image = film.develop(np.full((height, width, 3), 0.3, np.float32), stable_rng("frame"))
        assert not image[np.hypot(*np.moveaxis(grid, -1, 0)) > 1].any()
        means.append(image[height // 2, width // 2 - 5 : width // 2 + 5].mean())
    assert np.all(np.diff(means) > 10)
    for seed in range(30):
        curve = tone_curve(np.linspace(0, 4, 500), draw_sensor(stable_rng(seed)))
        assert np.all(np.diff(curve) >= -1e-6)
        assert curve[0] == pytest.approx(0)
        assert 0.85 < curve[-1] <= 1 + 1e-9


def test_the_sensor_moves_nothing():
    """The centre of a bright spot stays where it was to a fifth of a pixel, in green."""
    size = 81
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, size)] * 2), -1)
    film = Film(grid)
    for seed in range(20):
        film.load(replace(draw_sensor(stable_rng(seed)), read_noise=0, shot_noise=0, contrast=1))
        light = np.full((size, size, 3), 1e-4, np.float32)
        light[18:21, 60:63] = 0.05
        green = film.develop(light, stable_rng(seed))[..., 1].astype(float) ** 2.2
        rows, columns = np.mgrid[:size, :size]
        near = (np.hypot(rows - 19, columns - 61) < 6) * green
        centre = np.array([(near * rows).sum(), (near * columns).sum()]) / near.sum()
        assert np.abs(centre - (19, 61)).max() < 0.2


def test_prisms_are_closed_and_as_large_as_they_should_be():
    for sides, area in ((4, 4.0), (6, 6 * np.tan(np.pi / 6)), (10, 10 * np.tan(np.pi / 10))):
        solid = part(0.3, -0.2, 1.0, 0.5, 0.4, 0.7, np.ones(3), sides=sides)
        a, b, c = np.moveaxis(placed([solid], 1.0, 2.0, 0.7)[0].triangles(), 1, 0)
        volume = np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6
        assert volume == pytest.approx(area * 0.5 * 0.4 * 1.4, rel=1e-6)


def test_places_vary_leave_room_and_are_lit_alike():
    rooms = [furnish(stable_rng(seed, "room")) for seed in range(120)]
    kinds = [room.kind for room in rooms]
    assert all(abs(kinds.count(kind) / 120 - share) < 0.15 for kind, share in PLACES.items())
    wild = np.mean([room.wild for room in rooms])
    assert 0 < wild == pytest.approx(WILD_SHARE, abs=0.07)
    floors = {room.floor.name for room in rooms}
    assert floors == {"wild", *INDOOR_FLOORS, *TERRACE_FLOORS, *GARDEN_FLOORS}
    for room in rooms:
        arriving = room.light.ambient_above + sum(
            (lamp.arriving() * lamp.colour for lamp in room.light.lamps), np.zeros(3)
        )
        assert 0.3 < arriving.mean() < 1.5
        assert len(room.light.lamps) <= 4
        for solid in room.boxes:
            corners = solid.triangles().reshape(-1, 3)
            low = corners[corners[:, 2] < 2.2]
            assert not len(low) or np.hypot(low[:, 0], low[:, 1]).min() >= CLEARANCE_M
    assert rooms[3].describe() == furnish(stable_rng(3, "room")).describe()


def corners_of(solids):
    return np.concatenate([solid.triangles().reshape(-1, 3) for solid in solids])


def test_no_two_pieces_share_floor_and_none_is_in_a_wall(monkeypatch):
    drawn = count()

    def named(rng, shares):
        name = f"piece {next(drawn)}"
        return [replace(solid, object_name=name) for solid in draw_piece(rng, shares)]

    monkeypatch.setattr(places_room, "draw_piece", named)
    pieces = 0
    for seed in range(60):
        room, areas = furnish(stable_rng(seed, "room")), []
        for name in {solid.object_name for solid in room.boxes if "piece" in solid.object_name}:
            corners = corners_of([s for s in room.boxes if s.object_name == name])[:, :2]
            assert (np.abs(corners) < room.half[:2]).all()
            areas.append((corners.min(0), corners.max(0)))
        for (low, high), (lowest, highest) in combinations(areas, 2):
            shared_m = np.minimum(high, highest) - np.maximum(low, lowest)
            assert shared_m.min() < 1e-6
        pieces += len(areas)
    assert pieces > 60 * 3


def test_nothing_hangs_over_a_window_or_another_picture(monkeypatch):
    monkeypatch.setattr(
        places_room, "part", lambda *sizes, **look: part(*sizes, **look, object_name="hung")
    )
    beside = 0
    for seed in range(120):
        room = furnish(stable_rng(seed, "room"))
        areas = {wall: [] for wall in range(4)}  # along the wall and up: lowest, highest
        for window in room.windows:
            middle = np.array([window.along, window.height])
            half = np.array([window.half_width, window.half_height])
            areas[window.wall].append((middle - half, middle + half))
        for solid in (s for s in room.boxes if s.object_name == "hung"):
            corners = corners_of([solid])
            axis = int(np.argmin(np.ptp(corners, axis=0)))
            along = corners[:, [1 - axis, 2]]
            areas[2 * axis + int(corners[0, axis] < 0)].append((along.min(0), along.max(0)))
        for on_wall in areas.values():
            for (low, high), (lowest, highest) in combinations(on_wall, 2):
                assert (np.minimum(high, highest) - np.maximum(low, lowest)).min() < 1e-6
                beside += 1
    assert beside > 50


def test_cameras_vary_in_all_that_they_do():
    sensors = [draw_sensor(stable_rng(seed, "sensor")) for seed in range(30)]
    for field in fields(Sensor):
        values = np.array([getattr(sensor, field.name) for sensor in sensors])
        assert values.std(axis=0).min() > 0.01 * np.abs(values).mean(), field.name


def test_what_stands_near_is_not_touched():
    found = 0
    for seed in range(40):
        joints = stable_rng(seed, "joints").normal(0, 0.4, (10, 20, 3))
        for solid in companions(stable_rng(seed), joints):
            corners = solid.triangles().reshape(-1, 3)[:, :2]
            gaps = np.linalg.norm(joints[..., :2].reshape(-1, 1, 2) - corners, axis=-1)
            assert gaps.min() > 0.1
            found += 1
    assert found > 20


def test_what_stands_near_stands_on_free_floor():
    joints = np.zeros((1, 1, 3))
    for seed in range(40):
        one = companions(stable_rng(seed), joints, share=1, most_m=0)
        around = part(0, 0, 0.5, 9, 9, 0.5, np.ones(3))
        assert one
        assert not companions(stable_rng(seed), joints, [around], share=1, most_m=0)
        above = part(0, 0, 2.5, 9, 9, 0.1, np.ones(3))
        assert len(companions(stable_rng(seed), joints, [above], share=1, most_m=0)) == len(one)


def test_every_pixel_inside_is_traced_once():
    inside = inside_circle(pixel_centres(0.1))
    order = tile_order(inside)
    assert sorted(map(tuple, order)) == list(map(tuple, np.argwhere(inside)))
