"""How long the report's page takes, and how large it is: 4 candidates x 10 metrics over 2048 clips by default.

    python benchmarks/report.py [--maps 4] [--out report.html]

The data are fabricated, the contact sheets with them; what is measured is the making of the page.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.unit.report import fabricate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--maps", type=int, default=4, help="sets of features, each with a map and contact sheets")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    data = fabricate.everything(maps=arguments.maps)
    begun = time.perf_counter()
    page = fabricate.report_of(data)
    seconds = time.perf_counter() - begun
    print(f"seconds {seconds:.1f}")
    print(f"MB {len(page.encode()) / 1e6:.2f}")
    if arguments.out:
        arguments.out.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
