#!/usr/bin/env python3
"""The differences, intervals and tests of a comparison again, from its committed scores alone.

    pip install numpy scipy
    python tools/verdict_from_scores.py DIR [--could-find]

DIR holds scores.csv and comparison_plan.json, as `hardslice compare` leaves them; a comparison.json
beside them is checked. Written apart from the program: end points by binomial coefficients,
pseudo-values by leaving patients out. That a control shares too many slices with an arm to answer is
in neither file. `--could-find` simulates what the comparison could have found (a minute).
"""

import csv
import functools
import json
import math
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from scipy import stats


@functools.cache
def worst_of_five_weights(n):
    k = min(5, n)
    return np.array([math.comb(n - i, k - 1) / math.comb(n, k) for i in range(1, n + 1)])


def end_point(name, scores):
    scores = np.sort(scores)
    n = len(scores)
    if name == "worst_of_five":
        return float(np.dot(scores, worst_of_five_weights(n)))
    return {
        "mean": scores.mean(),
        "worst_tenth": scores[: -(-n // 10)].mean(),
        "min": scores[0],
    }[name]


def pseudo_values(name, scores):
    n, whole = len(scores), end_point(name, scores)
    return [n * whole - (n - 1) * end_point(name, np.delete(scores, p)) for p in range(n)]


def spread(arms):
    """Standard error and degrees of freedom of the difference of two tables, trainings by patients."""
    trainings, patients = arms[0].shape
    by_patient = (arms[0] - arms[1]).mean(axis=0).var(ddof=1) / patients
    by_training, in_both = [], []
    for arm in arms if trainings > 1 else []:
        by_training.append(arm.mean(axis=1).var(ddof=1) / trainings)
        rest = arm - arm.mean(axis=0) - arm.mean(axis=1)[:, None] + arm.mean()
        in_both.append((rest**2).sum() / ((trainings - 1) * (patients - 1)) / rest.size)
    whole = sum(by_training)
    variance = max(by_patient + whole - sum(in_both), by_patient, whole)
    squares = by_patient**2 / (patients - 1)
    squares += sum(b**2 for b in by_training) / max(trainings - 1, 1)
    return math.sqrt(variance), max(variance**2 / squares, 1.0) if squares else patients - 1


def paired(table, names):
    """Scores `[arm][training][patient]` and the trainings that all arms have; None where they share no
    patient."""
    shared = sorted(set.intersection(*(set(table[of]) for of in names)))

    def of_patient(patient):
        """Means over the cases that all arms have a value for, with every training."""
        cases = [[table[of][training].get(patient, {}) for of in names] for training in shared]
        common = sorted(set.intersection(*(set(of) for row in cases for of in row)))
        if not common:
            return None
        return [[np.mean([of[case] for case in common]) for of in row] for row in cases]

    patients = sorted({p for of in names for t in shared for p in table[of][t]})
    values = [v for v in map(of_patient, patients) if v is not None]
    if not values:
        return None
    return np.moveaxis(np.array(values), 0, 2).swapaxes(0, 1), shared


def could_find(table, arm, references, name, alpha, repetitions=400):
    """How often such a comparison shows a gain of 0.10 in the lowest tenth and one of 0.01 in all, and
    the gain of all that it shows in 80 of 100. One split; alike but for rounding and luck to what the
    program's notes say. None where nothing can be shown."""
    found = paired(table, [arm, *references])
    if not found or len(found[1]) < 3 or found[0].shape[2] < 6:
        return None
    arms, _ = found
    n_arms, trainings, n = arms.shape
    scores = arms[1:].mean(axis=(0, 1))
    mean = functools.partial(np.mean, keepdims=True)
    rest = arms - mean(arms, axis=1) - mean(arms, axis=2) + mean(arms, axis=(1, 2))
    variances = (rest**2).sum(axis=(0, 1)) / (n_arms * (trainings - 1)) * n / (n - 1)
    nets = arms.mean(axis=2).var(axis=1, ddof=1).mean() - variances.mean() / n
    rng = np.random.default_rng(0)
    needed, found = [], 0
    for _ in range(repetitions):
        drawn = rng.integers(n, size=n)
        drawn = drawn[np.argsort(scores[drawn])]
        luck = rng.normal(size=arms.shape) * np.sqrt(variances[drawn])
        luck += rng.normal(size=(n_arms, trainings, 1)) * math.sqrt(max(nets, 0))
        new = scores[drawn] + luck
        gaining = new[0].copy()
        low = gaining[:, : -(-n // 10)]
        low[:] = np.minimum(low + 0.1, np.maximum(low, 1))
        tables = [np.array([pseudo_values(name, row) for row in of]) for of in (*new, gaining)]

        def shown_from(of, others):
            gaps = []
            for other in others:
                error, df = spread([of, other])
                half = stats.t.ppf(1 - alpha / 2, df) * error
                gaps.append(half - (of.mean() - other.mean()))
            return max(gaps)

        needed.append(shown_from(tables[0], tables[1:-1]))
        found += shown_from(tables[-1], tables[1:-1]) < 0
    needed = np.sort(needed)
    return found / repetitions, (needed <= 0.01).mean(), needed[math.ceil(0.8 * repetitions) - 1]


def compared(table, arm, reference, name, alpha):
    """Difference, interval, p; the last two None where there is no test. None for arms that share no
    patient."""
    found = paired(table, [arm, reference])
    if not found:
        return None
    arms, shared = found
    estimates = [np.mean([end_point(name, scores) for scores in of]) for of in arms]
    difference = estimates[0] - estimates[1]
    if name not in ("worst_of_five", "mean") or arms.shape[2] < 6:
        return difference, None, None
    tables = [np.array([pseudo_values(name, scores) for scores in of]) for of in arms]
    errors = [spread(tables)]
    splits = [split for split, _ in shared]
    names = sorted(set(splits))
    if 1 < len(names) < len(splits):
        by_split = [
            np.array([t[np.array(splits) == split].mean(axis=0) for split in names]) for t in tables
        ]
        errors.append(spread(by_split))
    # The wider interval, not the greater standard error.
    half = max(stats.t.ppf(1 - alpha / 2, df) * error for error, df in errors)
    p = max(
        2 * stats.t.sf(abs(difference) / error, df) if error else float(difference == 0)
        for error, df in errors
    )
    return difference, (difference - half, difference + half), p if len(shared) >= 3 else None


def main(folder, asks_what_it_could_find):
    plan = json.loads((folder / "comparison_plan.json").read_text())["plan"]
    found = folder / "comparison.json"
    found = json.loads(found.read_text()) if found.exists() else {}
    tables = defaultdict(lambda: defaultdict(lambda: defaultdict(lambda: defaultdict(dict))))
    with open(folder / "scores.csv", newline="") as file:
        for row in csv.DictReader(file):
            training = (int(row["division"]), int(row["seed"]))
            of_patient = tables[row["organ"]][row["arm"]][training][row["patient"]]
            # A scan without the organ is in no comparison, whatever is predicted in it.
            if row["dice"] and row.get("status") != "truth_empty":
                of_patient[row["case"]] = float(row["dice"])
    pairs = [
        (claimed["arm"], reference["arm"])
        for claimed in plan["arms"]
        for reference in plan["references"]
        if claimed["arm"] != reference["arm"]
        and (
            reference["role"] == "baseline"
            or claimed["chooses_slices"]
            and claimed.get("control") in (None, reference["arm"])
        )
    ]
    n_claims = len({arm for arm, _ in pairs}) * plan["n_organs"]
    differ = n_checked = 0
    for organ, table in tables.items():
        for arm, reference in pairs:
            for name in plan["end_points"]:
                result = compared(table, arm, reference, name, plan["alpha"] / n_claims)
                if not result:
                    print(f"{organ}: {arm} and {reference} share no patient")
                    continue
                difference, interval, p = result
                shown = f"{organ}: {arm} less {reference}, {name}: {difference:.4f}"
                if interval:
                    shown += f" ({interval[0]:.4f} to {interval[1]:.4f})"
                if p is not None:
                    is_shown = interval[0] > 0 or interval[1] < 0
                    shown += f", p {min(1, p * n_claims):.4f}, {'shown' if is_shown else 'not shown'}"
                print(shown)
                for row in found.get(organ, {}).get("rows", []):
                    key = (row["arm"], row["reference"], row["end_point"])
                    if key != (arm, reference, name):
                        continue
                    got, want = [difference], [row["difference"]]
                    if interval:
                        got += interval
                        want += [row["interval"]["low"], row["interval"]["high"]]
                    n_checked += 1
                    if p is not None and row["test"] is None:
                        print("  comparison.json tests nothing here (see `shared` and `n_same` of the row)")
                    elif p is not None:
                        got.append(p)
                        want.append(row["test"]["p"])
                    if not np.allclose(got, want, rtol=1e-8, atol=1e-10):
                        differ += 1
                        print(f"  comparison.json has {want}")
        for arm in dict.fromkeys(arm for arm, _ in pairs) if asks_what_it_could_find else []:
            references = [reference for of, reference in pairs if of == arm]
            result = could_find(
                table, arm, references, plan["end_points"][0], plan["alpha"] / n_claims
            )
            if not result:
                continue
            tenth, all_gain, least = result
            print(
                f"{organ}: such a comparison finds a gain of 0.10 by {arm} in the lowest tenth in "
                f"{100 * tenth:.0f} of 100, of 0.01 in every patient in {100 * all_gain:.0f}, of "
                f"{least:.3f} in 80"
            )
    if not found:
        print("there is no comparison.json to check")
    elif not n_checked:
        print("comparison.json has none of these differences")
    else:
        print(f"{differ} differ" if differ else "all as in comparison.json")
    return 1 if differ else 0


if __name__ == "__main__":
    options = sys.argv[1:]
    asks_what_it_could_find = "--could-find" in options
    folders = [option for option in options if option != "--could-find"]
    if len(folders) != 1:
        sys.exit(__doc__)
    sys.exit(main(Path(folders[0]), asks_what_it_could_find))
