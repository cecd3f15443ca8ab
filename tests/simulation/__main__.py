"""`make simulate SEEDS=10000`: look for a seed whose history breaks a promise."""

import argparse
import sys
import time

from tests.simulation.invariants import violations
from tests.simulation.plants import PLANTS
from tests.simulation.script import catalogue
from tests.simulation.storm import simulate


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many (default: 200)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default: 0)")
    parser.add_argument("--plant", choices=sorted(PLANTS), default="none", help="a known defect")
    asked = parser.parse_args()
    attempts = {name: one.limits.max_attempts for name, one in catalogue().items()}
    began = time.perf_counter()
    tasks = runs = 0
    for seed in range(asked.first, asked.first + asked.seeds):
        history = simulate(seed, PLANTS[asked.plant])
        tasks += len(history.rows)
        runs += len(history.runs)
        if found := violations(history, attempts):
            print(f"\nseed {seed} breaks {len(found)} promises:", *found, sep="\n  ")
            print("its faults:", *history.faults, sep="\n  ")
            print(f"replay: python -m tests.simulation --seeds 1 --first {seed}")
            return 1
        if sys.stderr.isatty() or (seed + 1 - asked.first) % max(1, asked.seeds // 10) == 0:
            done = seed + 1 - asked.first
            end = "\r" if sys.stderr.isatty() else "\n"
            print(f"{done} of {asked.seeds} seeds", end=end, file=sys.stderr, flush=True)
    seconds = time.perf_counter() - began
    print(f"{asked.seeds} seeds, {tasks} tasks, {runs} runs in {seconds:.1f} s: no promise broken")
    return 0


if __name__ == "__main__":
    sys.exit(main())
