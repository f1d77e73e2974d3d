"""What predictions are written as, and the rig that is fitted to them.

posetable    poses.csv: written so that a killed run goes on, and read back
poseseries   many poses as arrays: npz, the data set's json
overlays     poses drawn over images and videos
outputs      what stands beside poses.csv
bvh          the rig's motion as a file
rig          a skeleton of constant bone lengths
rigfitting   the rig fitted to poses
steady       a causal filter for poses
estimates    where a pose lies before the camera, and what of it the lens sees
"""
