"""egolib: the library behind the study of egocentric 3D human pose from one fisheye image.

In the order in which data flows; a module imports only from its own entry and from those above it:

    foundation   errors, files, progress, processes, jobs on a cluster, digests of code
    config       profiles: what a run renders and trains; the presets are configs/*.toml
    skeleton     joints, bones, body groups, actions, the official split
    camera       the calibrated fisheye lens: project, unproject, crop, a ray for every pixel
    data         a tree of frames -> index, labels, images -> dataset -> augmented batches
    models       heatmap network, lifters, end-to-end network, ray model; checkpoints
    losses       one function per equation of the paper, and those of the ray model
    metrics      MPJPE and others, with confidence intervals
    training     Lightning modules of the stages, fit, train
    evaluation   inference over a split -> predictions -> tables, comparison, error analysis
    plots        every figure, in one style
    audit        what is wrong with a copy of the official data
    headset      poses from images of a headset: predict, camera input, pose output, export
    experiments  one run of the study, sweeps of methods, manifest, publishing
    report       the pages: overview, explorer, notebooks as pages, two runs compared
    cli          the `egolib` command

The embedded miniature is rendered by the package `egosynth`, which `data.miniature` alone imports.
Files hold centimetres and native 1280x800 pixels; everything inside is in metres and names its
coordinates: joints_cam_m (camera frame), joints_rel_m (relative to the neck), uv_native and uv_crop
(pixels of the native image and of the square crop).
"""
