"""The patients that `hardslice train` was given, for peers: rows of the cohort's table by fold."""
import csv
import json


def cases_of(cohort, split, organ):
    """Of `train` (A and B) and of `validation`, each case's row by its name; cases in which the organ
    is not annotated are left out. The test patients stay closed."""
    folds = json.loads(split.read_text())
    with cohort.open() as table:
        rows = [row for row in csv.DictReader(table) if organ in row["organs"].split()]
    return {
        fold: {row["case"]: row for row in rows if row["patient"] in patients}
        for fold, patients in (("train", {*folds["a"], *folds["b"]}), ("validation", {*folds["validation"]}))
    }
