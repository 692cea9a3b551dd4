//! Sans-I/O codecs of what clients speak.
