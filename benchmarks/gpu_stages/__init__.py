"""The stages of benchmarks/gpu.py: what is run and measured on a machine with a GPU.

plan          which stages there are, what each needs and how long it may take
results       what was found, item by item, in JSON files that are whole at every moment
watch         a stage in a process of its own, ended when it hangs
child         what runs in that process
environment checks speed heads lessons distillation      the stages (a) to (f)
packing       what must travel to a machine without a network
"""
