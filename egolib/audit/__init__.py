"""The audit of a copy of the data, frame by frame; nothing is deleted.

defects        defects.csv: meaning, consequence and remedy of each defect
listing        checks of file names: missing, doubled and misplaced files
labels         checks of the labels: units, lens, world joints, bones, hands
images         checks of the images: whole, of one size, not repeated
character      all these checks for one character, with the outcome stored
drift_network  the joints that a heatmap network finds in the images
drift          labels that have drifted in time against their images
tables         summary, list of findings, exclusion list
figures        plots of the outcome
page           the page with tables and plots
run            the audit of a whole tree, in several processes, resumable
"""

from egolib.audit.page import headline
from egolib.audit.run import audit_tree
from egolib.audit.tables import load_audit
