"""One sequence from start to end: clothes, room, motion, pictures, files; in any process."""

import numpy as np

from egolib.miniature.body import camera_poses, pose_skeleton, stable_rng
from egolib.miniature.clips import CLIPS
from egolib.miniature.motion import perform
from egolib.miniature.render import Renderer
from egolib.miniature.room import FREE_M, companions, furnish, stool
from egolib.miniature.sensor import draw_sensor
from egolib.miniature.wardrobe import dress, sole_points
from egolib.miniature.write import label, meta_path, write_frame, write_json


class Stage:
    """Holds what all sequences of a tree share; `play` renders and writes one of them."""

    def __init__(self, root, config, seed, rig, characters):
        self.root, self.config, self.seed = root, config, seed
        self.rig, self.characters = rig, characters
        self.renderer = Renderer(rig, config.scale)
        self._outfits = {}  # of the last place: clips in one environment share their clothes

    def play(self, sequence, stopped=lambda: False):
        """Render `sequence` and write it; the metadata last. -> its number of frames, or 0 when
        `stopped()` became true before the end."""
        rig, character = self.rig, self.characters[sequence.character]
        place = (self.seed, sequence.character, sequence.environment)
        outfit = self._outfit(place)
        room = furnish(stable_rng(*place, "room"))
        rng = stable_rng(self.seed, sequence.character, "clip", sequence.clip)
        soles = sole_points(rig, outfit)
        shown = perform(
            rig, character, sequence.clip, sequence.frames, self.config.fps, soles, FREE_M, rng
        )
        world, joints = pose_skeleton(rig, character.heads, shown.rotations, shown.root_positions)
        turns, centres = camera_poses(rig, character, world, joints)
        if CLIPS[sequence.clip].seat:
            left = world[0, rig.index("Hips"), :, 0]
            room.boxes.append(stool(rng, shown.root_positions, np.arctan2(left[1], left[0])))
        room.boxes.extend(companions(stable_rng(*place, "companions", sequence.clip), joints))
        sensor = draw_sensor(stable_rng(*place, "sensor", sequence.clip))

        self.renderer.dress(outfit, character.heads[rig.index("Neck")][2])
        self.renderer.furnish(room)
        self.renderer.load(sensor)
        folder = self.root / sequence.folder
        for frame in range(sequence.frames):
            if stopped():
                return 0
            self.renderer.pose(character.heads, world[frame], joints[frame])
            number = sequence.first_number + frame
            picture, distances_m, object_ids = self.renderer.render(
                turns[frame], centres[frame], stable_rng(*place, "sensor", number)
            )
            labels = label(
                sequence.clip,
                character.stature_m,
                rig.bones,
                joints[frame],
                shown.rotations[frame],
                turns[frame],
                centres[frame],
            )
            write_frame(
                folder, sequence.character, number, picture, distances_m, object_ids, labels
            )
        meta = self._metadata(sequence, shown, outfit, room, sensor)
        write_json(meta_path(folder, sequence.character, sequence.first_number), meta)
        return sequence.frames

    def _outfit(self, place):
        if place not in self._outfits:
            rng = stable_rng(*place, "outfit")
            self._outfits = {place: dress(self.rig, self.characters[place[1]], rng)}
        return self._outfits[place]

    def _metadata(self, sequence, shown, outfit, room, sensor):
        return {
            "clip": sequence.clip,
            "action": sequence.action,
            "first_number": sequence.first_number,
            "last_number": sequence.first_number + sequence.frames - 1,
            "frames_per_second": self.config.fps,
            "seed": self.seed,
            "mirrored": shown.mirrored,
            "speed": shown.speed,
            "amplitude": shown.amplitude,
            "phase": shown.phase,
            "long_sleeves": outfit.long_sleeves,
            "long_legs": outfit.long_legs,
            "shirt_pattern": outfit.pattern,
            "colours_linear_rgb": dict(
                zip(
                    ("skin", "shirt", "trousers", "shoes", "shirt_pattern"),
                    outfit.colours.round(4).tolist(),
                    strict=True,
                )
            ),
            "room": room.describe(),
            "sensor": sensor.describe(),
        }
