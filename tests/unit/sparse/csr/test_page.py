"""The example of docs/truly_sparse.md runs and says what the page leads to expect."""

import re
from pathlib import Path

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "truly_sparse.md").read_text()
[CODE] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_trains_and_moves_weights(capsys):
    exec(compile(CODE, "docs/truly_sparse.md", "exec"), {})
    layer, result = capsys.readouterr().out.splitlines()
    assert layer == "SparseLinear(in_features=512, out_features=512, active=4096, bias=True)"
    moved, right = re.fullmatch(
        r"(\d+) weights moved .*; ([\d.]+)% of the last .*", result
    ).groups()
    # 30 % of each sign in three layers of 8,488 active weights, floored.
    assert 2540 <= int(moved) <= 2546
    assert float(right) > 85
