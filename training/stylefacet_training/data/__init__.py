"""Data sets, one a file; every one of them yields a PictureSet or writes a folder of photos."""
