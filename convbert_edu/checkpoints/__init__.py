"""Checkpoints (lesson 06): from files to weights and back.

parameter_names  the same parameter in this package, in transformers and in the authors' code
loading          between a model and named tensors, both ways
weight_files     safetensors, pickles, shards
folder, hub      from the name of a model to a folder with its files
tensorflow       the authors' TensorFlow 1 checkpoints
"""
