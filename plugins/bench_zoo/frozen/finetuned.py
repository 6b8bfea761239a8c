"""``multi_task_cnn`` whose encoder has learned to fill in masked training crops before it learns from labels.

Against ``multi_task_cnn`` it says what the pretext is worth: network, crop, losses, training and augmentation
are the same. The pretext is that of :mod:`bench_zoo.torch_parts.pretext`, on the training cases of the fold
alone. Chosen here: 12 epochs of it. 620 cases take about 135 CPU seconds at .22 a case, 45 of them for
the pretext: more than the 90 that defaults aim at.
"""

from dataclasses import dataclass, field
from typing import Self

from bench.cohorts.cohort import Cohort
from bench.methods.method import Run
from bench_zoo.networks.plain_cnn.method import PlainCNN
from bench_zoo.networks.plain_cnn.network import PlainNetwork
from bench_zoo.targets import targets_of
from bench_zoo.torch_parts.encoders import pooled_encoder
from bench_zoo.torch_parts.examples import crop_examples
from bench_zoo.torch_parts.heads import TasksNetwork
from bench_zoo.torch_parts.pretext import pretrain
from bench_zoo.torch_parts.training import Schedule, computing


@dataclass
class PretextCNN(PlainCNN):
    """The network of ``multi_task_cnn``, from an encoder that learned without labels.

    Parameters
    ----------
    pretext_epochs
        Passes over the training crops before labels are read.
    """

    pretext_epochs: int = 12

    unlabelled: Cohort | None = field(default=None, init=False, repr=False)

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """The pretext on ``train`` without labels, then as ``multi_task_cnn``."""
        self.targets, self.unlabelled = targets_of(train), train.blind()
        super().fit(train, val, run)
        self.unlabelled = None
        return self

    def _start(self, run: Run) -> TasksNetwork:
        network = super()._start(run)
        assert self.unlabelled is not None
        crop = self._crop()
        with computing(run):
            encoder, width = pooled_encoder(self.backbone, len(crop.channels), crop.shape, self.widths)
        examples = crop_examples(self.unlabelled, crop, self.targets, regions=False)
        schedule = Schedule(self.pretext_epochs, self.batch_size, self.learning_rate, self.weight_decay)
        pretrain(encoder, width, crop.shape, examples, schedule, run)
        for part in network.modules():
            if isinstance(part, PlainNetwork):
                part.encoder.load_state_dict(encoder.state_dict())
        return network
