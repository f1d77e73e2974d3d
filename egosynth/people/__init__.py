"""Who is seen: bodies of Anny, clothes sewn onto them.

body (shapes, skeleton, headset, kinematics) -> tailoring (cut, stitch, smooth meshes) -> figure
(limbs and lines of a body) -> garments, trimmings, hair (what can be worn) -> styles (what people wear
together) -> draping (an outfit as one mesh) -> wardrobe (who wears what; object ids).
"""
