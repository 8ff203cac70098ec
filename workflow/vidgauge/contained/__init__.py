"""Native code kept apart: what reads videos runs in worker processes, each task with limits of its own.

A file may make libav crash, spin or take all memory. Here that ends one worker process, and becomes a `BadVideo` that
names what happened to the one video that was being read.

pool    the parent's side: tasks in, messages out, deaths told apart
worker  one worker process
child   what runs in it
loading the function that they run, by its name
wire    objects over a socket, large arrays without copies
limits  how much time and memory a video may take, and why

This guards against faults. It is no sandbox: a worker has the rights of its parent.
"""
