"""What a clip is made of: which frames of a shot it takes, when they are shown, and the file they become."""
