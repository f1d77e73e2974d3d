"""Why a pose is wrong: each question has one computed sentence, a table and a figure.

answers      a question, its sentence and its table, written for the report
components   an error split into depth and image error, and the circumstances of a joint
causes       what an error comes from: joints, actions, depth, distance, occlusion, 2D detection
confidence   whether a network's confidence and its expected errors are right
bodies       lengths of predicted bones, and jitter
wearers      traits of people, and whether a group of them has larger errors
worst        the worst frames, with a computed cause
"""
