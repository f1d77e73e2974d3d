"""The results of a run as pages for a browser, which need neither Python nor a network.

    <results>/index.html              the report: key numbers and figures, what changed
    <results>/{errors,tables,data,training,reproduce}.html   its chapters
    <results>/data_card.html          of the miniature
    <results>/notebooks/*.html        the executed notebooks
    <results>/pages/viewer.html       test sequences: image, 2D, and the pose in space
    <results>/pages/explorer.html     the error of every frame, by action and joint
    <results>/pages/clouds.html       where each joint is predicted around its true place
    <results>/pages/{gallery.js,plotly.min.js,images/}   shared by these three

layout     templates, style
gallery    the frames that pages show: images and poses
explore    the three interactive pages
notebook   an executed notebook, or a text in Markdown, as a page
tables     a table as sortable HTML
overview   the report of a run
changes    a run against the published one
sweeps     the report of a sweep
difference two runs compared
"""

from egolib.report.difference import write_comparison
from egolib.report.notebook import notebook_page
from egolib.report.overview import write_report, write_study_pages
from egolib.report.sweeps import write_sweep_report
