"""A trained network outside of this study: exported, and run by the fastest runtime.

estimator    a network as other programs use it: images in, named outputs out
upsampling   transposed convolutions as ordinary ones
exporting    a network -> ONNX, float32 or int8
runtimes     a network run by PyTorch, ONNX Runtime or OpenVINO
"""
