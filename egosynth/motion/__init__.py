"""What people do: clips of the official table, played by a body.

clips (key poses) -> limits (ranges of the joints) -> articulate (channels -> rotations), footing and
gait (feet on the floor), gaze (head), contacts (hands and body) -> performance (one play of a clip)
-> bvh (motion capture in place of a clip).
"""
