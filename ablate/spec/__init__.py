"""What a trial is: frozen, validated, hashable descriptions, and nothing that runs.

A `NetSpec` describes any residual network by per-stage tuples. "Doubling" is no property of a
network: it is `stage_widths`, a function that makes the tuple. May use: errors.

- `network`: the network. Begin reading here.
- `recipe`: how it is trained; `trial`: on what data, with which seed, and the trial's name.
- `choices`: what a field may be.
"""

from ablate.spec.choices import AXIS_PREFIX as AXIS_PREFIX
from ablate.spec.choices import CHOICES as CHOICES
from ablate.spec.choices import MOST as MOST
from ablate.spec.choices import MOST_BLOCKS as MOST_BLOCKS
from ablate.spec.choices import Block as Block
from ablate.spec.choices import Precision as Precision
from ablate.spec.network import BlockSpec as BlockSpec
from ablate.spec.network import NetSpec as NetSpec
from ablate.spec.network import check_depths as check_depths
from ablate.spec.recipe import TrainSpec as TrainSpec
from ablate.spec.trial import DataSpec as DataSpec
from ablate.spec.trial import Spec as Spec
from ablate.spec.trial import TrialSpec as TrialSpec
from ablate.spec.trial import content_hash as content_hash
