"""What is kept on disk: clips and features in HDF5, everything else as text. Every file is written beside and renamed.

Only this package imports h5py, and it never imports torch. The schemas stand in the docstrings of `clips` and
`features`; `merge` joins the features of shards.
"""
