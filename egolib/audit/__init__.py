"""What is wrong with a copy of the data, frame by frame; nothing is deleted.

defects      the table of defects: what each means, what follows, what to do
listing      files by channel and number: what is missing, doubled or out of place
labels       consistency of the labels: units, lens, world, bones, hands
images       images: whole, of one size, not repeated
character    all of that for one character, kept as a file
drift_network  where a heatmap network finds the joints
drift        labels that have drifted against their images in time
tables       summary, list of findings, exclusion list
page         all of it on a page with plots
run          a whole tree, in several processes, resumable
"""

from egolib.audit.page import headline
from egolib.audit.run import audit_tree
from egolib.audit.tables import load_audit
