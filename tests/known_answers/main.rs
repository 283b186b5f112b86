//! Vectors made by other implementations, over every provider of each algorithm.

mod liboqs;
mod qu3_transcript;
mod support;
