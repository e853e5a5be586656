"""Only drawings pass: nothing that runs, loads or breaks out of its element."""

import numpy as np
import pytest

from densewalk.ssl.report.drawing import check_drawing
from densewalk.ssl.show.confusion import confusion_chart
from densewalk.ssl.show.curves import bars, loss_curve

GOOD = '<svg viewBox="0 0 2 2"><path d="M0 0"/><text x="1">a &lt; b</text></svg>'


@pytest.mark.parametrize(
    "svg",
    [
        GOOD,
        bars({"a & <b>": 1.0}, label='"x"'),
        loss_curve({"a": (list(range(30)), [1.0] * 30)}, log_y=True),
        confusion_chart(np.eye(3, dtype=int), ["<a>", "b", "c"]),
    ],
    ids=["plain", "bars", "curve", "confusion"],
)
def test_our_own_charts_pass(svg: str) -> None:
    check_drawing(svg)


@pytest.mark.parametrize(
    "svg",
    [
        "",
        "<svg>",
        "<svg></svg><svg></svg>",
        "<svg></svg> text",
        "<svg></g></svg>",
        "<svg><svg></svg></svg>",
        "<svg><script>alert(1)</script></svg>",
        '<svg onload="alert(1)"></svg>',
        '<svg><image href="http://x/y.png"/></svg>',
        '<svg><use href="http://x/y.svg#a"/></svg>',
        '<svg><a href="javascript:alert(1)"><path/></a></svg>',
        '<svg><path style="fill: url(http://x)"/></svg>',
        "<svg><style>@import 'http://x'</style></svg>",
        "<svg><style>*{background:URL(//x)}</style></svg>",
        "<svg><style><img src=x onerror=alert(1)></style></svg>",
        "<svg><foreignObject></foreignObject></svg>",
        "<svg><!-- <script> --></svg>",
        "<!doctype html><svg></svg>",
        '<?xml version="1.0"?><svg></svg>',
    ],
)
def test_everything_else_is_refused(svg: str) -> None:
    with pytest.raises(ValueError, match="a chart"):
        check_drawing(svg)
