"""One module or folder for each service; every rule is a declaration over a function.

The engine imports every module that it finds here: a new one needs no entry anywhere.
"""
