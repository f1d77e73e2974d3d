"""A trained network outside of this study: exported, and run by the fastest runtime.

inference    a network as programs use it: images -> named outputs
upsampling   transposed convolutions as ordinary ones
exporting    a network -> ONNX, float32 or int8
runtimes     what runs it: PyTorch, ONNX Runtime, OpenVINO
"""
