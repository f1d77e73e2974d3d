"""egolib: the library behind the study of egocentric 3D human pose from one fisheye image.

The entries below are in the order in which data flows. A module imports only from its own entry and
from the entries above it:

    foundation   errors, files, progress, processes, jobs on a cluster, digests of code
    config       profiles: what a run renders and trains; the presets are configs/*.toml
    skeleton     joints, bones, body groups, actions, the official split
    camera       the calibrated fisheye lens: project, unproject, crop, a ray for every pixel
    data         a folder tree of frames -> index, labels, images -> dataset -> augmented batches
    models       heatmap network, lifters, end-to-end network, ray model; checkpoints
    losses       one function per equation of the paper, and those of the ray model
    metrics      MPJPE and others, with confidence intervals
    training     Lightning modules of the stages, fit, train
    evaluation   inference over a split -> predictions -> tables, comparison, error analysis
    plots        every figure, in one style
    audit        checks that find errors in a copy of the official data
    headset      poses from images of a headset: predict, camera input, pose output, export
    experiments  one run of the study, sweeps of methods, manifest, publishing
    report       the HTML pages: overview, explorer, notebooks as pages, two runs compared
    cli          the `egolib` command

The package `egosynth` renders the miniature, a small data set in the official layout; only
`data.miniature` imports it. Label files hold centimetres and pixels of the native 1280x800 image.
In this library joints are in metres, and names say which coordinates they hold: joints_cam_m
(camera frame), joints_rel_m (relative to the neck), uv_native and uv_crop (pixels of the native
image and of the square crop).
"""
