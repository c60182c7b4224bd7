"""Tree ensembles: XGBoost trains them and computes their scores; what is stored and read back is ours alone.

`trees` is the stored form, `ubjson` the bytes in which a booster is handed over inside this process, `native` the calls past XGBoost's
Python layer, `booster` the way between trees and boosters, `matrices` and `training` the way from rows to trees.
"""
