"""Does every fault to a real server and tells what was seen: ``python -m tests.endurance.faults``.

``--only WORD`` takes the faults with that word in their names, ``--postgresql`` those of a server
on PostgreSQL. Exit code 1 when any ends in another way than it should.
"""

import argparse
import sys
import time
import traceback

from tests.endurance.faults.catalogue import FAULTS, POSTGRESQL_FAULTS, run
from tests.endurance.faults.scene import Skipped


def main() -> None:
    """Runs faults one after the other, each on a catalogue of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args()
    faults = POSTGRESQL_FAULTS if options.postgresql else FAULTS
    failed_count = skipped_count = 0
    chosen = [fault for fault in faults if options.only in fault.__name__]
    for fault in chosen:
        name = fault.__name__.replace("_", " ")
        start = time.monotonic()
        try:
            seen = run(fault, options.seed, options.postgresql)
            print(f"ok      {name} ({time.monotonic() - start:.0f} s): {seen}", flush=True)
        except Skipped as reason:
            skipped_count += 1
            print(f"skipped {name}: {reason}", flush=True)
        except Exception as error:
            failed_count += 1
            print(f"FAILED  {name}: {error}", flush=True)
            traceback.print_exc()
    print(f"{len(chosen)} faults: {failed_count} failed, {skipped_count} skipped")
    sys.exit(1 if failed_count else 0)


if __name__ == "__main__":
    main()
