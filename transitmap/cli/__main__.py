"""`python -m transitmap.cli`: the same as `transitmap`."""

from transitmap.cli import main

if __name__ == "__main__":
    main(prog_name="transitmap")
