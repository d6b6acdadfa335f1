"""Draws what is stated with which confidence against how often it is so, on simulated cities.

python -m benchmarks.calibration [--quick] [--out docs/figures/calibration.svg]

Needs matplotlib (`pip install 'transitmap[plot]'`).
"""

import sys
from pathlib import Path

from benchmarks.cities import CITIES, QUICK, build, make, said, table
from transitmap.evaluate import claims_of, evaluate, reliability

OUT = Path("docs/figures/calibration.svg")
EDGES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 1.0)
KINDS = {
    "stop": ("stops", "#0072B2", "o"),
    "pattern": ("patterns", "#D55E00", "s"),
    "headway": ("headways", "#009E73", "^"),
}
SURE = 0.8


def main(words: list[str]) -> str:
    """The table of shares; the picture is written."""
    names = [city for city in CITIES if "--quick" not in words or city.name in QUICK]
    claims = [claim for city in names for claim in claims_in(make(city))]
    out = Path(words[words.index("--out") + 1]) if "--out" in words else OUT
    out.parent.mkdir(parents=True, exist_ok=True)
    draw(claims, out)
    return shares(claims)


def claims_in(folder: Path) -> list:
    """Everything claimed about the city in a folder that its truth can tell."""
    made = build(folder)
    return claims_of(evaluate(made.feed, folder), made.evidence_csv)


def shares(claims: list) -> str:
    """For each kind: claims of at least SURE, what they state, what is right; and the same of the others."""
    rows = []
    for kind, (name, _, _) in KINDS.items():
        mine = [claim for claim in claims if claim.kind == kind]
        parts = [name]
        for share in (
            reliability([one for one in mine if (one.confidence >= SURE) == sure], (0.0, 1.0))
            for sure in (True, False)
        ):
            parts += (
                [str(share[0].n), said(share[0].stated), said(share[0].right)] if share else ["0", "", ""]
            )
        rows.append(parts)
    header = ["", "stated >= 0.8", "mean stated", "right", "stated < 0.8", "mean stated", "right"]
    return table(header, rows)


def draw(claims: list, out: Path) -> None:
    """A reliability diagram a kind, how many claims under it; the same claims give the same bytes."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "transitmap", "svg.fonttype": "none", "font.size": 10})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 3, figsize=(10, 4.6), sharex=True, height_ratios=(3, 1), layout="tight")
    for (upper, lower), (kind, (name, colour, mark)) in zip(axes.T, KINDS.items(), strict=True):
        found = reliability([claim for claim in claims if claim.kind == kind], EDGES)
        upper.plot([0, 1], [0, 1], color="#999999", linestyle="--", linewidth=1)
        upper.plot([s.stated for s in found], [s.right for s in found], color=colour, marker=mark)
        for share in found:
            half = 1.64 * (share.right * (1 - share.right) / share.n) ** 0.5
            upper.plot([share.stated] * 2, [share.right - half, share.right + half], color=colour, alpha=0.4)
        lower.bar([s.stated for s in found], [s.n for s in found], width=0.035, color=colour)
        for share in found:
            lower.annotate(share.n, (share.stated, share.n), ha="center", va="bottom", fontsize=8)
        upper.set(title=name, xlim=(0, 1.03), ylim=(0, 1.03), ylabel="share right" if kind == "stop" else "")
        lower.set(xlabel="stated confidence", ylabel="how many" if kind == "stop" else "")
        lower.margins(y=0.25)
    figure.savefig(out, metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    print(main(sys.argv[1:]))
