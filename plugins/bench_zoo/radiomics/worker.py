"""One of the processes that measure cases: ``python -m bench_zoo.radiomics.worker``.

Standard input: the settings as one line of JSON, then a line
``[case_id, image, mask, lesion_label]`` a case. Standard
output: a line ``[features, error]`` for each. When the parent dies its pipe closes and the worker ends.
"""

import json
import signal
import sys
from pathlib import Path
from typing import TextIO

import SimpleITK as sitk

from bench_zoo.hyperparameters import from_json
from bench_zoo.radiomics.extraction import Settings, case_features


def serve(questions: TextIO, answers: TextIO) -> None:
    """Answer every line."""
    settings = Settings(**from_json(json.loads(questions.readline())))
    for line in questions:
        case_id, image, mask, lesion_label = json.loads(line)
        answer = case_features(case_id, Path(image), Path(mask), settings, lesion_label)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which ends its workers
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)  # the other cores have workers of their own
    serve(sys.stdin, sys.stdout)
