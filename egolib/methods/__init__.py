"""Methods side by side: a grid of runs trained in pieces, tables, claims and figures.

grid         a grid file -> the runs of a sweep
steps        a run of a sweep as steps that are done or not
sweep        train every run of a grid, in pieces
comparison   several methods on the same frames -> tables
ablations    what one key changes, all else equal
claims       what the paper claims, checked on these frames
methodplots  the comparison's figures: methods side by side, ablations
outcome      all that a sweep has found so far, written below its results
"""
