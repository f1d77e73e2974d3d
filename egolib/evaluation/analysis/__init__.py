"""Why a pose is wrong: each question has one computed sentence, and a figure.

components      an error taken apart: depth or image, and a joint's circumstances
answers      a question, its sentence, table and figure, kept for the report
causes       what an error comes from
confidence   does a network know when it is wrong
bodies       lengths of predicted bones, and jitter
wearers      who wears the headset, and whether somebody is worse off
worst        the worst frames, with a computed cause
errorplots   the error analysis's figures
"""
