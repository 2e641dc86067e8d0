"""Makes comparisons.json: tests and intervals of paired scores by SciPy and statsmodels.

    pip install numpy scipy statsmodels
    python make_comparisons.py > comparisons.json

`null` stands for what the package does not compute for the case.
"""

import importlib.metadata
import json
import math

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

N_RESAMPLES = 200_000


def worst_tenth(scores, axis=-1):
    """Mean of the lowest tenth, rounded up."""
    scores = np.sort(np.moveaxis(scores, axis, -1), axis=-1)
    return scores[..., : math.ceil(scores.shape[-1] / 10)].mean(axis=-1)


def difference_of(statistic):
    return lambda x, y, axis=-1: statistic(x, axis=axis) - statistic(y, axis=axis)


def swapped(statistic, arm, reference):
    """p of swaps within patients, all of them."""
    found = stats.permutation_test(
        (arm, reference),
        difference_of(statistic),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
        alternative="two-sided",
    )
    return float(found.pvalue)


def whole(scores):
    """Rounded to multiples of 2**-30, so that sums are exact, and ties between swaps are ties."""
    return np.round(scores * 2**30) / 2**30


def pairs():
    """(name, arm, reference), a value a patient."""
    random = np.random.default_rng(20261124)
    for n in (2, 5, 12, 13, 14, 16):
        reference = whole(random.beta(12, 2, n))
        yield f"{n} patients", reference + whole(random.normal(0.02, 0.04, n)), reference
    for n in (17, 25, 40, 50, 51, 80):
        reference = whole(random.beta(12, 2, n))
        yield f"{n} patients", reference + whole(random.normal(0.01, 0.04, n)), reference
    # Eighths are exact, so that ties are ties and zeros are zeros.
    for n in (6, 13, 14, 30):
        reference = random.integers(2, 8, n) / 8
        yield f"{n} patients, with ties", reference + random.integers(-1, 3, n) / 8, reference
    ones = np.ones(7)
    yield "one way only", ones, ones / 2


def of_pair(name, arm, reference):
    differences = arm - reference
    small = len(arm) <= 16
    return {
        "name": name,
        "arm": arm.tolist(),
        "reference": reference.tolist(),
        "wilcoxon": float(stats.wilcoxon(differences).pvalue),
        "permutation_of_mean": swapped(np.mean, arm, reference) if small else None,
        "permutation_of_worst_tenth": swapped(worst_tenth, arm, reference) if small else None,
    }


def bootstrapped(name, arm, reference):
    """Percentile intervals of one score a patient, patients drawn together."""

    def interval(data, statistic):
        found = stats.bootstrap(
            data,
            statistic,
            paired=True,
            vectorized=True,
            n_resamples=N_RESAMPLES,
            batch=10_000,
            confidence_level=0.95,
            method="percentile",
            rng=np.random.default_rng(5),
        )
        return [float(end) for end in found.confidence_interval]

    return {
        "name": name,
        "arm": arm.tolist(),
        "reference": reference.tolist(),
        "mean": interval((arm,), np.mean),
        "difference_of_means": interval((arm, reference), difference_of(np.mean)),
        "worst_tenth": interval((arm,), worst_tenth),
        "difference_of_worst_tenths": interval((arm, reference), difference_of(worst_tenth)),
    }


def by_patient_and_seed():
    """Percentile intervals when seeds and patients are both drawn, `[seed][patient]`."""
    random = np.random.default_rng(7)
    n_seeds, n_patients = 4, 30
    patient = random.normal(0.9, 0.05, n_patients)
    arms = [
        gain
        + patient
        + random.normal(0, 0.02, (n_seeds, 1))
        + random.normal(0, 0.02, (n_seeds, n_patients))
        for gain in (0.01, 0.0)
    ]
    drawn = {"difference_of_means": [], "difference_of_worst_tenths": []}
    for _ in range(20):
        seeds = random.integers(n_seeds, size=(10_000, n_seeds, 1))
        patients = random.integers(n_patients, size=(10_000, 1, n_patients))
        arm, reference = (values[seeds, patients] for values in arms)
        for key, statistic in zip(drawn, (np.mean, worst_tenth)):
            of_seeds = difference_of(statistic)(arm, reference)
            drawn[key].append(of_seeds.mean(axis=1))
    intervals = {
        key: np.quantile(np.concatenate(parts), [0.025, 0.975]).tolist()
        for key, parts in drawn.items()
    }
    return {"arm": arms[0].tolist(), "reference": arms[1].tolist(), **intervals}


def corrections():
    random = np.random.default_rng(3)
    for n in (1, 2, 5, 9):
        raw = random.beta(0.5, 5, n)
        yield {"raw": raw.tolist(), "holm": multipletests(raw, method="holm")[1].tolist()}


def main():
    cases = list(pairs())
    golden = {
        "made_by": "make_comparisons.py",
        "versions": {
            name: importlib.metadata.version(name) for name in ("numpy", "scipy", "statsmodels")
        },
        "corrections": list(corrections()),
        "by_patient_and_seed": by_patient_and_seed(),
        "bootstrapped": [bootstrapped(*case) for case in cases if len(case[1]) in (25, 40, 80)],
    }
    # One pair a line, so that a change shows as the pairs that changed.
    lines = ",\n".join(json.dumps(of_pair(*case)) for case in cases)
    print(f'{json.dumps(golden)[:-1]},\n"pairs": [\n{lines}\n]}}')


if __name__ == "__main__":
    main()
