"""The mean of the training labels and, where there are crops, the share of bright voxels."""

import csv
import os
import sys
from pathlib import Path

verb, source, model, *out = sys.argv[1:]
rows = list(csv.DictReader((Path(source) / "cases.csv").open()))
tasks = [row["task"] for row in csv.DictReader((Path(source) / "tasks.csv").open())]
if verb == "fit":
    assert {row["part"] for row in rows} == {"train", "val"}
    train = [row for row in rows if row["part"] == "train"]
    means = {task: [float(row[task]) for row in train if row[task]] for task in tasks}
    text = "\n".join(f"{task} {sum(said) / len(said)}" for task, said in means.items())
    (Path(model) / "deep").mkdir()
    (Path(model) / "deep" / "means.txt").write_text(f"{text}\nseed {os.environ['BENCH_SEED']}\n")
else:
    assert not set(tasks) & set(rows[0]), "a label of a tested case"
    assert all(Path(row["image"]).is_file() for row in rows if "image" in row)
    means = dict(line.split() for line in (Path(model) / "deep" / "means.txt").read_text().splitlines())
    with Path(out[0]).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case_id", *tasks])
        writer.writerows([row["case_id"], *(means[task] for task in tasks)] for row in reversed(rows))
