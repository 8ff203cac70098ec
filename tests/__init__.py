"""The tests as a package of their own: a dependency installs one of that name, too."""
