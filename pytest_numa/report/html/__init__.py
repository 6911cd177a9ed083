"""A session's document and its history as one self-contained page, without script or network."""
