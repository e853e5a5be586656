"""Collections of clips in the layouts in which others publish them; nothing is fetched."""
