"""The official data set: release v1.0 -> its parts on disk -> a tree of frames.

release      the characters, sets and parts of the release
transfers    jobs on large files, several at a time
download     download of the parts
members      checks that members and links of an archive stay inside its folder
unpacking    extraction of one archive from its parts
archives     extraction of all parts to a tree, verified
"""
