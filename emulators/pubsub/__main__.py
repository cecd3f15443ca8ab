"""The command line: `python -m emulators.pubsub`."""

import sys

from emulators.pubsub.options import options_of, parser


def main() -> int:
    """Run until a signal; return the exit status."""
    arguments = parser().parse_args()
    from emulators.pubsub.run import run  # loads grpc and all else: not for --help

    return run(options_of(arguments), arguments.log_level)


if __name__ == "__main__":
    sys.exit(main())
