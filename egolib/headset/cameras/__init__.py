"""Pictures of any camera, brought to the data set's framing.

calibration  calibration files -> lenses
framing      pictures of other cameras -> the data set's framing, and pixels back
imagecircle  the circle that a fisheye lens draws, found in pictures
lenses       other cameras' lenses
matching     which framing do these pictures need, and are they a headset's at all
sources      pictures of a user's, wherever they come from
captures     videos and live cameras -> frames
"""
