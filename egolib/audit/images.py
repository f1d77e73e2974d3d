"""Whether image files are whole, how large they are, and which are the same."""

import hashlib
from collections import Counter

from egolib.audit.defects import Finding
from egolib.audit.listing import IMAGE_CHANNELS
from egolib.data.images import inspect_png


def inspect_images(tree, folder, channels):
    """Look at every image of a cam_down -> (findings, {(channel, number): (width, height)},
    {number: digest of the bytes of its rgba})."""
    findings, sizes, digests = [], {}, {}
    for channel in IMAGE_CHANNELS:
        for number, files in channels[channel].items():
            try:
                content = (tree / folder / channel / files[0][0]).read_bytes()
                sizes[channel, number] = inspect_png(content)
            except (OSError, ValueError) as error:
                detail = error.strerror if isinstance(error, OSError) else str(error)
                findings.append(Finding(folder, number, channel, "unreadable_image", detail))
                continue
            if channel == "rgba":
                digests[number] = hashlib.sha256(content).digest()
    return findings, sizes, digests


def size_findings(sizes):
    """Images that are not 8:5, or unlike most of their character's in their channel.
    sizes: {(folder, channel, number): (width, height)}."""
    counts = {}
    for (_, channel, _), size in sizes.items():
        counts.setdefault(channel, Counter())[size] += 1
    usual = {channel: count.most_common(1)[0][0] for channel, count in counts.items()}
    for (folder, channel, number), (width, height) in sizes.items():
        if width * 5 != height * 8 or (width, height) != usual[channel]:
            most = "x".join(map(str, usual[channel]))
            detail = f"{width}x{height}, most are {most}"
            yield Finding(folder, number, channel, "odd_size", detail)


def duplicate_findings(folder, images, labels):
    """Frames that repeat an earlier one. images, labels: {number: digest}, of paired frames."""
    first_image, first_label, twins = {}, {}, {}
    for number in labels:
        twins.setdefault(images.get(number), []).append(number)
        same_image = first_image.setdefault(images.get(number), number)
        same_label = first_label.setdefault(labels[number], number)
        if same_image != number and labels[same_image] == labels[number]:
            yield Finding(folder, number, "", "duplicate_frame", f"the same as {same_image}")
        elif same_label != number and images.get(number) != images.get(same_label):
            yield Finding(folder, number, "json", "duplicate_labels", f"those of {same_label}")
    for image, numbers in twins.items():
        if image is not None and len({labels[n] for n in numbers}) > 1:
            for number in numbers:
                other = next(n for n in numbers if labels[n] != labels[number])
                yield Finding(folder, number, "rgba", "duplicate_image", f"that of {other}")
