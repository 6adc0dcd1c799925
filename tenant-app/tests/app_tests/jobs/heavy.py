"""Workers of the tests: `trace` tells whose work it is, `memory` takes all there is, `time` never ends."""

import json
import os
import sys


def main() -> None:
    match sys.argv[1]:
        case "trace":
            told = {name: os.environ.get(name) for name in ("TRACEPARENT", "ROOFTREE_ACTOR", "ROOFTREE_TENANT_ID")}
            sys.stdout.write(json.dumps(told | {"content": sys.stdin.read()}))
        case "memory":
            held = [bytearray(16 * 1024 * 1024) for _ in range(64)]
            sys.stdout.write(str(len(held)))
        case _:
            while True:
                pass


if __name__ == "__main__":
    main()
