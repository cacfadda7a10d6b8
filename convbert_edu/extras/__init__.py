"""What is not the paper itself: conversions, and later export, publishing and the like."""
