"""What a rendered frame costs, part by part, in one process; and what the coarse light loses against
brute force (every pixel, 48 rays to every lamp), as mean absolute difference of the developed
images, of 255. Milliseconds of processor time, medians; the files are not written."""

import argparse
import dataclasses
import time

import numpy as np
import warp as wp

from egosynth.motion.performance import perform
from egosynth.people.body import build_characters, camera_poses, pose_skeleton, stable_rng
from egosynth.people.wardrobe import dress, sole_points
from egosynth.places.furniture import companions
from egosynth.places.room import FREE_M, furnish
from egosynth.rendering.renderer import BRUTE_FORCE, LightQuality, Renderer
from egosynth.rendering.sensor import draw_sensor

CHARACTERS = ("female_001_a_a", "male_004_a_a")
CLIPS = ("walking", "Boxing", "Talking")
FPS = 10


def scenes(rig, characters, count, frames):
    """Places with a dressed performer: (place number, room, outfit, heads, poses)."""
    for place in range(count):
        character = characters[CHARACTERS[place % len(CHARACTERS)]]
        room = furnish(stable_rng(place, "room"))
        outfit = dress(rig, character, stable_rng(place, "outfit"))
        shown = perform(
            rig, character, CLIPS[place % len(CLIPS)], frames, FPS, sole_points(rig, outfit),
            FREE_M, stable_rng(place, "clip"),
        )  # fmt: skip
        world, joints = pose_skeleton(rig, character.heads, shown.rotations, shown.root_positions)
        room.boxes.extend(companions(stable_rng(place, "companions"), joints))
        turns, centres = camera_poses(rig, character, world, joints)
        poses = list(zip(world, joints, turns, centres, strict=True))
        yield place, room, outfit, character.heads, poses


def render_all(renderer, chosen):
    """-> developed images, milliseconds by part."""
    images, costs = [], {}

    def timed(name, work, *inputs):
        started = time.process_time()
        result = work(*inputs)
        wp.synchronize_device(renderer.device)
        costs.setdefault(name, []).append(1000 * (time.process_time() - started))
        return result

    launch = renderer._launch
    renderer._launch = lambda kernel, *rest: timed(f"  {kernel.key}", launch, kernel, *rest)
    for place, room, outfit, heads, poses in chosen:
        timed("dress a sequence", renderer.dress, outfit)
        timed("furnish a sequence", renderer.furnish, room)
        renderer.load(draw_sensor(stable_rng(place, "sensor")))
        for frame, (world, joints, turn, centre) in enumerate(poses):
            first = "build mesh, a sequence" if frame == 0 else "skin and refit"
            timed(first, renderer.pose, heads, world, joints)
            timed("trace", renderer.trace, turn, centre)
            rng = stable_rng(place, frame)
            images.append(timed("sensor", renderer.film.develop, renderer.radiance.numpy(), rng))
    return np.array(images), {name: np.median(values) for name, values in costs.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scales", type=float, nargs="+", default=[0.2, 0.3, 1.0])
    parser.add_argument("--places", type=int, default=8)
    parser.add_argument("--frames", type=int, default=4)
    parser.add_argument("--no-brute-force", action="store_true")
    options = parser.parse_args()
    rig, characters = build_characters(CHARACTERS)
    chosen = list(scenes(rig, characters, options.places, options.frames))
    for scale in options.scales:
        render_all(Renderer(scale), chosen[:1])
        coarse, costs = render_all(Renderer(scale), chosen)
        print(f"\nscale {scale}, {coarse.shape[2]}x{coarse.shape[1]}, {len(coarse)} frames")
        for name, cost in costs.items():
            print(f"  {name:26s} {cost:8.2f} ms")
        frame_ms = costs["skin and refit"] + costs["trace"] + costs["sensor"]
        print(f"  {'a frame':26s} {frame_ms:8.2f} ms, {1000 / frame_ms:.1f} frames/s a process")
        if not options.no_brute_force and scale <= 0.3:
            exact, brute_costs = render_all(Renderer(scale, BRUTE_FORCE), chosen)
            print(f"  brute force traces in      {brute_costs['trace']:8.2f} ms")
            for quality in (LightQuality(), dataclasses.replace(LightQuality(), grid_step=3)):
                tried, tried_costs = render_all(Renderer(scale, quality), chosen)
                lost = np.abs(tried.astype(int) - exact)[exact.any(-1)]
                print(f"  {quality}: {tried_costs['trace']:.1f} ms, differs by {lost.mean():.2f} "
                      f"of 255, 99 of 100 pixels by less than {np.percentile(lost, 99):.0f}")  # fmt: skip


if __name__ == "__main__":
    main()
