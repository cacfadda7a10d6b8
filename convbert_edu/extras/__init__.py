"""What goes beyond the paper: conversion, ONNX, publishing, text embeddings, a look at the machine."""
