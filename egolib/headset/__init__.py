"""Poses from images of a headset: camera input, framing, runtimes, pose output."""


def load_predictor(network=None, framing=None):
    """Open a network for poses from images in memory -> predict.Predictor.

    network: path of a checkpoint, or of what `egolib export` wrote; None for the network that comes
    with egolib. framing: a cameras.framing.Framing, for a camera that is mounted otherwise or has
    another lens; None for images of the data set's headset, 8:5 or their square crop. The network runs
    in the runtime that is fastest on this machine. Raises EgolibError for a file that is no network.
    """
    from egolib.headset.cameras.framing import Framing  # slow to import, as the runtimes are
    from egolib.headset.deploy.runtimes import open_fastest
    from egolib.headset.predict import Predictor

    return Predictor(open_fastest(network), framing or Framing())
