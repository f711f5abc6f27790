"""Makes golden.json: what the reference implementations say of a few small datasets.

    pip install scikit-learn==1.9.1 betacal==1.1.0 scipy numpy
    python make_golden.py > golden.json

Sigmoid and isotonic are scikit-learn's own. betacal fits by scikit-learn's LogisticRegression, whose default tolerance (1e-4)
stops some digits short of the optimum: its tolerance is tightened here, nothing else. The rising beta map is the maximum likelihood
with a >= 0 and b >= 0 by scipy (L-BFGS-B, then polished on the coefficients that are not at their bound).
"""

import json
from functools import partial

import betacal.beta_calibration as beta_module
import numpy as np
from betacal import BetaCalibration
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from scipy.optimize import minimize
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

TIGHT = partial(LogisticRegression, tol=1e-12, max_iter=100_000, solver="newton-cholesky")
for name in ("LogisticRegression",):
    for module in [beta_module] + [m for m in vars(beta_module).values() if hasattr(m, name)]:
        if hasattr(module, name):
            setattr(module, name, TIGHT)
import sys

for module in [m for key, m in list(sys.modules.items()) if key.startswith("betacal")]:
    if hasattr(module, "LogisticRegression"):
        module.LogisticRegression = TIGHT

random = np.random.default_rng(20260207)


def outcomes(p):
    return (random.random(len(p)) < p).astype(float)


def dataset(name):
    if name == "fifty":
        x = np.round(0.5 + 0.45 * random.random(50), 3)
        return x, outcomes(x - 0.15), None
    if name == "over_confident":
        x = 0.5 + 0.49 * random.random(300)
        return x, outcomes(x - 0.2), None
    if name == "under_confident":
        x = 0.02 + 0.96 * random.random(300)
        return x, outcomes(np.clip(1.6 * (x - 0.5) + 0.5, 0, 1)), None
    if name == "ties":
        x = np.round(random.random(200), 1)
        return x, outcomes(0.2 + 0.6 * x), None
    if name == "weighted":
        x = np.round(random.random(120), 1)
        return x, outcomes(0.2 + 0.6 * x), np.round(0.1 + 3 * random.random(120), 2)
    if name == "edges":
        x = np.concatenate([np.zeros(15), np.ones(15), random.random(90)])
        return x, outcomes(0.1 + 0.7 * x), None
    if name == "inverted":
        x = 0.1 + 0.8 * random.random(150)
        return x, outcomes(1 - x), None
    if name == "rare_wins":  # a comes out negative: dropped, and b fitted again
        x = 0.05 + 0.9 * random.random(150)
        return x.round(4), outcomes(1 / (1 + np.exp(1.2 * np.log(x) + 1.5 * np.log(1 - x)))), None
    if name == "two_thousand":
        x = np.round(random.random(2000), 2)
        return x, outcomes(x**2), None
    if name == "all_won":  # one class: betacal refuses it
        x = np.round(0.5 + 0.4 * random.random(40), 3)
        return x, np.ones(40), None
    raise ValueError(name)


EPSILON = np.finfo(float).eps


def rising_beta(x, y, at):
    inside = np.clip(x, EPSILON, 1 - EPSILON)
    columns = np.column_stack([np.log(inside), -np.log(1 - inside), np.ones(len(x))])

    def loss(w):
        z = columns @ w
        return np.sum(np.logaddexp(0, z) - y * z)

    def slope(w):
        z = columns @ w
        return columns.T @ (1 / (1 + np.exp(-z)) - y)

    def best(free):
        def full(v):
            w = np.zeros(3)
            w[free] = v
            return w

        found = minimize(
            lambda v: loss(full(v)), np.zeros(len(free)), jac=lambda v: slope(full(v))[free], method="BFGS", options={"gtol": 1e-10}
        )
        return full(found.x), found.fun

    fits = [best(free) for free in ([2], [0, 2], [1, 2], [0, 1, 2])]
    allowed = [fit for fit in fits if fit[0][0] >= 0 and fit[0][1] >= 0]
    w = min(allowed, key=lambda fit: fit[1])[0]
    if w[0] == 0 and w[1] == 0:
        return None
    inside = np.clip(at, EPSILON, 1 - EPSILON)
    z = w[0] * np.log(inside) - w[1] * np.log(1 - inside) + w[2]
    return (1 / (1 + np.exp(-z))).tolist()


def golden(name):
    x, y, w = dataset(name)
    at = np.linspace(x.min(), x.max(), 21)
    isotonic = IsotonicRegression(out_of_bounds="clip").fit(x, y, sample_weight=w)
    case = {
        "name": name,
        "x": x.tolist(),
        "y": y.astype(int).tolist(),
        "weights": None if w is None else w.tolist(),
        "at": at.tolist(),
        "isotonic": isotonic.predict(at).tolist(),
        "brier": brier_score_loss(y, x),
        "log_loss": log_loss(y, np.clip(x, 1e-15, 1 - 1e-15), labels=[0, 1]),
    }
    if w is None:
        sigmoid = _SigmoidCalibration().fit(x, y)
        case["sigmoid"] = sigmoid.predict(at).tolist()
        case["sigmoid_ab"] = [float(sigmoid.a_), float(sigmoid.b_)]
        def log_odds(values):
            inside = np.clip(values, EPSILON, 1 - EPSILON)
            return np.log(inside / (1 - inside))

        by_log_odds = _SigmoidCalibration().fit(log_odds(x), y)
        case["sigmoid_log_odds"] = by_log_odds.predict(log_odds(at)).tolist()
        if len(set(y)) == 2:
            case["auc"] = roc_auc_score(y, x)
            case["rising_beta"] = rising_beta(x, y, at)
            beta = BetaCalibration(parameters="abm").fit(x.reshape(-1, 1), y)
            case["beta"] = beta.predict(at.reshape(-1, 1)).tolist()
            case["beta_ab"] = [float(value) for value in beta.calibrator_.map_[:2]]
    return case


NAMES = ["fifty", "over_confident", "under_confident", "ties", "weighted", "edges", "inverted", "rare_wins", "two_thousand", "all_won"]
print(json.dumps([golden(name) for name in NAMES]))
