"""What `python -m brainseg_utils.gallery` runs."""

from brainseg_utils.gallery.command import main

if __name__ == "__main__":
    raise SystemExit(main())
