"""The packaged acceptance suite, written with the public marks and fixtures only."""
