"""egolib: the library behind the study of egocentric 3D human pose from one fisheye picture.

The rooms, in the order in which data flows; a module imports only from modules above it
(`config`, `errors`, `files`, `progress`, `processes` and `cluster` are free to all):

    skeleton     joints, bones, body groups, actions, the official split
    camera       the calibrated fisheye lens
    miniature    the embedded data set: body, motion, wardrobe, room, render, write
    pictures     picture files -> arrays
    labels       a label file -> joints and their rotations
    official     the official data set: release v1.0 -> its parts -> a tree on disk
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
    raypose      our own model: rays through the lens, distances along them
    losses       one function per equation of the paper
    ourlosses    what our own model learns from
    metrics      MPJPE and friends, with intervals
    quantising   large weights in 8 bits for storage, and back
    checkpoints  networks <-> safetensors
    cost         what a network costs: parameters, arithmetic, time
    convert      the public re-implementation's checkpoints -> ours
    stages       what each stage of the paper computes from a batch
    ourstages    the same of our own model
    fitting      fit a stage in one process or many, keep its best epoch, resume
    training     which network, frames and start each stage is fitted with
    predictions  what a network said about frames, beside the truth
    evaluation   a network over a split -> predictions
    deploy       a network as programs use it: exported, and run by the fastest runtime
    detections   what a network finds in pictures, kept for all that read it
    published    what others measured, with sources
    results      predictions -> tables, beside the published figures
    drawing      one style; a pose in a picture and in space
    dataplots    the data's figures: where joints are, how large, what hides them
    sheets       pictures, with and without poses, side by side
    curves       the curves of a training, stage by stage
    plots        the figures of data, training and errors
    analysis     why a pose is wrong, and for whom
    cameras      pictures, videos and cameras of every kind, brought to the data set's framing
    poses        what a prediction is written as: csv, npz, json, BVH, overlays; a rig fitted to it
    ourplots     our own model's figures: how it is built, what it learns and foresees
    predict      pictures, videos, cameras -> poses and overlays
    scoring      poses.csv against labels of one's own
    audit        what is wrong with a copy of the data
    owners       whose results a folder holds
    study        one run: profile, seed, data, and where its results lie
    report       what made the results: the manifest, in words
    publishing   what is published in the repository
    shipping     the weights that come with egolib, and their card
    methods      several methods on the same frames: grid, sweep, tables, claims, figures
    pages        the report, interactive pages, notebooks as pages, two runs compared
    execute      the notebooks, headless
    cli          the `egolib` command

Files hold centimetres and native 1280x800 pixels; everything inside is in metres and says which
pixels it means.
"""
