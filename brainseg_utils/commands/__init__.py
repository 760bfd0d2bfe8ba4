"""The commands of `brainseg`: their options, and the function that each calls.

What is not needed to read the options is imported when its command runs, so that
`brainseg --help` takes a moment.
"""
