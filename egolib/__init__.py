"""egolib: the library behind the study of egocentric 3D human pose from one fisheye picture.

The rooms, in the order in which data flows; a module imports only from modules above it
(`config`, `errors`, `files`, `progress`, `processes` and `cluster` are free to all):

    skeleton     joints, bones, body groups, actions, the official split
    camera       the calibrated fisheye lens
    official     the official data set: release v1.0 -> its parts -> a tree on disk
    miniature    the embedded data set: body, motion, wardrobe, room, render, write
    pictures     picture files -> arrays
    captures     videos and live cameras -> frames
    sources      pictures of a user's, wherever they come from
    lenses       other cameras' lenses
    calibration  calibration files -> lenses
    estimates    what a network says about one picture
    steady       a causal filter for poses
    rig          a skeleton of constant bone lengths
    rigfitting   the rig fitted to poses
    bvh          the rig's motion as a file
    framing      pictures of other cameras -> the data set's framing, and pixels back
    imagecircle  the circle that a fisheye lens draws, found in pictures
    labels       a label file -> joints and their rotations
    exclusions   the frames that an audit leaves out
    frames       a tree on disk -> an index of frames paired by number
    shards       frames packed for speed: squares and labels in memory-mapped files
    packing      a tree -> shards, on one machine or many
    visibility   what a picture shows of each joint, and what hides it
    dataset      frames -> batches of tensors
    augment      what training does to a batch
    heatmaps     joints <-> heatmaps
    rotations    of joints: angles, matrices, 6D
    models       HeatmapNet -> PoseLifter -> EgoPose
    baselines    other ways from heatmaps to a pose
    queries      our own model: joint queries that look where the lens draws them
    windows      our own model with a look back at the last pictures
    losses       one function per equation of the paper
    metrics      MPJPE and friends, with intervals
    checkpoints  networks <-> safetensors
    cost         what a network costs: parameters, arithmetic, time
    convert      the public re-implementation's checkpoints -> ours
    stages       what each stage computes from a batch
    fitting      fit a stage in one process or many, keep its best epoch, resume
    training     which network, frames and start each stage is fitted with
    evaluation   a network over a split -> predictions
    inference    a network as programs use it: pictures -> named outputs
    exporting    a network -> ONNX, float32 or int8
    runtimes     what runs it: PyTorch, ONNX Runtime, OpenVINO
    detections   what a network finds in pictures, kept for all that read it
    published    what others measured, with sources
    results      predictions -> tables, beside the published figures
    comparison   several methods on the same frames -> tables
    claims       what the paper claims, checked on these frames
    drawing      one style; a pose in a picture and in space
    dataplots    the data's figures: where joints are, how large, what hides them
    sheets       pictures, with and without poses, side by side
    curves       the curves of a training, stage by stage
    plots        the figures of data, training and errors
    anatomy      an error taken apart: depth or image, and a joint's circumstances
    queryplots   our own model's figures: how it is built, what it learns and foresees
    answers      a question, its sentence, table and figure, kept for the report
    causes       what an error comes from
    confidence   does a network know when it is wrong
    bodies       lengths of predicted bones, and jitter
    wearers      who wears the headset, and whether somebody is worse off
    worst        the worst frames, with a computed cause
    errorplots   the error analysis's figures
    methodplots  the comparison's figures: methods side by side, ablations
    matching     which framing do these pictures need, and are they a headset's at all
    posetable    poses.csv: written so that a killed run goes on, and read back
    poseseries   many poses as arrays: npz, the data set's json
    overlays     poses drawn over pictures and videos
    outputs      what stands beside poses.csv
    predict      pictures, videos, cameras -> poses and overlays
    scoring      poses.csv against labels of one's own
    audit        what is wrong with a copy of the data
    study        one run: profile, seed, data, and where its results lie
    report       manifest, what is published in the repository
    pages        the report, interactive pages, notebooks as pages, two runs compared
    grid         a grid file -> the runs of a sweep
    steps        a run of a sweep as steps that are done or not
    sweep        train every run of a grid, in pieces
    execute      the notebooks, headless
    cli          the `egolib` command

Files hold centimetres and native 1280x800 pixels; everything inside is in metres and says which
pixels it means.
"""
