"""What a release needs besides the package: its description on a package index, licences, and checks of the wheel."""
