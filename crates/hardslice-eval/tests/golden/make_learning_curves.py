"""Makes learning_curves.json: lines through end points, and the intervals of what they say.

    pip install numpy scipy statsmodels pandas
    python make_learning_curves.py > learning_curves.json

Lines and parabolas are numpy.polyfit's: through the arms' end points for the estimates, through each
patient's pseudo-values for the spread between patients. What one arm counts in a line is what
polyfit finds where that arm alone is 1. Mean squares are those of statsmodels' analysis of variance.
"""

import importlib.metadata
import json

import numpy as np
from scipy import stats

from make_comparisons import ALPHA, END_POINTS, mean_squares, pseudo_values

STRAIGHT, PARABOLA = 1, 2


def statistics(numbers, more):
    """What is asked of a curve: a function of one value for each arm."""
    x = np.log(numbers)
    most = max(numbers)

    def slope(y):
        return np.polyfit(x, y, STRAIGHT)[0]

    def bend(y):
        ends = [x.min(), (x.min() + x.max()) / 2, x.max()]
        low, middle, high = np.polyval(np.polyfit(x, y, PARABOLA), ends)
        return (high - middle) - (middle - low)

    found = {
        "slope": slope,
        "more": lambda y: slope(y) * np.log((most + more) / most),
        "half": lambda y: slope(y) * np.log(0.5),
        "height": lambda y: np.polyval(np.polyfit(x, y, STRAIGHT), np.log(most + more)),
    }
    if len(set(numbers)) > 2:
        found["bend"] = bend
    return found


def interval(statistic, tables, estimate):
    """`tables`: pseudo-values of each arm, trainings by patients."""
    n_arms = len(tables)
    trainings, patients = tables[0].shape
    by_patient = np.array([table.mean(axis=0) for table in tables])
    of_patients = [statistic(by_patient[:, patient]) for patient in range(patients)]
    between_patients = np.var(of_patients, ddof=1) / patients
    by_training, in_both = [], []
    if trainings > 1:
        for arm, table in enumerate(tables):
            weight = statistic(np.eye(n_arms)[arm])
            of_trainings, rest = mean_squares(table)
            by_training.append(weight**2 * of_trainings / (trainings * patients))
            in_both.append(weight**2 * rest / (trainings * patients))
    variance = max(
        between_patients + sum(by_training) - sum(in_both), between_patients, sum(by_training)
    )
    squares = between_patients**2 / (patients - 1)
    if trainings > 1:
        squares += sum(part**2 for part in by_training) / (trainings - 1)
    df = max(variance**2 / squares, 1.0)
    half = stats.t.ppf(1 - ALPHA / 2, df) * np.sqrt(variance)
    return [float(estimate - half), float(estimate + half)]


def case(name, numbers, more, n_trainings, n_patients, net_sd, bent, seed):
    random = np.random.default_rng(seed)
    x = np.log(numbers)
    patient = random.beta(12, 2, n_patients)
    own_slope = 0.02 + random.normal(0, 0.01, n_patients)
    arms = []
    for at in x:
        gain = own_slope * (at - x.max()) - bent * (at - x.max()) ** 2
        of_net = random.normal(0, net_sd, n_trainings)
        of_cell = random.normal(0, 0.02, (n_trainings, n_patients))
        arms.append(patient + gain + of_net[:, None] + of_cell)
    made = {"name": name, "numbers": numbers, "more": more, "arms": [arm.tolist() for arm in arms]}
    for key, end_point in END_POINTS.items():
        tables = [
            np.array([pseudo_values(end_point, scores) for scores in arm]) for arm in arms
        ]
        values = np.array([np.mean([end_point(scores) for scores in arm]) for arm in arms])
        made[key] = {}
        for what, statistic in statistics(numbers, more).items():
            estimate = float(statistic(values))
            made[key][what] = [estimate, *interval(statistic, tables, estimate)]
    return made


def main():
    cases = [
        case("five numbers, five trainings", [27, 40, 66, 106, 133], 40, 5, 30, 0.005, 0.0, 1),
        case("nets that vary much, a curve that flattens", [4, 6, 10, 16, 20], 5, 3, 12, 0.03, 0.02, 2),
        case("two numbers", [50, 100], 30, 4, 9, 0.005, 0.0, 3),
        case("a number twice", [2, 2, 5, 8, 10], 3, 3, 8, 0.01, 0.0, 4),
        case("one training", [12, 18, 30, 48, 60], 20, 1, 60, 0.01, 0.01, 5),
    ]
    names = ("numpy", "scipy", "statsmodels", "pandas")
    golden = {
        "made_by": "make_learning_curves.py",
        "versions": {name: importlib.metadata.version(name) for name in names},
    }
    # One case a line, so that a change shows as the cases that changed.
    lines = ",\n".join(json.dumps(made) for made in cases)
    print(f'{json.dumps(golden)[:-1]},\n"cases": [\n{lines}\n]}}')


if __name__ == "__main__":
    main()
