"""`python -m vidgauge`: how the rules call the package, with no install step."""

from vidgauge.cli import main

if __name__ == "__main__":
    main(prog_name="vidgauge")
