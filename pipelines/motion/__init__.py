"""Estimating the motion of clips: flow estimators by name, fields of a clip, points chained along them."""
