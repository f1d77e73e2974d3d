"""Where they are: rooms, terraces and gardens.

surfaces (floors, walls) -> solids (boxes, leaves) -> furniture -> outdoors -> lights -> room (one
place, with all of these).
"""
