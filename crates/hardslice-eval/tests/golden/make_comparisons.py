"""Makes comparisons.json: Student's p, end points, and intervals of arms and of their differences.

    pip install numpy scipy statsmodels pandas
    python make_comparisons.py > comparisons.json

End points are found by going through every draw of five patients or by binomial coefficients,
pseudo-values by leaving each patient out, and mean squares by statsmodels' analysis of variance.
"""

import importlib.metadata
import itertools
import json
import math

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from scipy import stats
from statsmodels.stats.anova import anova_lm

ALPHA = 0.05


def worst_of_five(scores):
    scores = np.sort(scores)
    n = len(scores)
    if n <= 12:
        return np.mean([min(five) for five in itertools.combinations(scores, 5)])
    weights = [math.comb(n - rank, 4) / math.comb(n, 5) for rank in range(1, n + 1)]
    return float(np.dot(scores, weights))


END_POINTS = {"worst_of_five": worst_of_five, "mean": np.mean}


def pseudo_values(end_point, scores):
    n = len(scores)
    whole = end_point(scores)
    return np.array([n * whole - (n - 1) * end_point(np.delete(scores, p)) for p in range(n)])


def mean_squares(table):
    """Of trainings and of the rest, by a model of trainings and patients without interaction."""
    trainings, patients = table.shape
    frame = pd.DataFrame(
        {
            "value": table.ravel(),
            "training": np.repeat(np.arange(trainings), patients),
            "patient": np.tile(np.arange(patients), trainings),
        }
    )
    found = anova_lm(smf.ols("value ~ C(training) + C(patient)", frame).fit())
    return found.loc["C(training)", "mean_sq"], found.loc["Residual", "mean_sq"]


def spread(arms):
    """Variance and degrees of freedom, `arms`: one or two tables of trainings by patients."""
    trainings, patients = arms[0].shape
    of_patients = arms[0].mean(axis=0) - (arms[1].mean(axis=0) if len(arms) == 2 else 0.0)
    by_patient = of_patients.var(ddof=1) / patients
    by_training = [mean_squares(arm)[0] / (trainings * patients) for arm in arms]
    in_both = [mean_squares(arm)[1] / (trainings * patients) for arm in arms]
    variance = max(by_patient + sum(by_training) - sum(in_both), by_patient, sum(by_training))
    squares = by_patient**2 / (patients - 1) + sum(b**2 for b in by_training) / (trainings - 1)
    third = stats.moment(of_patients, 3) / patients**2 / variance**1.5
    return variance, max(variance**2 / squares, 1.0), third


def nested(arms, splits):
    """Of trainings and, where several share a split, of the means of splits."""
    found = [spread(arms)]
    names = sorted(set(splits))
    if 1 < len(names) < len(splits):
        by_split = [
            np.array([arm[np.array(splits) == name].mean(axis=0) for name in names]) for arm in arms
        ]
        found.append(spread(by_split))
    return found


def half_width(found):
    variance, df, _ = found
    return stats.t.ppf(1 - ALPHA / 2, df) * np.sqrt(variance)


def case(name, n_splits, n_seeds, n_patients, net_sd, seed, split_sd=0.0):
    random = np.random.default_rng(seed)
    splits = [split for split in range(n_splits) for _ in range(n_seeds)]
    patient = random.beta(12, 2, n_patients)
    arms = []
    for gain in (0.02, 0.0):
        of_split = random.normal(0, split_sd, n_splits)[splits]
        of_net = random.normal(0, net_sd, len(splits))
        of_cell = random.normal(0, 0.02, (len(splits), n_patients))
        arms.append(gain + patient + (of_split + of_net)[:, None] + of_cell)
    made = {"name": name, "splits": splits, "arm": arms[0].tolist(), "reference": arms[1].tolist()}
    for key, end_point in END_POINTS.items():
        tables = [
            np.array([pseudo_values(end_point, scores) for scores in arm]) for arm in arms
        ]
        estimates = [np.mean([end_point(scores) for scores in arm]) for arm in arms]
        difference = estimates[0] - estimates[1]
        both = nested(tables, splits)
        half = max(map(half_width, both))

        def two_sided_p(found):
            return 2 * stats.t.sf(abs(difference) / np.sqrt(found[0]), found[1])

        least_sure = max(both, key=two_sided_p)
        of_arm, df_of_arm, a = max(nested(tables[:1], splits), key=half_width)
        t = stats.t.ppf(1 - ALPHA / 2, df_of_arm)
        ends = [3 / a * (np.cbrt(1 + a * (u - a / 6)) - 1) for u in (t, -t)]
        made[key] = {
            "estimate": float(estimates[0]),
            "arm": [float(estimates[0] - np.sqrt(of_arm) * end) for end in ends],
            "difference": float(difference),
            "interval": [float(difference - half), float(difference + half)],
            "standard_error": float(np.sqrt(least_sure[0])),
            "df": float(least_sure[1]),
            "p": float(two_sided_p(least_sure)),
        }
    return made


def main():
    students = [
        {"t": t, "df": df, "p": float(2 * stats.t.sf(t, df))}
        for t in (0.01, 0.5, 1.0, 2.2, 4.5, 30.0)
        for df in (1.0, 1.7, 4.0, 9.3, 58.2, 400.0)
    ]
    cases = [
        case("eight patients, three trainings", 1, 3, 8, 0.005, 1),
        case("twelve patients, nets that vary much", 1, 5, 12, 0.05, 2),
        case("forty patients, nets that hardly vary", 1, 5, 40, 0.0, 3),
        case("sixty patients, two splits of three seeds", 2, 3, 60, 0.005, 4, split_sd=0.03),
        case("thirty patients, three splits that do not matter", 3, 2, 30, 0.02, 5),
        case("sixty patients, two splits of five seeds that happen to lie close", 2, 5, 60, 0.005, 9),
    ]
    names = ("numpy", "scipy", "statsmodels", "pandas")
    golden = {
        "made_by": "make_comparisons.py",
        "versions": {name: importlib.metadata.version(name) for name in names},
        "students": students,
    }
    # One case a line, so that a change shows as the cases that changed.
    lines = ",\n".join(json.dumps(made) for made in cases)
    print(f'{json.dumps(golden)[:-1]},\n"cases": [\n{lines}\n]}}')


if __name__ == "__main__":
    main()
