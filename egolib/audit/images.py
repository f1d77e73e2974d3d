"""Checks of image files: whether they are whole, their sizes, and repeated frames."""

import hashlib
import statistics

from egolib.audit.defects import Finding
from egolib.audit.listing import IMAGE_CHANNELS
from egolib.data.images import inspect_png
from egolib.foundation.errors import EgolibError
from egolib.foundation.untrusted import read_bytes


def inspect_images(tree, folders):
    """Read every image of a character -> (findings, {(folder, channel, number): (width, height)},
    {(folder, number): digest of the bytes of its rgba})."""
    findings, sizes, digests = [], {}, {}
    for folder, channels in folders.items():
        for channel in IMAGE_CHANNELS:
            for number, files in channels[channel].items():
                path = tree / folder / channel / files[0][0]
                try:
                    content = read_bytes(path)
                    sizes[folder, channel, number] = inspect_png(content)
                    if channel == "rgba":
                        digests[folder, number] = hashlib.sha256(content).digest()
                except (EgolibError, ValueError) as error:
                    detail = str(error).removeprefix(f"{path}: ")
                    finding = Finding(folder, number, channel, "unreadable_image", detail)
                    findings.append(finding)
    return findings, sizes, digests


def size_findings(sizes):
    """Find images that are not 8:5, or differ from most of their character's in their channel.
    sizes: {(folder, channel, number): (width, height)}."""
    by_channel = {}
    for (_, channel, _), size in sizes.items():
        by_channel.setdefault(channel, []).append(size)
    usual = {channel: statistics.mode(found) for channel, found in by_channel.items()}
    for (folder, channel, number), (width, height) in sizes.items():
        if width * 5 != height * 8 or (width, height) != usual[channel]:
            detail = f"{width}x{height}, most are {'x'.join(map(str, usual[channel]))}"
            yield Finding(folder, number, channel, "odd_size", detail)


def duplicate_findings(images, labels):
    """Find frames that repeat an earlier one of their folder.

    labels: {(folder, number): digest} of paired frames; images: the same of all readable images.
    """
    first_with_labels, with_image = {}, {}
    for frame, label in labels.items():
        folder, image = frame[0], images.get(frame)
        with_image.setdefault((folder, image), []).append(frame)
        same_image = with_image[folder, image][0]
        same_labels = first_with_labels.setdefault((folder, label), frame)
        if same_image != frame and labels[same_image] == label:
            yield Finding(*frame, "", "duplicate_frame", f"the same as {same_image[1]}")
        elif same_labels != frame and images.get(same_labels) != image:
            yield Finding(*frame, "json", "duplicate_labels", f"those of {same_labels[1]}")
    for (_, image), frames in with_image.items():
        if image is not None and len({labels[frame] for frame in frames}) > 1:
            for frame in frames:
                _, other = next(f for f in frames if labels[f] != labels[frame])
                yield Finding(*frame, "rgba", "duplicate_image", f"that of {other}")
