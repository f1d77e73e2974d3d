"""One sequence from start to end: clothes, room, motion, images, files; in any process."""

from functools import lru_cache

import numpy as np

from egosynth.motion.bvh import captured_clips, perform_capture, read_capture
from egosynth.motion.performance import perform
from egosynth.people.body import camera_poses, headset_tilt, pose_skeleton, stable_rng
from egosynth.people.wardrobe import dress, sole_points
from egosynth.places.furniture import companions, stool
from egosynth.places.room import FREE_M, furnish
from egosynth.rendering.renderer import Renderer, camera_rays
from egosynth.rendering.sensor import draw_sensor
from egosynth.write import (
    joint_rotations,
    label,
    meta_path,
    world_positions,
    write_frame,
    write_json,
)


class SequenceRenderer:
    """Holds what all sequences of a tree share; `play` renders and writes one of them."""

    def __init__(self, root, config, seed, rig, characters):
        self.root, self.config, self.seed = root, config, seed
        self.rig, self.characters = rig, characters
        self.renderer = Renderer(config.scale)
        self.rays = camera_rays(config.scale)
        self._captured, self._read = captured_clips(config.motion), lru_cache(8)(read_capture)

    def play(self, sequence):
        """Render `sequence` and write it; the metadata last. -> its number of frames."""
        rig, character = self.rig, self.characters[sequence.character]
        # Clothes and place of its own for every sequence: variety is what a network learns from.
        performed = (sequence.clip, sequence.take)
        place = (self.seed, sequence.character, sequence.environment, *performed)
        outfit = dress(rig, character, stable_rng(*place, "outfit"))
        room = furnish(stable_rng(*place, "room"))
        rng = stable_rng(self.seed, sequence.character, "clip", *performed)
        shown = self._perform(sequence, sole_points(rig, outfit), rng)
        world, joints = pose_skeleton(rig, character.heads, shown.rotations, shown.root_positions)
        tilt = headset_tilt(character.name, stable_rng(*place, "headset"))
        turns, centres = camera_poses(rig, character, world, joints, tilt)
        if shown.seated:
            left = world[0, rig.index("Hips"), :, 0]
            room.boxes.append(stool(rng, shown.root_positions, np.arctan2(left[1], left[0])))
        room.boxes.extend(companions(stable_rng(*place, "companions"), joints, room.boxes))
        sensor = draw_sensor(stable_rng(*place, "sensor"))

        self.renderer.dress(outfit)
        self.renderer.furnish(room)
        self.renderer.load(sensor)
        folder = self.root / sequence.folder
        for frame in range(sequence.frames):
            self.renderer.pose(character.heads, world[frame], joints[frame])
            number, view = sequence.first_number + frame, (turns[frame], centres[frame])
            image, distances_m, object_ids = self.renderer.render(
                *view, stable_rng(*place, "sensor", number)
            )
            turned = shown.rotations[frame]
            write_frame(
                folder,
                sequence.character,
                number,
                image=image,
                distances_m=distances_m,
                object_ids=object_ids,
                points_m=world_positions(self.rays, distances_m, *view),
                labels=label(
                    sequence.clip, character.stature_m, rig.bones, joints[frame], turned, *view
                ),
                rotations=joint_rotations(rig.bones, turned),
            )
        meta = self._metadata(sequence, shown, tilt, outfit, room, sensor)
        write_json(meta_path(folder, sequence.character, sequence.first_number), meta)
        return sequence.frames

    def _perform(self, sequence, soles, rng):
        rest = (sequence.frames, self.config.fps, soles, FREE_M, rng)
        character = self.characters[sequence.character]
        if sequence.clip not in self._captured:
            return perform(self.rig, character, sequence.clip, *rest)
        paths = self._captured[sequence.clip]
        return perform_capture(self.rig, character, self._read(rng.choice(paths)), *rest)

    def _metadata(self, sequence, shown, tilt, outfit, room, sensor):
        return {
            "clip": sequence.clip,
            "take": sequence.take,
            "action": sequence.action,
            "first_number": sequence.first_number,
            "last_number": sequence.first_number + sequence.frames - 1,
            "frames_per_second": self.config.fps,
            "seed": self.seed,
            "motion": shown.source,
            "mirrored": shown.mirrored,
            "speed": shown.speed,
            "amplitude": shown.amplitude,
            "phase": shown.phase,
            "headset_tilt_degrees": tilt.round(3).tolist(),
            "outfit": outfit.description,
            "room": room.describe(),
            "sensor": sensor.describe(),
        }
