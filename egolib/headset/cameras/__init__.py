"""Images of any camera, brought to the data set's framing.

calibration  calibration files -> lenses
framing      images of other cameras -> the data set's framing, and pixels back
imagecircle  the circle that a fisheye lens draws, found in images
lenses       other cameras' lenses
matching     which framing do these images need, and are they a headset's at all
sources      images of a user's, wherever they come from
captures     videos and live cameras -> frames
"""
