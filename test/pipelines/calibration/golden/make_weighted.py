"""Makes weighted.json: what scikit-learn and scipy say where an outcome weighs half as much for each half-life of its age.

    pip install scikit-learn==1.9.1 scipy numpy
    python make_weighted.py > weighted.json

Sigmoid and isotonic are scikit-learn's own with sample_weight. The rising beta map is the weighted maximum likelihood with a >= 0 and
b >= 0 by scipy, polished by Newton's method on the coefficients that are not at their bound.
"""

import json

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression

random = np.random.default_rng(20260301)


def beta_at(x, y, w, at):
    inside = lambda v: np.clip(v, np.finfo(float).eps, 1 - np.finfo(float).eps)
    columns = lambda v: np.column_stack([np.log(inside(v)), -np.log(1 - inside(v)), np.ones(len(v))])
    data = columns(x)

    def loss(p):
        z = data @ p
        return np.sum(w * (np.logaddexp(0, z) - y * z)), data.T @ (w * (expit(z) - y))

    p = minimize(loss, [0.5, 0.5, 0], jac=True, method="L-BFGS-B", bounds=[(0, None), (0, None), (None, None)]).x
    free = np.array([p[0] > 1e-9, p[1] > 1e-9, True])
    p = np.where(free, p, 0)
    for _ in range(50):
        q = expit(data @ p)
        d = data[:, free]
        p[free] -= np.linalg.solve(d.T @ (d * (w * q * (1 - q))[:, None]), d.T @ (w * (q - y)))
    return expit(columns(at) @ p)


cases = []
for name, n, half_life in [("few", 60, 20.0), ("many", 400, 45.0), ("changed", 300, 10.0)]:
    x = np.round(0.5 + 0.49 * random.random(n), 4)
    days = np.sort(np.round(120 * random.random(n), 3))
    shift = 0.1 if name != "changed" else np.where(days < 60, 0.25, 0.0)
    y = (random.random(n) < x - shift).astype(float)
    w = 2 ** ((days - days[-1]) / half_life)
    at = np.round(np.linspace(x.min(), x.max(), 21), 4)
    logit = lambda v: np.log(v / (1 - v))
    cases.append(
        {
            "name": name,
            "x": x.tolist(),
            "y": y.tolist(),
            "days": days.tolist(),
            "half_life_days": half_life,
            "at": at.tolist(),
            "base_rate": float(np.average(y, weights=w)),
            "weighted_share": float(w.sum() ** 2 / (w**2).sum() / n),
            "sigmoid": _SigmoidCalibration().fit(x, y, w).predict(at).tolist(),
            "sigmoid_log_odds": _SigmoidCalibration().fit(logit(x), y, w).predict(logit(at)).tolist(),
            "beta": beta_at(x, y, w, at).tolist(),
            "isotonic": IsotonicRegression(out_of_bounds="clip").fit(x, y, w).predict(at).tolist(),
        }
    )
print(json.dumps(cases))
