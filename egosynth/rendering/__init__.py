"""From a posed, dressed body in a place to an image; kernels of NVIDIA Warp for CPU and CUDA.

noise -> materials (places), fabric (cloth) -> skinning -> intersect -> surroundings (what lies
outside) -> appearance (what a ray meets) -> rasterise (the body through the lens) -> lighting (soft
light) -> shading (the image) -> sensor -> renderer (all of it, frame by frame).
"""
