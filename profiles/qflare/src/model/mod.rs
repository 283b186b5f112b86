//! Models: named tensors of f32, and the files that hold them.
//!
//! | format | read | written |
//! | --- | --- | --- |
//! | [`Format::Safetensors`] | yes | yes, in one way: [`Model::to_safetensors`] |
//! | [`Format::Npz`], numpy's | yes, stored or deflated, never an object array | no |
//! | [`Format::RawF32`], numbers alone | yes, for a layout that is known | yes |
//!
//! A pickle is refused by its first bytes, and so is the zip that torch wraps around one. Nothing
//! here can be made to run what a file says.
//!
//! On the disk a model is a [`StoredModel`], a blob in canonical form under its hash.
//!
//! The readers are ours. The `safetensors` crate lets the last of two tensors of one name win and
//! takes headers of 100 MB; an archive needs only the part of the zip format that numpy writes.

mod error;
mod format;
mod npy;
mod npz;
mod safetensors;
mod stored;
mod zip;

pub use error::FormatError;
pub use format::{Format, read, read_raw};
pub use stored::StoredModel;

use pqfw_framework::hash::AdmittedHash;

/// Tensors of finite f32, ordered by name. Two models of the same tensors are equal and have the
/// same hash, whatever file they came in.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    layout: Layout,
    values: Vec<f32>,
}

/// The names and shapes of a model's tensors, ordered by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    tensors: Vec<Shape>,
}

/// The name and the dimensions of one tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Its name.
    pub name: String,
    /// Its dimensions; a single number has none.
    pub dimensions: Vec<usize>,
}

/// One tensor: its values with the last dimension running fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its name and dimensions.
    pub shape: Shape,
    /// As many as the product of the dimensions.
    pub values: Vec<f32>,
}

/// The bounds of a model from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelLimits {
    /// The most values, over all tensors.
    pub values: u64,
    /// The most tensors.
    pub tensors: usize,
    /// The longest header: of a whole safetensors file, or of one numpy array.
    pub header_bytes: usize,
}

impl Default for ModelLimits {
    fn default() -> Self {
        Self {
            values: 1 << 28,
            tensors: 10_000,
            header_bytes: 2 << 20,
        }
    }
}

/// The longest name of a tensor, in bytes.
pub const MOST_NAME_BYTES: usize = 256;

/// The most dimensions of a tensor.
pub const MOST_DIMENSIONS: usize = 8;

impl Model {
    /// Makes a model of tensors in any order.
    ///
    /// # Errors
    /// [`FormatError`] unless names are unique and printable, each tensor has as many values as
    /// its dimensions say, all values are finite, and all is within the limits.
    pub fn new(mut tensors: Vec<Tensor>, limits: &ModelLimits) -> Result<Self, FormatError> {
        if tensors.len() > limits.tensors {
            let most = limits.tensors as u64;
            return Err(FormatError::TooLarge {
                what: "tensors",
                most,
            });
        }
        tensors.sort_by(|a, b| a.shape.name.cmp(&b.shape.name));
        let names = tensors.windows(2);
        if let Some(pair) = names
            .clone()
            .find(|pair| pair[0].shape.name == pair[1].shape.name)
        {
            return Err(FormatError::Tensor {
                name: pair[0].shape.name.clone(),
                fault: "its name stands there twice",
            });
        }
        let mut all = limits.values;
        for tensor in &tensors {
            let values = tensor.shape.check(all)?;
            if values != tensor.values.len() as u64 {
                return Err(tensor
                    .shape
                    .fault("its values are not those of its dimensions"));
            }
            if !tensor.values.iter().all(|value| value.is_finite()) {
                let tensor = tensor.shape.name.clone();
                return Err(FormatError::NotFinite { tensor });
            }
            all -= values;
        }
        let values = tensors
            .iter()
            .flat_map(|tensor| &tensor.values)
            .copied()
            .collect();
        let tensors = tensors.into_iter().map(|tensor| tensor.shape).collect();
        Ok(Self {
            layout: Layout { tensors },
            values,
        })
    }

    /// Makes a model of this layout and other values, as an aggregation does.
    ///
    /// # Errors
    /// [`FormatError::OtherLayout`] for another number of values, [`FormatError::NotFinite`].
    pub fn with_values(&self, values: Vec<f32>) -> Result<Self, FormatError> {
        self.layout.clone().filled(values)
    }

    /// The names and shapes.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// All values: those of the first tensor, then those of the next.
    #[must_use]
    pub fn values(&self) -> &Vec<f32> {
        &self.values
    }

    /// Checks that this model has the names and shapes of the base.
    ///
    /// # Errors
    /// [`FormatError::OtherLayout`] with the first difference.
    pub fn check_layout(&self, base: &Layout) -> Result<(), FormatError> {
        let (ours, theirs) = (&base.tensors, &self.layout.tensors);
        let differ = ours
            .iter()
            .zip(theirs)
            .find(|(ours, theirs)| ours != theirs);
        let fault = match differ {
            Some((ours, theirs)) => format!("{theirs} where the base has {ours}"),
            None if ours.len() != theirs.len() => {
                format!("{} tensors, and the base has {}", theirs.len(), ours.len())
            }
            None => return Ok(()),
        };
        Err(FormatError::OtherLayout(fault))
    }

    /// Writes the model in its one canonical form: a safetensors file of sorted names without
    /// metadata, byte for byte what the `safetensors` library writes.
    #[must_use]
    pub fn to_safetensors(&self) -> Vec<u8> {
        let mut file = safetensors::header(&self.layout);
        file.extend(self.values.iter().flat_map(|value| value.to_le_bytes()));
        file
    }

    /// How many bytes the canonical form has.
    #[must_use]
    pub fn length(&self) -> u64 {
        let values = size_of_val(&self.values[..]);
        (safetensors::header(&self.layout).len() + values) as u64
    }

    /// Writes the values alone, little-endian.
    #[must_use]
    pub fn to_raw(&self) -> Vec<u8> {
        self.values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    }

    /// The model's hash: that of its canonical form. The service hashes with SHA-256, so that
    /// `sha256sum` of the served file is the model's name.
    #[must_use]
    pub fn hash(&self, hash: &AdmittedHash) -> Vec<u8> {
        let mut state = hash.start();
        state.update(&safetensors::header(&self.layout));
        for piece in self.values.chunks(16_384) {
            let bytes: Vec<u8> = piece.iter().flat_map(|value| value.to_le_bytes()).collect();
            state.update(&bytes);
        }
        let mut digest = vec![0; hash.sizes().digest];
        state.finish(&mut digest);
        digest
    }
}

impl Layout {
    /// The tensors, ordered by name.
    #[must_use]
    pub fn tensors(&self) -> &[Shape] {
        &self.tensors
    }

    /// How many values a model of this layout has.
    #[must_use]
    pub fn values(&self) -> usize {
        // Of a model, so that its values fit into memory.
        self.tensors
            .iter()
            .map(|shape| shape.dimensions.iter().product::<usize>())
            .sum()
    }

    fn filled(self, values: Vec<f32>) -> Result<Model, FormatError> {
        let layout = self;
        if values.len() != layout.values() {
            let fault = format!(
                "{} values, and the base has {}",
                values.len(),
                layout.values()
            );
            return Err(FormatError::OtherLayout(fault));
        }
        match values.iter().position(|value| !value.is_finite()) {
            Some(at) => {
                let tensor = layout.at(at);
                Err(FormatError::NotFinite { tensor })
            }
            None => Ok(Model { layout, values }),
        }
    }

    /// The name of the tensor that value `at` belongs to.
    fn at(&self, mut at: usize) -> String {
        for shape in &self.tensors {
            let values = shape.dimensions.iter().product::<usize>();
            if at < values {
                return shape.name.clone();
            }
            at -= values;
        }
        String::new()
    }
}

impl Shape {
    /// Checks the name and the dimensions; gives the number of values, `most` at the most.
    fn check(&self, most: u64) -> Result<u64, FormatError> {
        let name = &self.name;
        if name.is_empty() || name.len() > MOST_NAME_BYTES || name.chars().any(char::is_control) {
            return Err(self.fault("its name is empty, too long or not printable"));
        }
        if self.dimensions.len() > MOST_DIMENSIONS {
            return Err(self.fault("it has too many dimensions"));
        }
        // A tensor without values may still have another dimension that overflows.
        let product = self.dimensions.iter().try_fold(1u64, |product, dimension| {
            product.checked_mul(*dimension as u64)
        });
        match product {
            Some(values) if values <= most => Ok(values),
            _ => Err(FormatError::TooLarge {
                what: "values",
                most,
            }),
        }
    }

    fn fault(&self, fault: &'static str) -> FormatError {
        FormatError::Tensor {
            name: self.name.clone(),
            fault,
        }
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` {:?}", self.name.escape_debug(), self.dimensions)
    }
}
