"""Extensions for Inkscape that draw with sketchkit, and the command that installs them."""
