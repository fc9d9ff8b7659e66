"""Runs functions on weights with low-rank perturbations without forming the perturbed matrices."""
