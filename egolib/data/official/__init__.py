"""The official data set: release v1.0 -> its parts on disk -> a tree of frames.

release      what it holds: characters, sets, parts
transfers    large files, several at a time
download     the parts, from their server to disk
members      where a member of an archive may lie and a link may point
unpacking    the parts of one archive -> its files in a folder
archives     parts -> verified -> a tree on disk
"""
