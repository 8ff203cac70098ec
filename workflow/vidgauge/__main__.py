"""`python -m vidgauge`: how the rules call the package, with no install step."""

import sys

if __name__ == "__main__":
    try:
        from vidgauge.cli import main

        main(prog_name="vidgauge")
    except KeyboardInterrupt:  # while libraries are imported: click answers all later ones
        sys.exit("vidgauge: interrupted")
