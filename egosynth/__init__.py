"""The miniature: a small synthetic xR-EgoPose in the official layout, geometry exact.

people (bodies of Anny, clothes) -> motion (clips, performances) -> places (rooms, light) ->
rendering (NVIDIA Warp, the exact lens) -> write (files) -> plan, stage, tree (all sequences, in
parallel, resumable). `benchmarks/rendering.py` says what an image costs.

    <OUT>/miniature.json                                settings, seed, code, object ids, units
    <OUT>/TrainSet/<character>/character.json           who this is
    <OUT>/TrainSet/<character>/env_001/cam_down/
        rgba/<character>.rgba.001000.png                RGBA, black outside the lens's circle
        json/<character>_001000.json                    labels: centimetres, native 1280x800 pixels
        depth/<character>.depth.001000.png              8 bits, 2 cm a unit along the ray
        objectId/<character>.objectId.001000.png        8 bits, see OBJECT_IDS
        worldp/<character>.worldp.001000.png            3 x 16 bits, x, y, z, 5 mm a unit
        rot/<character>_001000.json                     joint rotations, quaternions
        meta/<character>.meta.001000.json               one a sequence, written last

Own to the miniature, as the official sources are silent: the encodings of depth, object ids,
`worldp`, `rot` and `joints[].rot` (radians, static xyz, relative to the parent in the bind frame;
unverified against the official data), `meta` and `character.json`.
"""

from egolib.foundation.render_config import RenderConfig
from egosynth.people.wardrobe import OBJECT_IDS
from egosynth.plan import Sequence, planned_sequences
from egosynth.tree import render_tree
from egosynth.write import decode_depth, decode_worldp, encode_depth, encode_worldp
