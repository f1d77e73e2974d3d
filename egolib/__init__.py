"""egolib: the library behind the study of egocentric 3D human pose from one fisheye picture.

The rooms, in the order in which data flows; a module imports only from modules above it
(`config`, `errors`, `files`, `progress` and `cluster` are free to all):

    skeleton     joints, bones, body groups, actions, the official split
    camera       the calibrated fisheye lens
    official     the official data set: release v1.0 -> its parts -> a tree on disk
    miniature    the embedded data set: body, motion, wardrobe, room, render, write
    pictures     picture files -> arrays
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
    detections   what a network finds in pictures, kept for all that read it
    published    what others measured, with sources
    results      predictions -> tables, beside the published figures
    comparison   several methods on the same frames -> tables
    claims       what the paper claims, checked on these frames
    drawing      one style; a pose in a picture and in space
    dataplots    the data's figures: where joints are, how large, what hides them
    sheets       pictures, with and without poses, side by side
    plots        every figure
    queryplots   our own model's figures: how it is built, what it learns and foresees
    methodplots  the comparison's figures: methods side by side, ablations
    predict      pictures -> poses and overlays; their score against labels
    audit        what is wrong with a copy of the data
    study        one run: profile, seed, data, and where its results lie
    report       manifest, index page, what is published in the repository
    grid         a grid file -> the runs of a sweep
    steps        a run of a sweep as steps that are done or not
    sweep        train every run of a grid, in pieces
    execute      the notebooks, headless
    cli          the `egolib` command

Files hold centimetres and native 1280x800 pixels; everything inside is in metres and says which
pixels it means.
"""
