"""One file per file format; each turns bytes into rides with the columns of model.Ride."""
