//! The pqfw command line, and main_with for a binary of your own.
