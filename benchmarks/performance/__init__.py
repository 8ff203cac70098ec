"""What vidgauge costs against what the machine can do, and against what one would otherwise run: `make bench`."""
