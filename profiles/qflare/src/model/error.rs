//! Why a file is no model.

use thiserror::Error;

/// Why bytes from outside are no model. All of it is the sender's fault.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FormatError {
    /// A pickle, alone, in a zip of torch, or as an object array of numpy. It is never opened.
    #[error(
        "this is a pickle, which is a program and not a model; send safetensors \
         (`safetensors.numpy.save`, `safetensors.torch.save`)"
    )]
    Pickle,
    /// The file is not of its format.
    #[error("not a {format} file that is read here: {fault}")]
    Malformed {
        /// The format.
        format: &'static str,
        /// What is wrong.
        fault: &'static str,
    },
    /// Numbers that are not little-endian f32.
    #[error("tensor `{}` is of type `{}`; send float32 (`.astype('<f4')`)", .tensor.escape_debug(), .found.escape_debug())]
    DataType {
        /// The tensor.
        tensor: String,
        /// Its type, in the words of its format.
        found: String,
    },
    /// More than the limits allow.
    #[error("a model with more than {most} {what} is not taken")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// The limit, or what is left of it.
        most: u64,
    },
    /// A tensor that cannot be.
    #[error("tensor `{}`: {fault}", .name.escape_debug())]
    Tensor {
        /// Its name.
        name: String,
        /// What is wrong.
        fault: &'static str,
    },
    /// A value that is infinite or no number.
    #[error("tensor `{}` has a value that is not finite", .tensor.escape_debug())]
    NotFinite {
        /// The tensor.
        tensor: String,
    },
    /// The tensors are not those of the base.
    #[error("another model than the base: {0}")]
    OtherLayout(String),
}
